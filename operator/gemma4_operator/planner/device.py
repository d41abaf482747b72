"""One GPU as the planner calculates with it: a product of the catalogue, a slice of one, or an unknown with a label."""

from dataclasses import dataclass
from decimal import Decimal

from gemma4_operator.catalog.gpus import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What one allocatable GPU can hold and how fast it is.

    Attributes:
        product: As a user knows it: the value of nvidia.com/gpu.product, or product and profile of a slice.
        memory_bytes: What an engine may count on, the system's share of unified memory taken off.
        reserved_bytes: That share, of which engines that take a fraction of the whole do not know.
        bandwidth: Of the memory, in bytes per second.
        bf16_flops: Dense, per second; 0: no BF16. So are `fp8_flops` and `fp4_flops`.
        compute_capability: Major and minor, for comparison.
        link_bytes_per_second: To the other GPUs of the node, one direction; 0: none.
        hourly_price: Of one.
        unified_memory: Whether the machine's processes live in the same memory.
        is_slice: A MIG slice: no tensor parallel over several.
        shared_by: How many pods use one; time-sliced or with MPS they have the same memory, of which this is a part.
        is_known: False: planned by the memory label and the most modest figures.
    """

    product: str
    memory_bytes: int
    bandwidth: float
    bf16_flops: float
    fp8_flops: float
    fp4_flops: float
    compute_capability: tuple[int, int]
    link: Link
    link_bytes_per_second: float
    hourly_price: Decimal
    unified_memory: bool = False
    is_slice: bool = False
    shared_by: int = 1
    is_known: bool = True
    reserved_bytes: int = 0

    @property
    def is_shared(self) -> bool:
        """Whether other pods use the same memory."""
        return self.shared_by > 1
