"""From rows of the catalogue and labels of nodes to devices: whole GPUs, MIG slices, shared GPUs, and unknown ones."""

from decimal import Decimal

from gemma4_operator.catalog.gpus import Gpu, Link, MigProfile
from gemma4_operator.planner.device import Device

_MIB = 2**20
_COMPUTE_SLICES = 7
UNKNOWN_BANDWIDTH = 200e9
"""Of an unknown GPU: what the slowest one with enough memory for any of the family has (RTX A2000, Orin)."""
UNKNOWN_FLOPS = 20e12
UNKNOWN_CAPABILITY = (8, 0)
"""The oldest that computes in BF16: nothing newer is counted on."""
UNKNOWN_PRICE = Decimal("1.00")


def device_of(
    gpu: Gpu, *, profile: MigProfile | None = None, shared_by: int = 1, memory_mib: int | None = None
) -> Device:
    """Return a GPU of the catalogue as it is offered.

    Args:
        gpu: The row.
        profile: The MIG slice. Compute follows its sevenths, bandwidth its share of the memory slices.
        shared_by: By how many pods one GPU is shared; each is taken to have an equal part, since nothing enforces more.
        memory_mib: What the node's label says; it counts more than the row where both are of the same size.
    """
    compute = profile.compute_slices / _COMPUTE_SLICES if profile else 1 / shared_by
    share = profile.memory_slices / gpu.memory_slices if profile else 1 / shared_by
    whole = memory_mib if memory_mib is not None and is_plausible(memory_mib, gpu) else gpu.memory_mib
    memory = profile.memory_mib if profile else (whole - gpu.reserved_mib) // shared_by
    name = f"{gpu.products[0]}-MIG-{profile.name}" if profile else gpu.products[0]
    return Device(
        product=f"{name}-SHARED" if shared_by > 1 else name,
        memory_bytes=memory * _MIB,
        bandwidth=gpu.bandwidth_gb_per_second * 1e9 * share,
        bf16_flops=(gpu.bf16_tflops or 0.0) * 1e12 * compute,
        fp8_flops=(gpu.fp8_tflops or 0.0) * 1e12 * compute,
        fp4_flops=(gpu.fp4_tflops or 0.0) * 1e12 * compute,
        compute_capability=_numbers(gpu.compute_capability),
        link=Link.NONE if profile else gpu.link,
        link_bytes_per_second=0.0 if profile else (gpu.link_gb_per_second or 0.0) * 1e9,
        hourly_price=(gpu.price * Decimal(str(share))).quantize(Decimal("0.0001")),
        unified_memory=gpu.unified_memory,
        is_slice=profile is not None,
        is_shared=shared_by > 1,
    )


def unknown_device(
    product: str, *, memory_mib: int, compute_capability: tuple[int, int] | None = None, is_shared: bool = False
) -> Device:
    """Return a GPU of which nothing is known but its memory, with the most modest figures for the rest."""
    return Device(
        product=product,
        memory_bytes=memory_mib * _MIB,
        bandwidth=UNKNOWN_BANDWIDTH,
        bf16_flops=UNKNOWN_FLOPS,
        fp8_flops=0.0,
        fp4_flops=0.0,
        compute_capability=compute_capability or UNKNOWN_CAPABILITY,
        link=Link.NONE,
        link_bytes_per_second=0.0,
        hourly_price=UNKNOWN_PRICE,
        is_shared=is_shared,
        is_known=False,
    )


def is_plausible(memory_mib: int, gpu: Gpu) -> bool:
    """Whether a label's memory can be that of a row: within a quarter, as between drivers and ECC settings."""
    return 0.75 <= memory_mib / gpu.memory_mib <= 1.25


def _numbers(capability: str) -> tuple[int, int]:
    major, minor = capability.split(".")
    return (int(major), int(minor))
