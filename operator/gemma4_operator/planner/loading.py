"""How long a container takes from its start until it serves, once its weights are on the node."""

from gemma4_operator.catalog.engines import Backend
from gemma4_operator.planner.shape import Shape

READ_BYTES_PER_SECOND = 1.3e9
"""From local NVMe to the GPU (starts told in public: 0.7, 1.3 and 3.2 GB/s)."""
WARM_UP_SECONDS = {Backend.VLLM: 60.0, Backend.LLAMA_CPP: 5.0, Backend.OLLAMA: 8.0}
"""The rest of a start: imports, compiled code from its cache, profiling, graphs (vLLM with models of 0.6B and 3B: 59 to
68 s). Without that cache vLLM takes up to two minutes more. The others are guesses."""


def load_seconds(shape: Shape) -> float:
    """Return the time from a container's start until it serves; downloads are apart."""
    read = shape.checkpoint.bytes + shape.adapters_bytes
    if shape.checkpoint.projector is not None and shape.media:
        read += shape.checkpoint.projector.bytes
    if shape.drafter and shape.model.drafter is not None:
        read += shape.model.drafter.bytes
    return read / READ_BYTES_PER_SECOND + WARM_UP_SECONDS[shape.backend]
