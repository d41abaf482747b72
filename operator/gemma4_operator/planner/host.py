"""What a plan takes of the host's memory beside the GPU's."""

from gemma4_operator.api.common import EngineType
from gemma4_operator.planner.shape import Shape

HOST_CACHE_MIB = 2048
"""Of prompts that llama.cpp keeps on the host; its own default of 8192 has filled hosts (llama.cpp#21690)."""


def host_cache_mib(shape: Shape) -> int:
    """Return how much the engine may keep prompts in: none where the host's memory is the GPU's as well."""
    return 0 if shape.device.unified_memory or shape.engine is not EngineType.LLAMA_CPP else HOST_CACHE_MIB
