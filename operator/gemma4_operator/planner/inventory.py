"""The GPUs of a cluster in classes of equal ones: how many there are, how many are free, and how pods find them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gemma4_operator.api.placement import Toleration, TolerationOperator
from gemma4_operator.catalog.gpus import Gpu
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.devices import device_of, is_plausible, unknown_device
from gemma4_operator.planner.node_view import GPU, NodeView, Offer, Taint

PRODUCT_LABEL = "nvidia.com/gpu.product"
MEMORY_LABEL = "nvidia.com/gpu.memory"
HOST_LABEL = "kubernetes.io/hostname"
_GPU_TAINT = GPU
"""What GPU nodes usually bear, and every pod of ours tolerates."""
POOL_GPUS = 8
"""Of a node that does not exist yet, of a product that the spec names: the largest that is sold."""
POOL_NODES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuClass:
    """Equal GPUs.

    Attributes:
        device: One of them.
        resource: What a container asks for.
        product: The label's value, by which a spec allows it.
        node_labels: What a pod's node must bear, label and values; empty where one label says it all already.
        gpus_per_node: Of the largest node.
        gpus_by_node: Of each node, sorted; so is `free_by_node`.
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
    """All classes in a fixed order, and a sentence for each node that has GPUs and could not be understood."""

    classes: tuple[GpuClass, ...]
    notes: tuple[str, ...]


class Use(NamedTuple):
    """What pods take of one resource on one node."""

    node: str
    resource: str
    gpus: int


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
        views: All nodes.
        uses: What running pods take, several for one node and resource add up.
        catalog: What is known of products.
        node_selector: What nodes must bear.
        tolerations: What pods put up with, beside the usual taint of GPU nodes.
        products: The spec's allow-list: one that no node has is taken to come with a pool, if the catalogue knows it.
    """
    used: dict[tuple[str, str], int] = {}
    for use in uses:
        used[use.node, use.resource] = used.get((use.node, use.resource), 0) + use.gpus
    groups: dict[tuple[Any, ...], list[tuple[NodeView, Offer]]] = {}
    notes: list[str] = []
    wanted = (node_selector or {}).items()
    for view in views:
        if not view.offers or not view.usable or not _admits(view, wanted, tolerations):
            continue
        for offer in view.offers:
            why = _unclear(offer, catalog)
            if why is None:
                groups.setdefault(_group(view, offer), []).append((view, offer))
            else:
                notes.append(f"Node '{view.name}' {why}.")
    classes = [_class(members, used, catalog) for members in groups.values()]
    present = {one.product for one in classes}
    absent = tuple(name for name in products if name not in present)
    classes += pools(catalog, absent) if absent else ()
    return Inventory(classes=tuple(sorted(classes, key=_order)), notes=tuple(sorted(notes)))


def uses_of(pods: Iterable[Mapping[str, Any]]) -> Iterator[Use]:
    """Yield what raw pods take of their nodes' GPUs; those that have ended, or have no node yet, take nothing."""
    for pod in pods:
        node = pod.get("spec", {}).get("nodeName")
        if not node or pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
            continue
        spec = pod["spec"]
        running, starting = spec.get("containers") or (), spec.get("initContainers") or ()
        for resource in {
            name for one in (*running, *starting) for name in _asked(one) if name.startswith("nvidia.com/")
        }:
            steady = sum(_number(_asked(one).get(resource)) for one in running)
            first = max((_number(_asked(one).get(resource)) for one in starting), default=0)
            yield Use(node, resource, max(steady, first))


