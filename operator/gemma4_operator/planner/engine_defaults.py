"""What engines do when they are told nothing: the levers that `gemma4 fit` leaves at the engine's own choice.

The operator sets all of these itself. People who compare with a server of their own have often left them alone.
"""

from dataclasses import dataclass

from gemma4_operator.catalog.engines import Backend
from gemma4_operator.catalog.models import Model
from gemma4_operator.catalog.versions import Version
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.memory_vllm import MEDIA_ITEM_TOKENS

_GIB = 2**30
UBATCH_TOKENS = 512
"""llama.cpp's, and Ollama's."""
SMALL_TOKENS, SMALL_SEQUENCES = 2048, 256
"""vLLM's on GPUs below 70 GiB, on A100 and on GB10 (v1/engine, 0.33)."""
LARGE_TOKENS, LARGE_SEQUENCES, LARGE_BYTES = 8192, 1024, 70 * _GIB
HUGE_TOKENS, HUGE_BYTES = 16384, 160 * _GIB
UTILIZATION, OLD_UTILIZATION = 0.92, 0.90
UTILIZATION_FROM: Version = (0, 22)
"""vLLM's share of the GPU was 0.90 before."""
_A100 = (8, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """The levers of one engine on one GPU."""

    batched_tokens: int
    sequences: int
    memory_utilization: float


def engine_defaults(
    backend: Backend, *, version: Version, model: Model, device: Device, media: frozenset[str]
) -> Defaults:
    """Return what an engine does by itself; an unknown version counts as the newest."""
    utilization = OLD_UTILIZATION if version and version < UTILIZATION_FROM else UTILIZATION
    if backend is not Backend.VLLM:
        return Defaults(batched_tokens=UBATCH_TOKENS, sequences=1, memory_utilization=utilization)
    is_small = device.memory_bytes < LARGE_BYTES or device.compute_capability == _A100 or device.unified_memory
    tokens = SMALL_TOKENS if is_small else HUGE_TOKENS if device.memory_bytes >= HUGE_BYTES else LARGE_TOKENS
    if media & {"Image", "Video"} and model.bidirectional_media:
        tokens = max(tokens, MEDIA_ITEM_TOKENS)  # An item whose tokens see each other must be in one step (vllm#43051).
    sequences = SMALL_SEQUENCES if is_small else LARGE_SEQUENCES
    return Defaults(batched_tokens=tokens, sequences=sequences, memory_utilization=utilization)
