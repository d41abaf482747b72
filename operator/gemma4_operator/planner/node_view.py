"""One node as far as GPUs go: what it offers, read from labels that may be missing, old or wrong.

Labels are those of NVIDIA's GPU feature discovery; what is allocatable counts more than any of them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "nvidia.com/"
GPU = "nvidia.com/gpu"
_MIG = re.compile(r"nvidia\.com/mig-([0-9]g\.[0-9]+gb)(\.[a-z.]+)?")
_SINGLE = re.compile(r"-MIG-([0-9]g\.[0-9]+gb)", re.IGNORECASE)
_SHARED_SUFFIX = "-SHARED"
_READY_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a node has of one resource.

    Attributes:
        resource: What a container asks for, such as nvidia.com/gpu or nvidia.com/mig-3g.40gb.
        count: How many are allocatable.
        product: The label's value without what sharing adds; empty: no label.
        label: The label's value as it is, for a node affinity.
        profile: Of a MIG slice, such as 3g.40gb; empty: whole.
        shared_by: How many pods share one GPU.
        memory_mib: What the labels say of one; None: nothing that can be used.
    """

    resource: str
    count: int
    product: str
    label: str
    profile: str
    shared_by: int
    memory_mib: int | None
    compute_capability: tuple[int, int] | None


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
        usable: Whether it is ready, takes new pods and is not being deleted.
        labels: All of them, for node selectors.
    """

    name: str
    usable: bool
    offers: tuple[Offer, ...]
    labels: tuple[tuple[str, str], ...]
    taints: tuple[Taint, ...]
    memory_bytes: int


def node_view(node: Mapping[str, Any]) -> NodeView:
    """Return what one raw node offers."""
    metadata, spec, status = node["metadata"], node.get("spec", {}), node.get("status", {})
    labels = metadata.get("labels") or {}
    allocatable = status.get("allocatable") or {}
    offers = tuple(_offers(allocatable, labels)) if any(PREFIX in name for name in allocatable) else ()
    return NodeView(
        name=metadata["name"],
        usable=_usable(metadata, spec, status),
        offers=offers,
        labels=tuple(sorted(labels.items())) if offers else (),
        taints=tuple(
            Taint(key=taint["key"], value=taint.get("value", ""), effect=taint["effect"])
            for taint in spec.get("taints") or ()
            if taint["effect"] != "PreferNoSchedule" and taint["key"] not in _READY_TAINTS
        ),
        memory_bytes=quantity(allocatable.get("memory", "0")),
    )


def _usable(metadata: Mapping[str, Any], spec: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    conditions = status.get("conditions") or ()
    ready = all(condition["status"] == "True" for condition in conditions if condition["type"] == "Ready")
    return ready and not spec.get("unschedulable", False) and "deletionTimestamp" not in metadata


def _offers(allocatable: Mapping[str, Any], labels: Mapping[str, str]) -> Iterator[Offer]:
    label = labels.get("nvidia.com/gpu.product", "")
    product = label.removesuffix(_SHARED_SUFFIX)
    capability = _capability(labels)
    for resource, amount in allocatable.items():
        count = _count(amount)
        mixed = _MIG.fullmatch(resource)
        if count < 1 or (resource not in (GPU, f"{GPU}.shared") and mixed is None):
            continue
        single = _SINGLE.search(label)
        profile = mixed[1] if mixed else single[1] if single else ""
        yield Offer(
            resource=resource,
            count=count,
            product=_SINGLE.sub("", product),
            label=label,
            profile=profile,
            shared_by=1 if mixed else _shared_by(labels, label, resource),
            memory_mib=_memory(labels, f"{resource}.memory" if mixed else "nvidia.com/gpu.memory"),
            compute_capability=capability,
        )


def _shared_by(labels: Mapping[str, str], label: str, resource: str) -> int:
    """Return by how many pods a GPU is shared; a shared one whose labels do not say is shared by two at least."""
    replicas = _count(labels.get("nvidia.com/gpu.replicas", "1"))
    strategy = labels.get("nvidia.com/gpu.sharing-strategy", "none")
    is_shared = label.endswith(_SHARED_SUFFIX) or resource.endswith(".shared") or strategy not in ("none", "")
    return max(replicas, 2) if is_shared else max(replicas, 1)


def _memory(labels: Mapping[str, str], name: str) -> int | None:
    """Return a label's MiB; "[N/A]", 0 and other garbage are nothing."""
    text = labels.get(name, "")
    return int(text) if text.isdecimal() and int(text) > 0 else None


def _capability(labels: Mapping[str, str]) -> tuple[int, int] | None:
    major, minor = labels.get("nvidia.com/gpu.compute.major", ""), labels.get("nvidia.com/gpu.compute.minor", "")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else None


def _count(amount: Any) -> int:
    text = str(amount)
    return int(text) if text.isdecimal() else 0


_SUFFIXES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def quantity(text: str) -> int:
    """Return a Kubernetes quantity of bytes as a number; 0 for what is none."""
    found = re.fullmatch(r"([0-9]+)(Ki|Mi|Gi|Ti|k|M|G|T|m)?", str(text))
    if found is None:
        return 0
    number, suffix = int(found[1]), found[2]
    return number // 1000 if suffix == "m" else number * _SUFFIXES.get(suffix or "", 1)
