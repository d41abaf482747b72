"""One node as far as GPUs go: what it offers, read from labels that may be missing, old or wrong.

Labels are those of NVIDIA's GPU feature discovery (k8s-device-plugin, internal/lm); what is allocatable counts more
than any of them. Nothing here knows a product: a view is made once for each news of a node, and kept.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gemma4_operator.planner.amounts import amount

PREFIX = "nvidia.com/"
GPU = "nvidia.com/gpu"
PRODUCT_LABEL = "nvidia.com/gpu.product"
MEMORY_LABEL = "nvidia.com/gpu.memory"
_COUNT_LABEL = "nvidia.com/gpu.count"
_REPLICAS_LABEL = "nvidia.com/gpu.replicas"
_STRATEGY_LABEL = "nvidia.com/gpu.sharing-strategy"
_MAJOR_LABEL = "nvidia.com/gpu.compute.major"
_MINOR_LABEL = "nvidia.com/gpu.compute.minor"
_MIG = "nvidia.com/mig-"
_SHARED = ".shared"
_SHARED_SUFFIX = "-SHARED"
_SINGLE = re.compile(r"-MIG-([0-9a-z.+]+)$", re.IGNORECASE)
_ATTRIBUTES = re.compile(r"([0-9]+g\.[0-9]+gb)[.+].*")
_LARGEST_MIB = 2**20
"""A terabyte, four times the largest GPU: a label above it is in bytes, or garbage."""
_SMALLEST_MIB = 1024
"""A gigabyte: a label below it is in gigabytes, or garbage."""


class Told(NamedTuple):
    """What a node tells of the GPUs behind one resource; equal for equal GPUs, and quick to compare.

    Attributes:
        resource: What a container asks for, such as nvidia.com/gpu or nvidia.com/mig-3g.40gb.
        label: The product label's value as it is, for a node affinity; empty: none.
        product: The same without what sharing and slicing add.
        profile: Of a MIG slice, such as 3g.40gb; empty: whole.
        shared_by: How many pods share one of them.
        memory_mib: What the label says of one; None: nothing that can be MiB of a GPU.
        compute_capability: Major and minor; None: no label.
    """

    resource: str
    label: str
    product: str
    profile: str
    shared_by: int
    memory_mib: int | None
    compute_capability: tuple[int, int] | None


class Offer(NamedTuple):
    """How many a node has of them, allocatable and busy or not."""

    told: Told
    gpus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """What keeps pods away that do not tolerate it."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """One node: its offers, and what decides whether pods may come.

    Attributes:
        obstacle: Why no pod may come at all, such as "is cordoned"; empty: nothing.
        is_mute: Whether it has GPUs, by its capacity or labels, and offers none.
        labels: All of them, for node selectors; empty where there are no GPUs.
        allocatable_bytes: Of the host's memory, for pods; 0: not known.
        memory_bytes: Of the host, all of it.
    """

    name: str
    obstacle: str = ""
    offers: tuple[Offer, ...] = ()
    is_mute: bool = False
    labels: Mapping[str, str]
    taints: tuple[Taint, ...] = ()
    allocatable_bytes: int = 0
    memory_bytes: int = 0


def node_view(node: Mapping[str, Any]) -> NodeView:
    """Return what one raw node offers, as the API server or `kubectl get node -o json` gives it."""
    metadata, spec, status = node["metadata"], node.get("spec") or {}, node.get("status") or {}
    labels: Mapping[str, str] = metadata.get("labels") or {}
    allocatable, capacity = status.get("allocatable") or {}, status.get("capacity") or {}
    offers = tuple(_offers(allocatable, labels))
    is_mute = not offers and _should_offer(capacity, labels)
    if not offers and not is_mute:
        return NodeView(name=metadata["name"], labels={})
    return NodeView(
        name=metadata["name"],
        obstacle=_obstacle(metadata, spec, status),
        offers=offers,
        is_mute=is_mute,
        labels=dict(labels),
        taints=tuple(_taints(spec)) if spec.get("taints") else (),
        allocatable_bytes=amount(allocatable.get("memory", 0)),
        memory_bytes=amount(capacity.get("memory", 0)),
    )


def _obstacle(metadata: Mapping[str, Any], spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    if metadata.get("deletionTimestamp"):
        return "is being deleted"
    if spec.get("unschedulable"):
        return "is cordoned"
    for condition in status.get("conditions") or ():
        if condition.get("type") == "Ready" and condition.get("status") != "True":
            return "is not ready"
    return ""


def _taints(spec: Mapping[str, Any]) -> Iterator[Taint]:
    """Yield the taints that keep pods away."""
    for taint in spec["taints"]:
        effect = taint.get("effect", "")
        if effect != "PreferNoSchedule":
            yield Taint(key=taint.get("key", ""), value=taint.get("value") or "", effect=effect)


def _should_offer(capacity: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a node without offers has GPUs: by its capacity, by a count, or by slices that do not go together."""
    has = any(amount(capacity[name]) for name in capacity if name == GPU or name.startswith(_MIG))
    return has or amount(labels.get(_COUNT_LABEL, 0)) > 0 or _slices_differ(labels.get(PRODUCT_LABEL, ""))


