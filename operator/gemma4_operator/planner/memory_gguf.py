"""llama.cpp's budget, and Ollama's: weights by layer, a cache of fixed size for each slot, and compute buffers.

Nothing is profiled: a context of so many cells is allocated at start or the start fails (llama-kv-cache-iswa.cpp).
The table of tokens is read on the CPU, and so are the per-layer tables of E2B and E4B; the tied output head is a copy
on the GPU. Where the machine has one memory, those tables are pages of a file that the system may drop, and the prompt
cache is off (`host_cache_mib`).
"""

from gemma4_operator.api.common import EngineType
from gemma4_operator.planner.budget import Line, Memory, loaded_weights_bytes
from gemma4_operator.planner.shape import Shape

PAD_CELLS = 256
"""To which llama.cpp rounds the cells of a sliding layer."""
OLLAMA_SLIDING_CELLS = 4608
"""What Ollama sets apart for each sliding layer of a slot, far above window plus batch (field reports)."""
COMPUTE_BYTES = int(0.35 * 2**30)
"""CUDA's context and the buffers that do not grow with the vocabulary."""
HOST_CACHE_MIB = 2048
"""Of prompts, as far as llama.cpp is concerned; its default of 8192 has filled hosts (llama.cpp#21690)."""
CAPACITY_SHARE = 0.95
"""Of a GPU: there is no flag for it, and drivers and fragments take some."""


def memory(shape: Shape) -> Memory:
    """Return the budget of one GPU of a replica, over which the layers are spread evenly."""
    capacity = int(shape.device.memory_bytes * CAPACITY_SHARE)
    tables = _host_bytes(shape)
    weights = -(-(loaded_weights_bytes(shape) - tables + _projector_bytes(shape)) // shape.gpus)
    rows = shape.max_batched_tokens * shape.model.vocabulary_size * 4
    lines = [
        Line(name="weights", bytes=weights, note=f"{shape.checkpoint.repository}, what lies on the GPU"),
        Line(name="compute buffers", bytes=rows, note=f"{shape.max_batched_tokens} rows of logits"),
        Line(name="context", bytes=COMPUTE_BYTES, note="CUDA and small buffers"),
    ]
    if shape.drafter and shape.model.drafter is not None:
        lines.append(Line(name="drafter", bytes=shape.model.drafter.bytes, note=shape.model.drafter.repository))
    if shape.adapters_bytes:
        lines.append(Line(name="adapters", bytes=-(-shape.adapters_bytes // shape.gpus), note="LoRA"))
    left = capacity - sum(line.bytes for line in lines)
    slot = int(sequence_bytes(shape, shape.context_tokens))
    fits = left >= slot * shape.max_sequences
    return Memory(
        lines=tuple(lines),
        weights_bytes=weights,
        activations_bytes=rows,
        other_bytes=sum(line.bytes for line in lines[2:]),
        cache_bytes=slot * shape.max_sequences if fits else left,
        request_bytes=slot,
        max_concurrency=float(shape.max_sequences) if fits else max(0.0, left / slot),
        cache_tokens=shape.context_tokens * shape.max_sequences if fits else 0,
        num_blocks=0,
        capacity_bytes=capacity,
        fits=fits,
    )


def host_cache_mib(shape: Shape) -> int:
    """Return how much of the host's memory the engine may keep prompts in: none where it is the GPU's as well."""
    return 0 if shape.device.unified_memory or shape.engine is not EngineType.LLAMA_CPP else HOST_CACHE_MIB


def sequence_bytes(shape: Shape, tokens: int) -> float:
    """Return what one slot for that many tokens takes on each GPU, whether it is used or not."""
    model, value = shape.model, shape.kv_dtype.bytes_per_value
    full = model.full_kv_layers * 2 * model.full_kv_heads * model.full_head_dim * value * tokens
    sliding = model.sliding_kv_layers * 2 * model.sliding_kv_heads * model.sliding_head_dim * value
    return (full + sliding * _sliding_cells(shape, tokens)) / shape.gpus


def _sliding_cells(shape: Shape, tokens: int) -> int:
    if shape.engine is EngineType.OLLAMA:
        return min(tokens, OLLAMA_SLIDING_CELLS)
    seen = min(tokens, shape.model.window_tokens + shape.max_batched_tokens)
    return -(-seen // PAD_CELLS) * PAD_CELLS


def _host_bytes(shape: Shape) -> int:
    """Return what lies on the CPU alone; of the token table the GPU has a copy, as the head."""
    parameters, bits = shape.model.parameters, shape.checkpoint.bits
    return int(parameters.per_layer_embeddings * bits.per_layer_embeddings / 8)


def _projector_bytes(shape: Shape) -> int:
    projector = shape.checkpoint.projector
    return projector.bytes if shape.media and projector is not None else 0
