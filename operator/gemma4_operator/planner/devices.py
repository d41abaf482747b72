"""From rows of the catalogue and labels of nodes to devices: whole GPUs, MIG slices, shared GPUs, and unknown ones."""

from decimal import Decimal

from gemma4_operator.catalog.gpus import Gpu, Link, MigProfile
from gemma4_operator.planner.device import Device

_MIB = 2**20
_MIB_PER_GIB = 1024
_CENTICENT = Decimal("0.0001")
_COMPUTE_SLICES = 7
"""Of every GPU that is cut by MIG, as far as arithmetic goes (NVIDIA's MIG user guide); A30 and RTX PRO have 4."""
UNKNOWN_BANDWIDTH = 200e9
"""Of an unknown GPU: what the slowest one with enough memory for any of the family has (RTX A2000, Orin)."""
UNKNOWN_FLOPS = 20e12
"""In BF16, per second: below every row of the catalogue but the smallest Jetson."""
UNKNOWN_CAPABILITY = (8, 0)
"""The oldest that computes in BF16: nothing newer is counted on."""
UNKNOWN_PRICE_PER_GIB = Decimal("0.045")
"""An hour: what the dearest memory of the catalogue costs (A10G), so that an unknown GPU is never a bargain."""
PLAUSIBLE = (0.75, 1.25)
"""By what factors a label may differ from the catalogue: drivers, ECC and firmware move it by some percent."""


def device_of(
    gpu: Gpu, *, profile: MigProfile | None = None, shared_by: int = 1, memory_mib: int | None = None
) -> Device:
    """Return a GPU of the catalogue as it is offered.

    Args:
        gpu: The row.
        profile: The MIG slice. Compute follows its GPCs, bandwidth and price its share of the memory slices.
        shared_by: By how many pods one of them is shared; each is taken to have an equal part, since nothing enforces
            more: time-slicing gives memory to whoever comes first, and MPS limits it to this part.
        memory_mib: What the node's label says of one, whole or slice; it counts more than the row where both are of the
            same size.
    """
    row = profile or gpu
    one_mib = memory_mib if memory_mib is not None and is_plausible(memory_mib, row) else row.memory_mib
    reserved_mib = 0 if profile else gpu.reserved_mib
    compute = (profile.compute_slices / _compute_slices(gpu) if profile else 1) / shared_by
    share = (profile.memory_slices / gpu.memory_slices if profile else 1) / shared_by
    name = f"{gpu.products[0]}-MIG-{profile.name}" if profile else gpu.products[0]
    return Device(
        product=f"{name}-SHARED" if shared_by > 1 else name,
        memory_bytes=(one_mib - reserved_mib) // shared_by * _MIB,
        bandwidth=gpu.bandwidth_gb_per_second * 1e9 * share,
        bf16_flops=(gpu.bf16_tflops or 0.0) * 1e12 * compute,
        fp8_flops=(gpu.fp8_tflops or 0.0) * 1e12 * compute,
        fp4_flops=(gpu.fp4_tflops or 0.0) * 1e12 * compute,
        compute_capability=capability_of(gpu),
        link=Link.NONE if profile else gpu.link,
        link_bytes_per_second=0.0 if profile else (gpu.link_gb_per_second or 0.0) * 1e9,
        hourly_price=(gpu.price * Decimal(str(share))).quantize(_CENTICENT),
        unified_memory=gpu.unified_memory,
        is_slice=profile is not None,
        shared_by=shared_by,
        reserved_bytes=reserved_mib // shared_by * _MIB,
    )


def unknown_device(
    product: str,
    *,
    memory_mib: int,
    compute_capability: tuple[int, int] | None = None,
    hourly_price: Decimal | None = None,
    unified_memory: bool = False,
    is_slice: bool = False,
    shared_by: int = 1,
) -> Device:
    """Return a GPU of which little is known but its memory, with the most modest figures for the rest.

    Args:
        product: How to call it.
        memory_mib: What one pod may count on.
        compute_capability: Of the node's labels; without them, UNKNOWN_CAPABILITY.
        hourly_price: Where the product at least is known; else it is as dear as its memory can be.
        unified_memory: Whether it is the machine's.
        is_slice: Whether it is a MIG slice.
        shared_by: How many pods use one of them.
    """
    price = hourly_price if hourly_price is not None else UNKNOWN_PRICE_PER_GIB * memory_mib / _MIB_PER_GIB
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
        hourly_price=price.quantize(_CENTICENT),
        unified_memory=unified_memory,
        is_slice=is_slice,
        shared_by=shared_by,
        is_known=False,
    )


def is_plausible(memory_mib: int, row: Gpu | MigProfile) -> bool:
    """Whether a label's memory can be that of a row, or of a profile."""
    least, most = PLAUSIBLE
    return least <= memory_mib / row.memory_mib <= most


def capability_of(gpu: Gpu) -> tuple[int, int]:
    """Return the compute capability as numbers, for comparison."""
    major, minor = gpu.compute_capability.split(".")
    return (int(major), int(minor))


def _compute_slices(gpu: Gpu) -> int:
    """Return into how many parts the arithmetic is cut: 7, or the 4 of GPUs that have 4 parts of memory too."""
    return min(_COMPUTE_SLICES, gpu.memory_slices)