def _slices_differ(label: str) -> bool:
    return str(label).endswith("-MIG-INVALID")


def _offers(allocatable: Mapping[str, Any], labels: Mapping[str, str]) -> Iterator[Offer]:
    for resource in allocatable:
        if not resource.startswith(PREFIX):
            continue
        count = amount(allocatable[resource])
        if count < 1:
            continue
        base = resource.removesuffix(_SHARED)
        if base == GPU:
            yield Offer(_whole(resource, labels, count), count)
        elif base.startswith(_MIG):
            yield Offer(_slice(resource, base, labels), count)


def _whole(resource: str, labels: Mapping[str, str], count: int) -> Told:
    """Return what is told of nvidia.com/gpu, which stands for slices where all of a node are alike."""
    label = str(labels.get(PRODUCT_LABEL, ""))
    bare = label.removesuffix(_SHARED_SUFFIX)
    single = _SINGLE.search(bare) if "-MIG-" in bare else None
    return Told(
        resource,
        label,
        bare[: single.start()] if single else bare,
        _profile(single[1]) if single else "",
        _shared_by(resource, label, labels, count),
        _memory(labels.get(MEMORY_LABEL)),
        _capability(labels),
    )


def _slice(resource: str, base: str, labels: Mapping[str, str]) -> Told:
    """Return what is told of slices that have a resource of their own, and labels of its name."""
    label = str(labels.get(PRODUCT_LABEL, ""))
    is_shared = resource != base or str(labels.get(f"{base}.product", "")).endswith(_SHARED_SUFFIX)
    replicas = amount(labels.get(f"{base}.replicas", 1))
    return Told(
        resource,
        label,
        _SINGLE.sub("", label.removesuffix(_SHARED_SUFFIX)),
        _profile(base.removeprefix(_MIG)),
        max(replicas, 2 if is_shared else 1),
        _memory(labels.get(f"{base}.memory")),
        _capability(labels),
    )


def _profile(name: str) -> str:
    """Return a profile without the engines it has besides, such as the `me` of 1g.10gb.me."""
    found = _ATTRIBUTES.fullmatch(name)
    return found[1] if found else name


def _shared_by(resource: str, label: str, labels: Mapping[str, str], count: int) -> int:
    """Return by how many pods a GPU is shared; where labels only say that it is, by what the count says, or by two."""
    replicas = amount(labels.get(_REPLICAS_LABEL, 1))
    if replicas > 1:
        return replicas
    strategy = labels.get(_STRATEGY_LABEL, "none")
    if strategy not in ("none", "") or label.endswith(_SHARED_SUFFIX) or resource.endswith(_SHARED):
        return max(2, count // max(1, amount(labels.get(_COUNT_LABEL, 0))))
    return 1


def _memory(text: object) -> int | None:
    """Return a label's MiB; "[N/A]", 0, bytes, gigabytes and other garbage are nothing."""
    mib = int(text) if isinstance(text, str) and text.isdecimal() else text if isinstance(text, int) else 0
    return mib if _SMALLEST_MIB <= mib <= _LARGEST_MIB else None


def _capability(labels: Mapping[str, str]) -> tuple[int, int] | None:
    major, minor = str(labels.get(_MAJOR_LABEL, "")), str(labels.get(_MINOR_LABEL, ""))
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else None
