"""The labels of GPU nodes: what NVIDIA's GPU feature discovery (k8s-device-plugin, internal/lm) tells of a resource.

Labels may be missing, old, or written by hand; what cannot be true is passed over.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from gemma4_operator.planner.amounts import amount

PREFIX = "nvidia.com/"
GPU = "nvidia.com/gpu"
MIG = "nvidia.com/mig-"
PRODUCT_LABEL = "nvidia.com/gpu.product"
MEMORY_LABEL = "nvidia.com/gpu.memory"
COUNT_LABEL = "nvidia.com/gpu.count"
_REPLICAS_LABEL = "nvidia.com/gpu.replicas"
_STRATEGY_LABEL = "nvidia.com/gpu.sharing-strategy"
_MAJOR_LABEL = "nvidia.com/gpu.compute.major"
_MINOR_LABEL = "nvidia.com/gpu.compute.minor"
_SHARED = ".shared"
_SHARED_SUFFIX = "-SHARED"
_SINGLE = re.compile(r"-MIG-([0-9a-z.+]+)$", re.IGNORECASE)
_ATTRIBUTES = re.compile(r"([0-9]+g\.[0-9]+gb)[.+].*")
INVALID = "INVALID"
"""What stands for the profile where slices of several profiles are offered as one."""
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
        shared_by: How many pods share one of them; 0: several, and no label says how many.
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


def told_of(resource: str, labels: Mapping[str, str]) -> Told | None:
    """Return what labels tell of a resource; None: it is no GPU of NVIDIA's."""
    base = resource.removesuffix(_SHARED)
    if base == GPU:
        return _whole(resource, labels)
    return _slice(resource, base, labels) if base.startswith(MIG) else None


def memory_label(told: Told) -> str:
    """Return the label that says what one of them has; that of slices has their resource's name."""
    return f"{told.resource.removesuffix(_SHARED)}.memory"


def replicas_label(told: Told) -> str:
    """Return the label that says how many pods share one of them."""
    return f"{told.resource.removesuffix(_SHARED)}.replicas"


def slices_differ(labels: Mapping[str, str]) -> bool:
    """Whether a node has slices of several profiles, where only alike ones can be offered."""
    return str(labels.get(PRODUCT_LABEL, "")).endswith(f"-MIG-{INVALID}")


def _whole(resource: str, labels: Mapping[str, str]) -> Told:
    """Return what is told of nvidia.com/gpu, which stands for slices where all of a node are alike."""
    label = str(labels.get(PRODUCT_LABEL, ""))
    bare = label.removesuffix(_SHARED_SUFFIX)
    single = _SINGLE.search(bare) if "-MIG-" in bare else None
    is_called_shared = resource != GPU or bare != label or labels.get(_STRATEGY_LABEL, "none") not in ("none", "")
    return Told(
        resource,
        label,
        bare[: single.start()] if single else bare,
        _profile(single[1]) if single else "",
        _shared_by(amount(labels.get(_REPLICAS_LABEL)), is_called_shared=is_called_shared),
        _memory(labels.get(MEMORY_LABEL)),
        _capability(labels),
    )


def _slice(resource: str, base: str, labels: Mapping[str, str]) -> Told:
    """Return what is told of slices that have a resource of their own, and labels of its name."""
    label = str(labels.get(PRODUCT_LABEL, ""))
    is_called_shared = resource != base or str(labels.get(f"{base}.product", "")).endswith(_SHARED_SUFFIX)
    return Told(
        resource,
        label,
        _SINGLE.sub("", label.removesuffix(_SHARED_SUFFIX)),
        _profile(base.removeprefix(MIG)),
        _shared_by(amount(labels.get(f"{base}.replicas")), is_called_shared=is_called_shared),
        _memory(labels.get(f"{base}.memory")),
        _capability(labels),
    )


def _profile(name: str) -> str:
    """Return a profile without the engines it has besides, such as the `me` of 1g.10gb.me."""
    found = _ATTRIBUTES.fullmatch(name)
    return found[1] if found else name


def _shared_by(replicas: int, *, is_called_shared: bool) -> int:
    if replicas > 1:
        return replicas
    return 0 if is_called_shared else 1


def _memory(text: object) -> int | None:
    """Return a label's MiB; "[N/A]", 0, bytes, gigabytes and other garbage are nothing."""
    mib = int(text) if isinstance(text, str) and text.isdecimal() else text if isinstance(text, int) else 0
    return mib if _SMALLEST_MIB <= mib <= _LARGEST_MIB else None


def _capability(labels: Mapping[str, str]) -> tuple[int, int] | None:
    major, minor = amount(labels.get(_MAJOR_LABEL)), amount(labels.get(_MINOR_LABEL))
    return (major, minor) if major > 0 else None