def _asked(container: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a container asks for; of GPUs, the limit is the request."""
    resources = container.get("resources") or {}
    return {**(resources.get("requests") or {}), **(resources.get("limits") or {})}


def _number(amount: Any) -> int:
    text = str(amount)
    return int(text) if text.isdecimal() else 0


def _admits(view: NodeView, wanted: Iterable[tuple[str, str]], tolerations: Sequence[Toleration]) -> bool:
    labels = dict(view.labels)
    return all(labels.get(key) == value for key, value in wanted) and all(
        taint.key == _GPU_TAINT or any(_tolerates(one, taint) for one in tolerations) for taint in view.taints
    )


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    if toleration.effect is not None and toleration.effect.value != taint.effect:
        return False
    if toleration.key is not None and toleration.key != taint.key:
        return False
    return toleration.operator is TolerationOperator.EXISTS or (toleration.value or "") == taint.value


def _unclear(offer: Offer, catalog: Catalog) -> str | None:
    """Return why nothing can be planned on an offer, with a way out."""
    known = catalog.gpu(offer.product, offer.memory_mib) if offer.product else None
    if known is not None and offer.profile and not any(one.name == offer.profile for one in known.mig):
        if offer.memory_mib is None:
            return (
                f"offers the slice {offer.profile} of {offer.product}, which the catalogue does not know: add it, "
                f"or label the node {offer.resource}.memory with its MiB"
            )
        return None
    if known is None and offer.memory_mib is None:
        name = f"'{offer.product}', which the catalogue does not know" if offer.product else "of no name"
        return (
            f"offers {offer.resource} {name}, and says nothing of its memory: label it {MEMORY_LABEL} with the MiB of "
            "one GPU, or add the product to the catalogue"
        )
    return None


def _group(view: NodeView, offer: Offer) -> tuple[Any, ...]:
    """Return what makes GPUs equal. Nodes without the label stand each for itself, as pods find them by name."""
    host = "" if offer.label else view.name
    return (
        offer.resource,
        offer.label,
        offer.profile,
        offer.shared_by,
        offer.memory_mib,
        offer.compute_capability,
        host,
    )


def _class(
    members: Sequence[tuple[NodeView, Offer]], used: Mapping[tuple[str, str], int], catalog: Catalog
) -> GpuClass:
    view, offer = members[0]
    counts = sorted(one.count for _, one in members)
    free = sorted(max(0, one.count - used.get((node.name, one.resource), 0)) for node, one in members)
    labels = (
        ((PRODUCT_LABEL, offer.label),)
        if offer.label
        else ((HOST_LABEL, dict(view.labels).get(HOST_LABEL, view.name)),)
    )
    return GpuClass(
        device=_device(offer, catalog),
        resource=offer.resource,
        product=offer.label or offer.product,
        node_labels=labels,
        gpus_by_node=tuple(counts),
        free_by_node=tuple(free),
        host_memory_bytes=min(node.memory_bytes for node, _ in members),
    )


def _device(offer: Offer, catalog: Catalog) -> Device:
    known = catalog.gpu(offer.product, offer.memory_mib) if offer.product else None
    profile = next((one for one in known.mig if one.name == offer.profile), None) if known is not None else None
    if known is not None and (profile is not None or (not offer.profile and _agrees(offer, known))):
        return device_of(known, profile=profile, shared_by=offer.shared_by, memory_mib=offer.memory_mib)
    assert offer.memory_mib is not None, "an offer without any memory is unclear"
    name = offer.label or offer.product or f"an unknown GPU of {offer.memory_mib} MiB"
    return unknown_device(
        name,
        memory_mib=offer.memory_mib // offer.shared_by,
        compute_capability=offer.compute_capability,
        is_shared=offer.shared_by > 1 or bool(offer.profile),
    )


def _agrees(offer: Offer, known: Gpu) -> bool:
    """Whether the node's label can be about the row; one far from it is the truth about another product of the name."""
    return offer.memory_mib is None or known.unified_memory or is_plausible(offer.memory_mib, known)


def pools(catalog: Catalog, products: Sequence[str] = ()) -> tuple[GpuClass, ...]:
    """Return pools of all GPUs of the catalogue, or of those that are named."""
    rows = [(name, catalog.gpu(name)) for name in products] or [(row.products[0], row) for row in catalog.gpus]
    return tuple(_pool(name, row) for name, row in rows if row is not None)


def _pool(name: str, gpu: Gpu) -> GpuClass:
    # A machine with unified memory has one GPU.
    count = 1 if gpu.unified_memory else POOL_GPUS
    return GpuClass(
        device=device_of(gpu),
        resource=GPU,
        product=name,
        node_labels=((PRODUCT_LABEL, name),),
        gpus_by_node=(count,) * POOL_NODES,
        free_by_node=(),
        host_memory_bytes=0,
        is_pool=True,
    )


def _order(one: GpuClass) -> tuple[str, str, int, tuple[tuple[str, str], ...]]:
    return (one.device.product, one.resource, one.device.memory_bytes, one.node_labels)
