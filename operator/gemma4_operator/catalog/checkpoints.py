"""The weights that exist: where they lie, how many bytes they are, and what their quantization leaves as it was."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gemma4_operator.api.common import Quantization, Variant
from gemma4_operator.catalog.row import Bytes, Part, Row, Text

Bits = Annotated[float, Field(ge=0, le=16)]


class Tuning(StrEnum):
    """What a checkpoint was trained for."""

    INSTRUCTION = "Instruction"
    BASE = "Base"


class BitsPerWeight(Part):
    """How many bits one weight of each part takes, scales included; 16: left in BF16, 0: not in these files."""

    attention: Bits = 16.0
    mlp: Bits = 16.0
    experts: Bits = 16.0
    embeddings: Bits = 16.0
    per_layer_embeddings: Bits = 16.0
    vision: Bits = 16.0
    audio: Bits = 16.0
    other: Bits = 16.0


class Projector(Part):
    """The separate GGUF file that llama.cpp needs for images and audio."""

    file: Text
    bytes: Bytes


class Checkpoint(Row):
    """The weights of one variant in one format."""

    variant: Variant
    quantization: Quantization
    repository: Annotated[str, Field(pattern=r"^[-._A-Za-z0-9]+/[-._A-Za-z0-9]+$")]
    revision: Text = "main"
    file: Annotated[str, Field(pattern=r"\.gguf$")] | None = None
    """The GGUF file to take; absent: all of the repository."""
    tuning: Tuning = Tuning.INSTRUCTION
    preferred: bool = False
    """Whether this is the one that a plan takes for its variant, format and tuning."""
    bytes: Bytes
    """What is downloaded, without a projector."""
    loaded_bytes: Bytes | None = None
    """What lies in memory, where that is less: some store the tied output head twice."""
    bits: BitsPerWeight
    """What its quantization does to each part: what a step reads, and what stays in BF16."""
    projector: Projector | None = None
    kv_scales: bool = False
    """Whether it brings scales for a cache in FP8."""
    score_loss: Annotated[float, Field(ge=0, le=100)]
    """Points of quality that the quantization costs; 0 in BF16."""
    licence: Text
    """SPDX identifier, or the name of the licence."""

    @property
    def resident_bytes(self) -> int:
        """What lies in memory once it is loaded."""
        return self.loaded_bytes or self.bytes

    @property
    def key(self) -> tuple[str, str | None]:
        """What makes a row unique."""
        return (self.repository, self.file)
