"""The GPUs: memory, bandwidth, arithmetic, what they can run, what they cost, and how they are cut into slices."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gemma4_operator.catalog.row import ComputeCapability, Count, Part, Row, Text

Positive = Annotated[float, Field(gt=0)]
Price = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]{1,4})?$", coerce_numbers_to_str=True)]


class Link(StrEnum):
    """How GPUs of a node reach each other."""

    NVLINK = "NVLink"
    PCIE = "PCIe"
    NONE = "None"


class MigProfile(Part):
    """One way to cut a slice."""

    name: Annotated[str, Field(pattern=r"^[0-9]g\.[0-9]+gb$")]
    memory_mib: Count
    compute_slices: Annotated[int, Field(ge=1, le=7)]
    """Of the GPU's 7; of 4 where its memory has 4."""
    memory_slices: Annotated[int, Field(ge=1, le=8)]
    """Of the GPU's `memorySlices`."""


class Gpu(Row):
    """One product."""

    products: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Values of the node label nvidia.com/gpu.product, without -SHARED and -MIG- suffixes; the first names the GPU."""
    memory_mib: Annotated[int, Field(gt=0, strict=True)]
    """What the driver reports for one GPU; unified memory is the machine's, and `reservedMib` of it the system's."""
    reserved_mib: Count = 0
    """What the system needs of unified memory."""
    unified_memory: bool = False
    memory_label: bool = True
    """Whether nodes bear the label nvidia.com/gpu.memory."""
    bandwidth_gb_per_second: Positive
    """Of the memory, in 10^9 bytes per second."""
    bf16_tflops: Positive | None = None
    """Dense; absent where the hardware has no BF16."""
    fp8_tflops: Positive | None = None
    fp4_tflops: Positive | None = None
    compute_capability: ComputeCapability
    link: Link
    link_gb_per_second: Positive | None = None
    """One direction."""
    memory_slices: Annotated[int, Field(ge=1, le=8)] = 8
    mig: tuple[MigProfile, ...] = ()
    hourly_price: Price
    """Of one GPU, in the table's currency."""
    price_source: Text

    @property
    def key(self) -> tuple[str, int]:
        """What makes a row unique: machines of one name differ in memory."""
        return (self.products[0], self.memory_mib)

    @property
    def price(self) -> Decimal:
        """The hourly price, exact."""
        return Decimal(self.hourly_price)
