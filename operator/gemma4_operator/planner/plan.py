"""The plan: every choice the operator made for one Gemma4Deployment, as one frozen value; or why there is none."""

from dataclasses import dataclass

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.engines.base import Weights

NO_CHECKPOINT = "NoCheckpoint"
"""The catalogue knows no weights, and the spec names none."""
ENGINE_REFUSES = "EngineRefuses"
"""The engine cannot serve what was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One feasible way to serve what the spec asks for."""

    variant: Variant
    quantization: Quantization
    weights: Weights
    weights_bytes: int
    engine: EngineType
    engine_version: str
    image: str
    gpu_products: tuple[str, ...]
    gpus_per_replica: int
    context_tokens: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why no plan exists: a constant of this module, and a sentence with the field, what must be and a way out."""

    reason: str
    message: str
