"""Whether a candidate can run on a class of GPUs at all, and with which counts: what needs no budget to be said."""

from functools import lru_cache

from gemma4_operator.planner.ask import Ask
from gemma4_operator.planner.candidates import Candidate
from gemma4_operator.planner.configure import Failure
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.inventory import GpuClass
from gemma4_operator.planner.lost import Because

GPU_COUNTS = (1, 2, 4, 8, 16)
"""Of one replica: powers of two divide the heads of every variant and are what nodes are built of."""


def excluded(ask: Ask, gpus: GpuClass) -> Failure | None:
    """Return why a class may not be used for anything."""
    product = gpus.device.product
    # A slice goes by its own name, whatever the label of its node says.
    if ask.products and not {gpus.product, product} & set(ask.products):
        return Failure(Because.PRODUCT, (("product", product),))
    if _is_part(gpus.device) and not ask.allow_shared:
        return Failure(Because.SHARED, (("product", product),))
    return None


def counts_of(ask: Ask, candidate: Candidate, gpus: GpuClass) -> tuple[int, ...] | Failure:
    """Return how many GPUs of the class one replica may take, ascending, or why none will do.

    Counts whose whole memory is less than the weights are left out, but the largest stays: its budget says what lacks.
    """
    device = gpus.device
    has = device.compute_capability
    if has < candidate.needed_capability or has in candidate.unsupported_capabilities:
        return _without_kernels(candidate, device)
    most = 1 if _is_part(device) else gpus.gpus_per_node
    counts = _counts(candidate.heads_to_divide, most, ask.gpus_per_replica)
    if candidate.gpu_counts:
        known = tuple(count for count in counts if count in candidate.gpu_counts)
        if counts and not known:
            return _without_profile(candidate, most, ask.gpus_per_replica)
        counts = known
    if not counts:
        asked = ask.gpus_per_replica or 1
        if _is_part(device):
            return Failure(Because.SLICE, (("asked", asked), ("product", device.product)))
        return Failure(Because.NODE, (("asked", asked), ("product", device.product), ("has", gpus.gpus_per_node)))
    for place, count in enumerate(counts):
        if count * device.memory_bytes > candidate.least_bytes:
            return counts[place:]
    return counts[-1:]


def _is_part(device: Device) -> bool:
    """Whether it is a slice or shared: such have no way to each other."""
    return device.is_slice or device.is_shared


@lru_cache(maxsize=256)
def _counts(heads: int, most: int, asked: int | None) -> tuple[int, ...]:
    """Return the counts to try; `heads` must be divided by them, 0 by any."""
    return tuple(count for count in (GPU_COUNTS if asked is None else (asked,)) if count <= most and heads % count == 0)


def _without_profile(candidate: Candidate, most: int, asked: int | None) -> Failure:
    has = f"the largest has {most}" if asked is None else f"`spec.placement.gpusPerReplica` is {asked}"
    figures = (
        ("quantization", candidate.checkpoint.quantization),
        ("counts", " or ".join(map(str, candidate.gpu_counts))),
        ("has", has),
    )
    return Failure(Because.PROFILE, figures)


def _without_kernels(candidate: Candidate, device: Device) -> Failure:
    has, needed = device.compute_capability, candidate.needed_capability
    format_is_too_new = has < needed
    engine = candidate.engine.engine
    what = f"{candidate.checkpoint.quantization} on {engine}" if format_is_too_new else f"{engine}'s image"
    figures = (
        ("product", device.product),
        ("has", ".".join(map(str, has))),
        ("what", what),
        ("needed", ".".join(map(str, needed)) if format_is_too_new else "another"),
    )
    return Failure(Because.HARDWARE, figures)
