"""What the GPUs of a node are: a row of the catalogue, an unknown by its memory, or a sentence on what is missing.

A node's word is believed where it can be true, and else the smaller figure is taken: a plan that asks for too little
room runs, one that counts on memory that is not there does not.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gemma4_operator.catalog.gpus import Gpu, MigProfile
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.devices import capability_of, device_of, is_plausible, unknown_device
from gemma4_operator.planner.node_labels import INVALID, MEMORY_LABEL, PRODUCT_LABEL, Told, memory_label, replicas_label

HOST_LABEL = "kubernetes.io/hostname"
_PROFILE = re.compile(r"[0-9]+g\.([0-9]+)gb")

Pins = tuple[tuple[str, str], ...]


class Unclear(str):
    """Why nothing can be planned on GPUs, as the rest of a sentence about their node, with a way out."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What GPUs are.

    Attributes:
        row: The catalogue's; None: they are planned by their memory alone.
        profile: The catalogue's, of slices.
        memory_mib: Of one, whole or slice; equal GPUs may differ in it by what their driver keeps.
        reserved_mib: What the system needs of it, where no row is.
        compute_capability: Where no row is; None: not known.
        hourly_price: Of one whole GPU or slice, where no row is; None: not known.
        unified_memory: Where no row is.
        pins: Labels by which pods find just these GPUs, and no others that bear the same product's name.
        doubt: Why the node's word is not taken as it is, as the rest of a sentence; empty: it is.
    """

    row: Gpu | None
    profile: MigProfile | None = None
    memory_mib: int
    reserved_mib: int = 0
    compute_capability: tuple[int, int] | None = None
    hourly_price: Decimal | None = None
    unified_memory: bool = False
    pins: Pins
    doubt: str = ""

    @property
    def kind(self) -> tuple[object, ...]:
        """What makes two identities one class; memory only where it is all that is known."""
        if self.row is not None:
            return (self.row.key, self.profile.name if self.profile else "", self.pins)
        return (self.memory_mib, self.compute_capability, self.pins)


def rows_by_name(catalog: Catalog) -> Mapping[str, tuple[Gpu, ...]]:
    """Return the rows by their first name: several where machines of one name differ in memory."""
    found: dict[str, tuple[Gpu, ...]] = {}
    for row in catalog.gpus:
        found[row.products[0]] = (*found.get(row.products[0], ()), row)
    return found


def identify(told: Told, *, rows: Sequence[Gpu], machine_mib: int, host: str) -> Identity | Unclear:
    """Return what GPUs are.

    Args:
        told: What the node's labels say.
        rows: The catalogue's of that product.
        machine_mib: The host's memory, which unified memory is; 0: not known.
        host: The node by its host label, to be found where no other label tells its GPUs from others.
    """
    if told.profile == INVALID:
        return Unclear(
            f"has slices of several profiles, which cannot be offered as {told.resource}: cut them all alike, or set "
            "the device plugin's MIG strategy to mixed"
        )
    if told.profile and _PROFILE.fullmatch(told.profile) is None:
        return Unclear(
            f"offers {told.resource}, a part of a slice whose memory others use too: offer whole slices, such as "
            "nvidia.com/mig-3g.40gb"
        )
    if told.shared_by == 0:
        return Unclear(
            f"offers {told.resource} that pods share, and does not say how many: label it {replicas_label(told)} with "
            "how many share one"
        )
    if not rows:
        return _unknown(told, host)
    return _known_slice(told, rows[0], host) if told.profile else _known(told, rows, machine_mib, host)


def _unknown(told: Told, host: str) -> Identity | Unclear:
    if told.memory_mib is None:
        name = f"'{told.product}', which the catalogue does not know," if told.product else "of no name"
        return Unclear(
            f"offers {told.resource} {name} and does not say how much memory: label it {memory_label(told)} with the "
            f"MiB of one, or {'add the product to the catalogue' if told.product else f'{PRODUCT_LABEL}'}"
        )
    pins = _by_memory(told, host)
    return Identity(row=None, memory_mib=told.memory_mib, compute_capability=told.compute_capability, pins=pins)


def _known_slice(told: Told, row: Gpu, host: str) -> Identity | Unclear:
    profile = next((one for one in row.mig if one.name == told.profile), None)
    if profile is not None:
        # Another size than the profile's is the whole GPU's, or garbage: how large a slice is, its name says.
        told_mib = told.memory_mib or profile.memory_mib
        mib = told_mib if is_plausible(told_mib, profile) else profile.memory_mib
        return Identity(row=row, profile=profile, memory_mib=mib, pins=_by_product(told, host))
    if told.memory_mib is None:
        return Unclear(
            f"offers the slice {told.profile} of {told.product}, which the catalogue does not know: add it there, or "
            f"label the node {memory_label(told)} with its MiB"
        )
    found = _PROFILE.fullmatch(told.profile)
    assert found is not None, "other profiles are unclear"
    # The label may hold the whole GPU's memory; the name is the slice's, rounded up.
    mib = min(told.memory_mib, int(found[1]) * 1024)
    return Identity(
        row=None,
        memory_mib=mib,
        compute_capability=capability_of(row),
        hourly_price=row.price * mib / row.memory_mib,
        pins=_by_memory(told, host),
    )


def _known(told: Told, rows: Sequence[Gpu], machine_mib: int, host: str) -> Identity | Unclear:
    has_sizes = len(rows) > 1
    by_machine = told.memory_mib is None and rows[0].unified_memory and machine_mib > 0
    mib = machine_mib if by_machine else told.memory_mib
    if mib is None and has_sizes:
        return Unclear(
            f"offers {told.resource} '{told.product}', which there is with {_sizes(rows)} MiB, and does not say which: "
            f"label it {MEMORY_LABEL} with the MiB of one"
        )
    row = min(rows, key=lambda one: abs(one.memory_mib - (mib or one.memory_mib)))
    pins = _by_memory(told, host) if has_sizes else _by_product(told, host)
    if mib is None or is_plausible(mib, row):
        return Identity(row=row, memory_mib=mib or row.memory_mib, pins=pins)
    if mib > row.memory_mib:
        return Identity(
            row=row, memory_mib=row.memory_mib, pins=pins, doubt="" if by_machine else _doubt(told, mib, row)
        )
    return Identity(
        row=None,
        memory_mib=mib,
        reserved_mib=row.reserved_mib,
        compute_capability=capability_of(row),
        hourly_price=row.price,
        unified_memory=row.unified_memory,
        pins=_by_memory(told, host),
        doubt=_doubt(told, mib, row),
    )


def _doubt(told: Told, mib: int, row: Gpu) -> str:
    by, mend = ("label", "mend") if told.memory_mib is not None else ("own memory", "set")
    return (
        f"has '{told.product}' with {mib} MiB by its {by}, where the catalogue knows {row.memory_mib}: planned with "
        "the smaller; if it is right, add the product with this memory to the catalogue, else "
        f"{mend} the label {MEMORY_LABEL}"
    )


def _sizes(rows: Sequence[Gpu]) -> str:
    *others, last = sorted(row.memory_mib for row in rows)
    return f"{', '.join(map(str, others))} or {last}"


def _by_product(told: Told, host: str) -> Pins:
    """Return the labels of the product and of how many share it; the host's where pods cannot go by a product."""
    if not told.label:
        return ((HOST_LABEL, host),)
    shares = ((replicas_label(told), str(told.shared_by)),) if told.shared_by > 1 else ()
    return ((PRODUCT_LABEL, told.label), *shares)


def _by_memory(told: Told, host: str) -> Pins:
    """Return pins for GPUs of one name that differ in memory."""
    if not told.label or told.memory_mib is None:
        return ((HOST_LABEL, host),)
    return (*_by_product(told, host), (memory_label(told), str(told.memory_mib)))


def device(told: Told, identity: Identity, *, memory_mib: int) -> Device:
    """Return what is planned with; `memory_mib` is the smallest of all that are planned as one."""
    row = identity.row
    if row is not None:
        return device_of(row, profile=identity.profile, shared_by=told.shared_by, memory_mib=memory_mib)
    price = identity.hourly_price
    return unknown_device(
        told.label or f"an unknown GPU of {memory_mib} MiB",
        memory_mib=max(0, memory_mib - identity.reserved_mib) // told.shared_by,
        compute_capability=identity.compute_capability,
        hourly_price=price / told.shared_by if price is not None else None,
        unified_memory=identity.unified_memory,
        is_slice=bool(told.profile),
        shared_by=told.shared_by,
    )
