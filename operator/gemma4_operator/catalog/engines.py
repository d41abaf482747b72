"""The inference servers: which image, under which licence, and which versions can run what."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.catalog.row import ComputeCapability, Part, Row, Text, Version


class Denied(Part):
    """Versions that must not run, with the reason a user is given."""

    versions: Annotated[tuple[Version, ...], Field(min_length=1)]
    variants: tuple[Variant, ...] = ()
    """Only for these; empty: all."""
    quantizations: tuple[Quantization, ...] = ()
    """Only for these; empty: all."""
    because: Text
    source: Text


class EngineImage(Row):
    """The image that runs an engine, the engine's version inside, and its limits."""

    engine: EngineType
    version: Version
    image: Annotated[str, Field(pattern=r"^[^:@]+/[^:@]+:[^:@]+(@sha256:[0-9a-f]{64})?$")]
    licence: Text
    minimum_version: Mapping[Variant, Version]
    """The oldest version that runs a variant."""
    denied: tuple[Denied, ...] = ()
    formats: Mapping[Quantization, ComputeCapability]
    """The formats it reads, each with the least compute capability of a GPU that computes with it."""
    unsupported_compute_capabilities: tuple[ComputeCapability, ...] = ()
    """GPUs that its image brings no kernels for."""
    fp8_cache_compute_capability: ComputeCapability | None = None
    """The least compute capability for a cache in FP8; absent: it has none."""

    @property
    def key(self) -> EngineType:
        """What a plan looks the row up by."""
        return self.engine
