"""The GPUs of a cluster in classes of equal ones: how many there are, how many are free, and how pods find them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gemma4_operator.api.placement import Toleration
from gemma4_operator.api.shown import shown
from gemma4_operator.catalog.gpus import Gpu, MigProfile
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.catalog.products import normalized
from gemma4_operator.planner.admission import refusal
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.devices import device_of
from gemma4_operator.planner.grouping import Group, Groups
from gemma4_operator.planner.identify import device
from gemma4_operator.planner.node_labels import GPU, PRODUCT_LABEL
from gemma4_operator.planner.node_view import NodeView
from gemma4_operator.planner.uses import Use

POOL_GPUS = 8
"""Of a node that does not exist yet, of a product that the spec names: the largest that is sold."""
POOL_NODES = 1000
NAMED = 3
"""How many nodes a note names, of those that share a fate."""
SLICE = "-MIG-"
"""What joins a product and its profile in a label."""
NOTHING_OFFERED = (
    "No node offers GPUs to pods, so nothing can be placed: add nodes with GPUs and a device plugin, such as NVIDIA's "
    "GPU operator."
)
_MUTE = "has GPUs and offers none to pods: see whether its device plugin runs, and what its log says"


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuClass:
    """Equal GPUs.

    Attributes:
        device: One of them.
        resource: What a container asks for.
        product: The label's value, by which a spec allows it.
        node_labels: What a pod's node must bear, label and values; empty where one label says it all already.
        gpus_by_node: Of each node, sorted; so is `free_by_node`, where each place is a node of its own order.
        host_memory_bytes: What pods may take of the host's memory, on the node that has least; 0: not known.
        is_pool: No node has it now; the spec names it, so a node pool is taken to bring it.
    """

    device: Device
    resource: str
    product: str
    node_labels: tuple[tuple[str, str], ...]
    gpus_by_node: tuple[int, ...]
    free_by_node: tuple[int, ...]
    host_memory_bytes: int
    is_pool: bool = False

    @property
    def gpus_per_node(self) -> int:
        """The largest node's."""
        return self.gpus_by_node[-1]

    @property
    def nodes(self) -> int:
        """How many have it."""
        return len(self.gpus_by_node)

    @property
    def largest_free(self) -> int:
        """The most free GPUs of one node."""
        return self.free_by_node[-1] if self.free_by_node else 0

    def replicas_total(self, gpus: int) -> int:
        """Return how many replicas of that many GPUs fit in all; none spans nodes."""
        return sum(count // gpus for count in self.gpus_by_node)

    def replicas_free(self, gpus: int) -> int:
        """Return how many fit now."""
        return sum(count // gpus for count in self.free_by_node)


class Inventory(NamedTuple):
    """All classes in a fixed order, and sentences about nodes that have GPUs which are left out, or doubted.

    Attributes:
        unselected: The classes that there would be without the node selector, where no node has its labels.
    """

    classes: tuple[GpuClass, ...]
    notes: tuple[str, ...]
    unselected: tuple[GpuClass, ...] = ()


def inventory(
    views: Iterable[NodeView],
    uses: Iterable[Use] = (),
    *,
    catalog: Catalog,
    node_selector: Mapping[str, str] | None = None,
    tolerations: Sequence[Toleration] = (),
    products: Sequence[str] = (),
) -> Inventory:
    """Put the nodes that pods may go to in classes.

    Args:
        views: All nodes, in any order.
        uses: What running pods take, several for one node and resource add up.
        catalog: What is known of products.
        node_selector: What nodes must bear.
        tolerations: What pods put up with, beside the usual taint of GPU nodes.
        products: The spec's allow-list: one that no node has is taken to come with a pool, if the catalogue knows it.
    """
    views, uses, selector = tuple(views), tuple(uses), node_selector or {}
    groups = _grouped(views, uses, catalog, selector, tolerations)
    classes = [_class(group) for group in groups]
    present = {name for one in classes for name in (one.product, one.device.product)}
    absent = tuple(name for name in products if name not in present)
    classes += pools(catalog, absent) if absent else ()
    notes = sorted(_note(what, names) for what, names in groups.remarks())
    unselected: list[GpuClass] = []
    if selector and not any(_has_labels(view, selector) for view in views):
        unselected = [_class(group) for group in _grouped(views, uses, catalog, {}, tolerations)]
        notes = [_nowhere(selector), *notes] if notes else []
    return Inventory(
        classes=tuple(sorted(classes, key=_order)),
        notes=tuple(notes),
        unselected=tuple(sorted(unselected, key=_order)),
    )


def _grouped(
    views: Sequence[NodeView],
    uses: Sequence[Use],
    catalog: Catalog,
    selector: Mapping[str, str],
    tolerations: Sequence[Toleration],
) -> Groups:
    """Put the GPUs together to which pods with this selector and these tolerations may go."""
    used: dict[tuple[str, str], int] = {}
    for use in uses:
        used[use.node, use.resource] = used.get((use.node, use.resource), 0) + use.gpus
    groups = Groups(catalog)
    for view in views:
        if not view.offers and not view.is_mute:
            continue
        # Most nodes refuse nobody, and a thousand of them are asked in each choice.
        refused = refusal(view, selector, tolerations) if selector or view.taints or view.obstacle else ""
        if refused or view.is_mute:
            groups.remark(view, refused or _MUTE)
            continue
        for told, gpus in view.offers:
            groups.put(view, told, gpus, used.get((view.name, told.resource), 0) if used else 0)
    return groups


def _has_labels(view: NodeView, selector: Mapping[str, str]) -> bool:
    return bool(view.offers or view.is_mute) and selector.items() <= view.labels.items()


def _nowhere(selector: Mapping[str, str]) -> str:
    labels = " and ".join(f"{key}={value}" for key, value in selector.items())
    return (
        f"No node with GPUs has {shown(labels)}, which `spec.placement.nodeSelector` asks for: label the nodes, "
        "correct it, or drop it."
    )


class Kind(NamedTuple):
    """What a product's name stands for: a GPU of the catalogue, or a slice of one."""

    gpu: Gpu
    profile: MigProfile | None = None


def kind_named(catalog: Catalog, name: str) -> Kind | None:
    """Return what a node would have whose label is just this; None: nothing that can be planned before there is one.

    Pods find nodes by the label as it is, so its capitals count; how many share a GPU, no name says.
    """
    whole, is_slice, cut = name.partition(SLICE)
    gpu = catalog.gpu(whole)
    if gpu is None or normalized(whole) != whole.lower():
        return None
    if not any(whole == product or whole.startswith(f"{product}-") for product in gpu.products):
        return None
    profile = next((one for one in gpu.mig if one.name == cut), None)
    return Kind(gpu, profile) if profile is not None or not is_slice else None


def pools(catalog: Catalog, products: Sequence[str] = ()) -> tuple[GpuClass, ...]:
    """Return pools of all GPUs of the catalogue, or of those that are named."""
    if not products:
        return tuple(_pool(row.products[0], Kind(row)) for row in catalog.gpus)
    named = ((name, kind_named(catalog, name)) for name in products)
    return tuple(_pool(name, kind) for name, kind in named if kind is not None)


def _pool(name: str, kind: Kind) -> GpuClass:
    gpu, profile = kind
    # A machine with unified memory has one GPU.
    count = 1 if gpu.unified_memory else POOL_GPUS
    return GpuClass(
        device=device_of(gpu, profile=profile),
        resource=GPU,
        product=name,
        node_labels=((PRODUCT_LABEL, name),),
        gpus_by_node=(count,) * POOL_NODES,
        free_by_node=(),
        host_memory_bytes=0,
        is_pool=True,
    )


def _class(group: Group) -> GpuClass:
    """Return a class with the memory of the smallest GPU, and of the smallest host."""
    found = device(group.told, group.identity, memory_mib=group.memory_mib)
    hosts = [view.allocatable_bytes for view, _, _ in group.members if view.allocatable_bytes]
    return GpuClass(
        device=found,
        resource=group.told.resource,
        product=group.told.label or found.product,
        node_labels=group.identity.pins,
        gpus_by_node=tuple(sorted([gpus for _, gpus, _ in group.members])),
        free_by_node=tuple(sorted([gpus - used if gpus > used else 0 for _, gpus, used in group.members])),
        host_memory_bytes=min(hosts, default=0),
    )


def _note(what: str, names: Sequence[str]) -> str:
    """Return a sentence about one node, and who shares its fate."""
    first, *others = names
    if not others:
        return f"Node '{first}' {what}."
    named = ", ".join(f"'{name}'" for name in others[: NAMED - 1])
    more = f" and {len(others) - NAMED + 1} more" if len(others) >= NAMED else ""
    return f"Node '{first}' {what}. So it is with {named}{more}."


def _order(one: GpuClass) -> tuple[object, ...]:
    """Return a total order: what two classes have in common, the next place tells apart."""
    device = one.device
    return (device.product, one.resource, device.memory_bytes, one.product, one.node_labels, device.compute_capability)
