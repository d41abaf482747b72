"""vLLM's budget: a share of the GPU, from which weights and a profiled step go off; the rest is the cache.

At start vLLM runs the encoders, one full step of dummy tokens and the sampler, one after the other, and takes the peak
it sees (v1/worker/gpu_worker.py); from 0.21 on it sets CUDA graphs apart as well. The lines here predict that
measurement. Their few constants rest on logs of real starts, which docs/reference/accuracy.md lists with what is
predicted for each.
"""

from gemma4_operator.catalog.models import Model
from gemma4_operator.catalog.versions import Version
from gemma4_operator.planner.budget import Line, Memory, driver_bytes, loaded_weights_bytes, step_bytes
from gemma4_operator.planner.kv_vllm import Layout, in_flight_tokens, layout
from gemma4_operator.planner.shape import Shape

_MIB = 2**20
ROW_BYTES_PER_TOKEN = 12
"""Of one sampled row and each of the vocabulary's tokens: the logits, the copy that soft-capping makes, 32 bits for the
sampler (twelve bytes fit the logs with 256 rows: c044, c048, c058, c060)."""
DRAFTED_ROWS = 2.25
"""With a drafter a sequence has rows for what was proposed as well: so many for one (c056, c068, c078)."""
ENCODER_BYTES = {"Image": 300 * _MIB, "Video": 600 * _MIB, "Audio": 200 * _MIB}
"""Encoding the largest item: 20,160 patches of a video's 32 frames through the 31B's tower, 2,520 of an image."""
MEDIA_ITEM_TOKENS = 2496
"""Of the largest item, a video; the encoders' results for that many tokens are kept (gemma4_mm)."""
GRAPHS_BYTES = 820 * _MIB
"""CUDA graphs for 256 sequences and more: with and without them one log differs by 0.82 GiB (c044, c048)."""
EXPERT_GRAPHS_BYTES = 820 * _MIB
"""As much again where experts' buffers are captured: what logs of 26B-A4B show beyond dense models (c052, c068)."""
GRAPHED_SEQUENCES = 256
"""With fewer there are fewer sizes to capture (c010, c050, c062 with 2 and 4); a quarter is the least."""
GRAPHS_COUNTED_FROM: Version = (0, 21)
"""Earlier versions made graphs in what the share leaves free."""
WORKSPACE_BYTES = 460 * _MIB
"""Libraries' workspaces, attention's, fragmentation: what is left of the logs without graphs (c006, c048, c060)."""
COMMUNICATION_BYTES = 358 * _MIB
"""NCCL and the all-reduce of vLLM's own, for each GPU of several (aiconfigurator: 342 to 392 MiB)."""
FLAT_TOKENS_UNTIL: Version = (0, 20)
"""Up to this version the printed size of the cache counts every layer as a full one."""


_NOTES = {
    "driver": "of the card's memory CUDA never sees, its share",
    "workspace": "libraries, attention, fragmentation",
    "positions": "rotary tables for the longest context",
    "CUDA graphs": "captured at start",
    "communication": "all-reduce of {gpus} GPUs",
    "encoder cache": "results for one step's media",
    "drafter": "on each GPU",
    "adapters": "LoRA",
}


def memory(shape: Shape) -> Memory:
    """Return the budget of one GPU of a replica."""
    capacity = _capacity_bytes(shape)
    weights, activations = _weights_bytes(shape), max(_phases(shape))
    other = sum([size for _, size in _others(shape)])
    cache = capacity - weights - activations - other
    plan = layout(shape.model, shape.kv_dtype, shape.gpus)
    blocks, held = _request_blocks(shape, plan, shape.context_tokens), plan.num_blocks(cache)
    fits = held >= blocks
    return Memory(
        shape,
        lines,
        weights_bytes=weights,
        activations_bytes=activations,
        other_bytes=other,
        cache_bytes=cache,
        request_bytes=blocks * plan.block_bytes,
        max_concurrency=held / blocks,
        cache_tokens=_printed(shape, plan, held, blocks) if fits else 0,
        num_blocks=held if fits else 0,
        capacity_bytes=capacity,
        fits=fits,
    )


def lines(shape: Shape) -> tuple[Line, ...]:
    """Return every use but the cache: the weights, the peak of the profiled step, and the rest."""
    told = (
        f"a step of {shape.max_batched_tokens} tokens",
        f"logits of {_rows(shape)} rows over {shape.model.vocabulary_size}",
        f"encoding the largest {' or '.join(sorted(shape.media)).lower()}",
    )
    phases = _phases(shape)
    peak = max(phases)
    encoders = "" if shape.media else ", without encoders"
    shared = f", cut for {shape.gpus} GPUs" if shape.gpus > 1 else ""
    return (
        Line("weights", _weights_bytes(shape), f"{shape.checkpoint.repository}{encoders}{shared}"),
        Line("activations", peak, told[phases.index(peak)]),
        *(Line(name, size, _NOTES[name].format(gpus=shape.gpus)) for name, size in _others(shape)),
    )


def sequence_bytes(shape: Shape, tokens: int) -> float:
    """Return what one running sequence is admitted with, which its sliding layers never exceed."""
    plan = layout(shape.model, shape.kv_dtype, shape.gpus)
    return float(_request_blocks(shape, plan, tokens) * plan.block_bytes)


