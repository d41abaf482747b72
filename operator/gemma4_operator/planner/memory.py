"""The memory of one GPU of a replica, line by line, as the engine will use it."""

from gemma4_operator.catalog.engines import Backend
from gemma4_operator.planner import memory_gguf, memory_vllm
from gemma4_operator.planner.budget import Memory
from gemma4_operator.planner.shape import Shape

__all__ = ["Memory", "longest_context_tokens", "memory", "sequence_bytes"]


def memory(shape: Shape) -> Memory:
    """Return the budget of one GPU for a shape, whether it fits or not."""
    return memory_vllm.memory(shape) if shape.backend is Backend.VLLM else memory_gguf.memory(shape)


def sequence_bytes(shape: Shape, tokens: int) -> float:
    """Return what one sequence of that length holds of the cache while it runs, on each GPU."""
    if shape.backend is Backend.VLLM:
        return memory_vllm.sequence_bytes(shape, tokens)
    return memory_gguf.sequence_bytes(shape, tokens)


def longest_context_tokens(shape: Shape) -> int:
    """Return the longest context with which everything else of a shape fits, up to what the model sees; 0: none."""
    if shape.backend is Backend.VLLM:
        return min(memory_vllm.longest_context_tokens(shape), shape.model.max_context_tokens)
    return memory_gguf.longest_context_tokens(shape)
