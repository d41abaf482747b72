"""llama.cpp's budget, and Ollama's: weights by layer, a cache of fixed size for each slot, and compute buffers.

Nothing is profiled: a context of so many cells is allocated at start or the start fails (llama-kv-cache-iswa.cpp).
Tables that are only looked up, the per-layer ones of E2B and E4B, stay on the CPU; the token table is there too, but
its copy as the output head is on the GPU. Where the machine has one memory, those tables are pages of a file that the
system may drop, and the prompt cache is off (`host_cache_mib`).
"""

from gemma4_operator.catalog.engines import Backend
from gemma4_operator.planner.budget import Line, Memory, driver_bytes, loaded_weights_bytes, step_bytes
from gemma4_operator.planner.shape import Shape

_MIB = 2**20
PAD_CELLS = 256
"""To which llama.cpp rounds the cells of a sliding layer."""
OLLAMA_SLIDING_CELLS = 4608
"""What Ollama sets apart in each sliding layer at least: four windows and a batch, however few slots there are."""
LOGIT_ROWS = 512
"""For which the compute buffer is made, if a batch has as many: 521 MiB for 12B, whose batch was 2048 (c024)."""
CONTEXT_BYTES = 400 * _MIB
"""CUDA's own on each GPU, and small buffers (aiconfigurator's and llama-server's logs: 0.3 to 0.5 GiB)."""
PROJECTOR_COMPUTE_BYTES = 1024 * _MIB
"""Encoding an image or a sound: what is left of the logs with a projector (c022, c026)."""
MARGIN_BYTES = 512 * _MIB
"""Left free on a card: llama-server has no share to keep to, and fragments and other processes take some."""
HOST_CACHE_MIB = 2048
"""Of prompts, as far as llama.cpp is concerned; its default of 8192 has filled hosts (llama.cpp#21690)."""


_NOTES = {
    "context": "CUDA and small buffers",
    "projector": "encoders and their buffers",
    "drafter": "on each GPU",
    "adapters": "LoRA",
}


def memory(shape: Shape) -> Memory:
    """Return the budget of one GPU of a replica, over which the layers are spread evenly."""
    capacity, slots = _capacity_bytes(shape), shape.max_sequences
    weights, compute = _weights_bytes(shape), _compute_bytes(shape)
    other = sum([size for _, size in _others(shape)])
    left = capacity - weights - compute - other
    slot = int(sequence_bytes(shape, shape.context_tokens))
    fits = left >= slot * slots
    return Memory(
        shape,
        lines,
        weights_bytes=weights,
        activations_bytes=compute,
        other_bytes=other,
        cache_bytes=slot * slots if fits else left,
        request_bytes=slot,
        max_concurrency=float(slots) if fits else max(0.0, left / slot),
        cache_tokens=shape.context_tokens * slots if fits else 0,
        num_blocks=0,
        capacity_bytes=capacity,
        fits=fits,
    )


def lines(shape: Shape) -> tuple[Line, ...]:
    """Return every use but the cache; compute buffers and the context are on every GPU."""
    where = "the GPU" if shape.gpus == 1 else "each GPU"
    rows = min(LOGIT_ROWS, shape.max_batched_tokens)
    return (
        Line("weights", _weights_bytes(shape), f"{shape.checkpoint.repository}, what lies on {where}"),
        Line("compute buffers", _compute_bytes(shape), f"logits of {rows} rows, or a batch of tokens"),
        *(Line(name, size, _NOTES[name]) for name, size in _others(shape)),
    )


def host_cache_mib(shape: Shape) -> int:
    """Return how much of the host's memory the engine may keep prompts in: none where it is the GPU's as well."""
    return 0 if shape.device.unified_memory or shape.backend is not Backend.LLAMA_CPP else HOST_CACHE_MIB


def sequence_bytes(shape: Shape, tokens: int) -> float:
    """Return what one slot for that many tokens takes on each GPU, whether it is used or not."""
    model, value = shape.model, shape.kv_dtype.bytes_per_value
    full = model.full_kv_layers * 2 * model.full_kv_heads * model.full_head_dim * value * tokens
    sliding = model.sliding_kv_layers * 2 * model.sliding_kv_heads * model.sliding_head_dim * value
    return (full + sliding * sliding_cells(shape, tokens)) / shape.gpus


def longest_context_tokens(shape: Shape) -> int:
    """Return the longest context that each slot can have; 0: none."""
    room = (_capacity_bytes(shape) - memory(shape).used_bytes) / shape.max_sequences
    fewest, most = 0, shape.model.max_context_tokens
    while fewest < most:
        middle = (fewest + most + 1) // 2
        if sequence_bytes(shape, middle) <= room:
            fewest = middle
        else:
            most = middle - 1
    return fewest


def sliding_cells(shape: Shape, tokens: int) -> float:
    """Return a slot's cells in each sliding layer: a window and a batch, padded, and in Ollama at least its minimum."""
    seen = min(tokens, shape.model.window_tokens + shape.max_batched_tokens)
    cells = -(-seen // PAD_CELLS) * PAD_CELLS
    if shape.backend is Backend.OLLAMA:
        return max(cells, min(tokens, OLLAMA_SLIDING_CELLS / shape.max_sequences))
    return cells


def _capacity_bytes(shape: Shape) -> int:
    kept = 0 if shape.device.unified_memory else driver_bytes(shape.device) + MARGIN_BYTES
    return max(0, shape.device.memory_bytes - kept)


def _weights_bytes(shape: Shape) -> int:
    return -(-(loaded_weights_bytes(shape) - _host_bytes(shape)) // shape.gpus)


def _compute_bytes(shape: Shape) -> int:
    model, tokens = shape.model, shape.max_batched_tokens
    return max(4 * min(LOGIT_ROWS, tokens) * model.vocabulary_size, step_bytes(model, tokens))


def _others(shape: Shape) -> list[tuple[str, int]]:
    """Return what is neither weights, nor compute buffers, nor cache."""
    found = [("context", CONTEXT_BYTES)]
    if shape.media:
        found.append(("projector", _projector_bytes(shape) + PROJECTOR_COMPUTE_BYTES))
    if shape.drafter and shape.model.drafter is not None:
        found.append(("drafter", shape.model.drafter.bytes))
    if shape.adapters_bytes:
        found.append(("adapters", shape.adapters_bytes))
    return found


def _host_bytes(shape: Shape) -> int:
    """Return what lies on the CPU alone; of the token table the GPU has a copy, as the head."""
    parameters, bits = shape.model.parameters, shape.checkpoint.bits
    return int(parameters.per_layer_embeddings * bits.per_layer_embeddings / 8)


def _projector_bytes(shape: Shape) -> int:
    """Return the projector's file, or what its parameters take in 16 bits where none is listed."""
    projector = shape.checkpoint.projector
    if projector is not None:
        return projector.bytes
    return 2 * (shape.model.parameters.vision + shape.model.parameters.audio)
