"""vLLM's budget: a share of the GPU, from which weights and a profiled step go off; the rest is the cache.

vLLM runs one step of dummy tokens at start and takes what it sees (v1/worker/gpu_worker.py), so the lines here predict
a measurement. Their few constants rest on logs of real starts (docs/reference/accuracy.md).
"""

from gemma4_operator.planner.budget import Line, Memory, loaded_weights_bytes
from gemma4_operator.planner.kv_vllm import in_flight_tokens, layout
from gemma4_operator.planner.shape import Shape

ACTIVATION_VALUES = 22
"""Values alive for each token of a step and each of its hidden size (aiconfigurator's figure for Gemma 4)."""
ROW_BYTES_PER_VOCABULARY_ENTRY = 8
"""Of one sampled row: its logits in 32 bits, and the copy that soft-capping makes."""
GRAPHS_BYTES = int(0.8 * 2**30)
"""CUDA graphs: 0.79 GiB estimated and 0.68 GiB taken for 12B on an RTX 3090 (field case c048)."""
WORKSPACE_BYTES = int(0.25 * 2**30)
"""What is left between profile and total in that log: attention workspace, sampler, fragmentation."""
EXPERTS_BYTES = int(1.25 * 2**30)
"""Fused experts keep sorted copies and partial sums: what logs of 26B-A4B show beyond the dense lines (c006, c052)."""
COMMUNICATION_BYTES = int(0.35 * 2**30)
"""NCCL and the all-reduce of vLLM's own, for each GPU of several (aiconfigurator: 342 to 392 MiB)."""
ENCODER_BYTES = {"Image": int(0.6 * 2**30), "Video": int(0.6 * 2**30), "Audio": int(0.2 * 2**30)}
"""Encoding the largest item while profiling, and the cache of what was encoded (0.4 to 1 GiB in logs with images)."""
FLAT_TOKENS_UNTIL = (0, 20)
"""Up to this version the printed size of the cache counts every layer as a full one."""


def memory(shape: Shape) -> Memory:
    """Return the budget of one GPU of a replica."""
    capacity = int(shape.device.memory_bytes * shape.memory_utilization)
    weights = -(-loaded_weights_bytes(shape) // shape.gpus)
    lines = _lines(shape)
    activations = lines[0].bytes
    other = sum(line.bytes for line in lines[1:])
    cache = capacity - weights - activations - other
    plan = layout(shape.model, shape.kv_dtype, shape.gpus)
    flight = in_flight_tokens(shape.engine_version, shape.max_batched_tokens)
    blocks = plan.request_blocks(shape.context_tokens, in_flight_tokens=flight)
    held = plan.num_blocks(cache)
    concurrency = held / blocks
    fits = held >= blocks
    named = Line(name="weights", bytes=weights, note=_weights_note(shape))
    return Memory(
        lines=(named, *lines),
        weights_bytes=weights,
        activations_bytes=activations,
        other_bytes=other,
        cache_bytes=cache,
        request_bytes=blocks * plan.block_bytes,
        max_concurrency=concurrency,
        cache_tokens=printed_tokens(shape, concurrency, cache) if fits else 0,
        num_blocks=held if fits else 0,
        capacity_bytes=capacity,
        fits=fits,
    )


def sequence_bytes(shape: Shape, tokens: int) -> float:
    """Return what one running sequence is admitted with, which its sliding layers never exceed."""
    plan = layout(shape.model, shape.kv_dtype, shape.gpus)
    flight = in_flight_tokens(shape.engine_version, shape.max_batched_tokens)
    return float(plan.request_blocks(tokens, in_flight_tokens=flight) * plan.block_bytes)


def printed_tokens(shape: Shape, concurrency: float, cache_bytes: int) -> int:
    """Return the size of the cache as the log prints it."""
    if shape.engine_version and shape.engine_version[:2] <= FLAT_TOKENS_UNTIL:
        plan = layout(shape.model, shape.kv_dtype, shape.gpus)
        flat = plan.block_bytes * (plan.sliding_groups / plan.sliding_tokens + 1 / plan.full_tokens)
        return int(cache_bytes / flat)
    return int(concurrency * shape.context_tokens)


def _lines(shape: Shape) -> list[Line]:
    """Return the step's activations first, then everything else."""
    model, tokens, gpus = shape.model, shape.max_batched_tokens, shape.gpus
    step = 2 * tokens * model.hidden_size * ACTIVATION_VALUES // gpus
    tables = 2 * tokens * model.layers * model.per_layer_embedding_dim
    rows = shape.max_sequences * model.vocabulary_size * ROW_BYTES_PER_VOCABULARY_ENTRY
    lines = [
        Line(name="activations", bytes=step + tables, note=f"a step of {tokens} tokens"),
        Line(name="logits", bytes=rows, note=f"{shape.max_sequences} rows over {model.vocabulary_size} tokens, twice"),
        Line(name="CUDA graphs", bytes=GRAPHS_BYTES, note="captured at start"),
        Line(name="workspace", bytes=WORKSPACE_BYTES, note="attention, sampler, fragmentation"),
    ]
    if model.experts:
        lines.append(Line(name="experts", bytes=EXPERTS_BYTES, note="sorted copies and partial sums"))
    if gpus > 1:
        lines.append(Line(name="communication", bytes=COMMUNICATION_BYTES, note=f"all-reduce of {gpus} GPUs"))
    encoders = max((ENCODER_BYTES[kind] for kind in shape.media), default=0)
    if encoders:
        lines.append(
            Line(name="encoders", bytes=encoders, note=f"the largest {' or '.join(sorted(shape.media)).lower()}")
        )
    if shape.drafter and model.drafter is not None:
        lines.append(Line(name="drafter", bytes=model.drafter.bytes, note=model.drafter.repository))
    if shape.adapters_bytes:
        lines.append(Line(name="adapters", bytes=-(-shape.adapters_bytes // gpus), note="LoRA"))
    return lines


def _weights_note(shape: Shape) -> str:
    share = f", a {shape.gpus}th of all" if shape.gpus > 1 else ""
    media = "" if shape.media else ", without encoders"
    return f"{shape.checkpoint.repository}{media}{share}"
