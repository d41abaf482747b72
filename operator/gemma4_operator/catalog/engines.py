"""The inference servers: which image, under which licence, and which versions can run what."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.api.engine import Image
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


class Backend(StrEnum):
    """The inference code inside a server: what decides how memory is used and how fast it is."""

    VLLM = "vllm"
    LLAMA_CPP = "llama.cpp"
    OLLAMA = "ollama"


class Form(StrEnum):
    """How weights are kept, whatever their format."""

    SAFETENSORS = "Safetensors"
    GGUF = "GGUF"
    OLLAMA = "OllamaLibrary"


class Doubt(Part):
    """GPUs on which the engine's own image may not run; a plan on them says so."""

    compute_capabilities: Annotated[tuple[ComputeCapability, ...], Field(min_length=1)]
    because: Text
    """A sentence with a way out."""
    source: Text


class DedicatedImage(Part):
    """An image that is made for one variant, and brings its own list of what it runs."""

    image: Image
    profiles: Annotated[Mapping[Quantization, Annotated[tuple[int, ...], Field(min_length=1)]], Field(min_length=1)]
    """The formats it runs, each with the counts of GPUs."""
    source: Text


class EngineImage(Row):
    """The image that runs an engine, the engine's version inside, and its limits."""

    engine: EngineType
    backend: Backend
    version: Version
    """Of what the image holds, which a digest alone does not tell."""
    image: Image
    dedicated: Mapping[Variant, DedicatedImage] = {}
    """Images for one variant each, which go before `image` for the formats they run."""
    backend_versions: Mapping[Version, Version] | None = None
    """The backend's version in each version that is known; absent: they are the same."""
    reads: Annotated[tuple[Form, ...], Field(min_length=1)]
    """The forms of weights; who names no engine gets the catalogue's first that reads them."""
    licence: Text
    minimum_version: Mapping[Variant, Version]
    """The oldest version that runs a variant."""
    denied: tuple[Denied, ...] = ()
    formats: Mapping[Quantization, ComputeCapability]
    """The formats it reads, each with the least compute capability of a GPU that computes with it."""
    doubts: tuple[Doubt, ...] = ()
    unsupported_compute_capabilities: tuple[ComputeCapability, ...] = ()
    """GPUs that its image brings no kernels for."""
    fp8_cache_compute_capability: ComputeCapability | None = None
    """The least compute capability for a cache in FP8; absent: it has none."""

    @property
    def key(self) -> EngineType:
        """What a plan looks the row up by."""
        return self.engine
