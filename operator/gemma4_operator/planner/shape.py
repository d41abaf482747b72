"""One exact way to serve: everything that decides memory and speed, before anybody knows whether it fits."""

from dataclasses import dataclass
from enum import StrEnum

from gemma4_operator.api.common import EngineType
from gemma4_operator.catalog.checkpoints import Checkpoint
from gemma4_operator.catalog.engines import Backend
from gemma4_operator.catalog.models import Model
from gemma4_operator.catalog.versions import Version
from gemma4_operator.engines.vllm_flags import MEMORY_UTILIZATION
from gemma4_operator.planner.device import Device


class KvDtype(StrEnum):
    """How cached keys and values are stored."""

    BF16 = "bf16"
    FP8 = "fp8"
    Q8_0 = "q8_0"

    @property
    def bytes_per_value(self) -> float:
        """Q8_0 has a scale of two bytes for 32 values."""
        return _BYTES_PER_VALUE[self]


_BYTES_PER_VALUE = {KvDtype.BF16: 2.0, KvDtype.FP8: 1.0, KvDtype.Q8_0: 1.0625}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One configuration of one engine on the GPUs of one replica.

    Attributes:
        gpus: Of one replica: tensor parallel in vLLM, layers spread in llama.cpp.
        max_batched_tokens: Of one step; llama.cpp's ubatch.
        max_sequences: Requests at the same time; llama.cpp's slots.
        memory_utilization: The share of a GPU's memory that the engine may take, of vLLM's flag of that name.
        media: Which of Image, Video, Audio requests may carry; without any, encoders are not loaded.
        drafter: Whether the model's drafter is loaded.
        adapters_bytes: Of all LoRA adapters, on each GPU.
    """

    model: Model
    checkpoint: Checkpoint
    engine: EngineType
    backend: Backend
    backend_version: Version
    device: Device
    gpus: int
    context_tokens: int
    kv_dtype: KvDtype
    max_batched_tokens: int
    max_sequences: int
    memory_utilization: float = MEMORY_UTILIZATION
    media: frozenset[str] = frozenset()
    drafter: bool = False
    adapters_bytes: int = 0