def longest_context_tokens(shape: Shape) -> int:
    """Return the longest context, in whole blocks, of which the cache holds one request; 0: none.

    vLLM prints it as the estimated maximum model length when it refuses to start.
    """
    return longest_context_tokens_of(shape, memory(shape).cache_bytes)


def longest_context_tokens_of(shape: Shape, cache_bytes: float) -> int:
    """Return the same for a cache of a given size."""
    plan = layout(shape.model, shape.kv_dtype, shape.gpus)
    flight = in_flight_tokens(shape.backend_version, shape.max_batched_tokens)
    return plan.longest_request_tokens(plan.num_blocks(cache_bytes), in_flight_tokens=flight)


def printed_tokens(shape: Shape, cache_bytes: float) -> int:
    """Return the size of the cache as the log prints it: concurrency x context, or before 0.21 a flat size."""
    plan = layout(shape.model, shape.kv_dtype, shape.gpus)
    blocks = _request_blocks(shape, plan, shape.context_tokens)
    return _printed(shape, plan, plan.num_blocks(cache_bytes), blocks)


def _printed(shape: Shape, plan: Layout, held: int, blocks: int) -> int:
    if shape.backend_version and shape.backend_version[:2] <= FLAT_TOKENS_UNTIL:
        return held // (plan.sliding_groups + 1) * min(plan.sliding_tokens, plan.full_tokens)
    return int(held / blocks * shape.context_tokens)


def _request_blocks(shape: Shape, plan: Layout, tokens: int) -> int:
    flight = in_flight_tokens(shape.backend_version, shape.max_batched_tokens)
    return plan.request_blocks(tokens, in_flight_tokens=flight)


def _capacity_bytes(shape: Shape) -> int:
    """Return the share of the GPU; of unified memory it is of all, and must leave what the system needs."""
    device = shape.device
    return min(int((device.memory_bytes + device.reserved_bytes) * shape.memory_utilization), device.memory_bytes)


def _others(shape: Shape) -> list[tuple[str, int]]:
    """Return what is neither weights, nor the profile's peak, nor cache."""
    model, device = shape.model, shape.device
    kept = 0 if device.unified_memory else int(driver_bytes(device) * shape.memory_utilization)
    found = [("driver", kept)] if kept else []
    found += (("workspace", WORKSPACE_BYTES), ("positions", rotary_bytes(model)))
    if not shape.backend_version or shape.backend_version >= GRAPHS_COUNTED_FROM:
        found.append(("CUDA graphs", _graphs_bytes(shape)))
    if shape.gpus > 1:
        found.append(("communication", COMMUNICATION_BYTES))
    if shape.media:
        found.append(("encoder cache", 2 * model.hidden_size * max(MEDIA_ITEM_TOKENS, shape.max_batched_tokens)))
    if shape.drafter and model.drafter is not None:
        found.append(("drafter", model.drafter.bytes))
    if shape.adapters_bytes:
        found.append(("adapters", shape.adapters_bytes))
    return found


def rotary_bytes(model: Model) -> int:
    """Return the tables of sines and cosines, one for each kind of layer, which loading makes on every GPU.

    They are why a log's size of the loaded model is larger than its files (59.0 GiB for 58.3, 15.2 for 14.9).
    """
    return 2 * model.max_context_tokens * (model.sliding_head_dim + model.full_head_dim)


def _graphs_bytes(shape: Shape) -> int:
    whole = GRAPHS_BYTES + (EXPERT_GRAPHS_BYTES if shape.model.experts else 0)
    captured = min(max(shape.max_sequences, GRAPHED_SEQUENCES // 4), GRAPHED_SEQUENCES)
    return whole * captured // GRAPHED_SEQUENCES


def _weights_bytes(shape: Shape) -> int:
    """Return a GPU's share: all matrices, token tables and towers are cut, the small rest is on every GPU."""
    loaded, gpus = loaded_weights_bytes(shape), shape.gpus
    if gpus == 1:
        return loaded
    whole = int(shape.model.parameters.other * shape.checkpoint.bits.other / 8)
    return whole + -(-(loaded - whole) // gpus)


def _phases(shape: Shape) -> tuple[int, int, int]:
    """Return what is profiled one after the other: a step, the sampler, the encoders."""
    model, tokens = shape.model, shape.max_batched_tokens
    step = step_bytes(model, tokens) // shape.gpus
    # Routed copies of a step's tokens in 32 bits, and the tables of E2B and E4B, are not cut.
    if model.experts:
        step += 4 * tokens * model.hidden_size * model.experts_per_token
    if model.per_layer_embedding_dim:
        step += 2 * tokens * model.layers * model.per_layer_embedding_dim
    encoders = max([ENCODER_BYTES[kind] for kind in shape.media]) if shape.media else 0
    return step, _rows(shape) * model.vocabulary_size * ROW_BYTES_PER_TOKEN, encoders


def _rows(shape: Shape) -> int:
    rows = min(shape.max_sequences, shape.max_batched_tokens)
    return int(rows * DRAFTED_ROWS) if shape.drafter else rows
