"""Laws of memory over all shapes: no lever that asks for more ever needs less, and nothing is promised twice."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.api.common import EngineType
from gemma4_operator.planner.kv_vllm import layout
from gemma4_operator.planner.memory import longest_context_tokens, memory, sequence_bytes
from gemma4_operator.planner.shape import KvDtype, Shape
from tests.unit.planner.shapes import MIB, a_shape, catalog, device

PRODUCTS = sorted({gpu.products[0] for gpu in catalog().gpus})
MEDIA = st.frozensets(st.sampled_from(["Image", "Video", "Audio"]))
LARGEST_BLOCK = 64
"""Of any variant in vLLM, which tells contexts in whole blocks."""
CONTEXTS, TOKENS, SEQUENCES = st.integers(1, 262144), st.integers(1, 32768), st.integers(1, 2048)


@st.composite
def shapes(draw: st.DrawFn, *, engine: EngineType | None = None) -> Shape:
    """Draw any shape; whether an engine would take it plays no part in these laws."""
    checkpoint = draw(st.sampled_from(catalog().checkpoints))
    is_gguf = checkpoint.quantization.is_gguf
    engines = [EngineType.LLAMA_CPP, EngineType.OLLAMA] if is_gguf else [EngineType.VLLM]
    if engine is not None and engine not in engines:
        checkpoint = draw(st.sampled_from([row for row in catalog().checkpoints if not row.quantization.is_gguf]))
        engines = [engine]
    chosen = draw(st.sampled_from(engines))
    return replace(
        a_shape(checkpoint.variant, "BF16"),
        checkpoint=checkpoint,
        engine=chosen,
        backend=catalog().engines[chosen].backend,
        backend_version=draw(st.sampled_from([(), (0, 19), (0, 25, 1), (0, 26), (0, 33)])),
        device=device(draw(st.sampled_from(PRODUCTS))),
        gpus=draw(st.sampled_from([1, 2, 4, 8])),
        context_tokens=draw(CONTEXTS),
        kv_dtype=draw(st.sampled_from([KvDtype.BF16, KvDtype.Q8_0 if is_gguf else KvDtype.FP8])),
        max_batched_tokens=draw(TOKENS),
        max_sequences=draw(SEQUENCES),
        memory_utilization=draw(st.floats(0.3, 0.99)),
        media=draw(MEDIA),
        drafter=draw(st.booleans()),
        adapters_bytes=draw(st.integers(0, 2**32)),
    )


def room(shape: Shape) -> float:
    """Return how much more than enough there is; negative: too little."""
    budget = memory(shape)
    needed = budget.request_bytes * (1 if shape.engine is EngineType.VLLM else shape.max_sequences)
    return budget.capacity_bytes - sum(line.bytes for line in budget.lines) - needed


@given(shape=shapes(), more=CONTEXTS)
def test_a_longer_context_never_needs_less(shape: Shape, more: int):
    assert room(replace(shape, context_tokens=shape.context_tokens + more)) <= room(shape)


@given(shape=shapes(), more=TOKENS)
def test_larger_steps_never_need_less(shape: Shape, more: int):
    assert room(replace(shape, max_batched_tokens=shape.max_batched_tokens + more)) <= room(shape)


@given(shape=shapes(), more=SEQUENCES)
def test_more_requests_at_once_never_need_less(shape: Shape, more: int):
    assert room(replace(shape, max_sequences=shape.max_sequences + more)) <= room(shape) + shape.max_sequences + more


@given(shape=shapes(), extra=MEDIA)
def test_more_modalities_never_need_less(shape: Shape, extra: frozenset[str]):
    assert room(replace(shape, media=shape.media | extra)) <= room(shape)


@given(shape=shapes())
def test_a_drafter_and_adapters_are_not_for_nothing(shape: Shape):
    bare = replace(shape, drafter=False, adapters_bytes=0)
    assert room(replace(bare, drafter=True)) < room(bare)
    assert room(replace(bare, adapters_bytes=MIB)) < room(bare)


@given(shape=shapes(), more=st.integers(MIB, 2**37))
def test_a_larger_gpu_never_holds_fewer(shape: Shape, more: int):
    larger = replace(shape, device=replace(shape.device, memory_bytes=shape.device.memory_bytes + more))
    small, large = memory(shape), memory(larger)
    assert large.max_concurrency >= small.max_concurrency
    assert large.fits >= small.fits


@given(shape=shapes())
def test_a_cache_in_fewer_bits_never_holds_fewer(shape: Shape):
    exact = memory(replace(shape, kv_dtype=KvDtype.BF16))
    smaller = memory(replace(shape, kv_dtype=KvDtype.FP8 if shape.engine is EngineType.VLLM else KvDtype.Q8_0))
    assert smaller.max_concurrency >= exact.max_concurrency
    assert smaller.request_bytes <= exact.request_bytes


@given(shape=shapes())
def test_the_same_shape_has_the_same_budget(shape: Shape):
    assert memory(shape) == memory(replace(shape))


@given(shape=shapes())
def test_the_sum_is_the_sum_of_its_lines_and_none_is_negative(shape: Shape):
    budget = memory(shape)
    assert all(line.bytes >= 0 for line in budget.lines)
    assert budget.weights_bytes + budget.activations_bytes + budget.other_bytes == sum(
        line.bytes for line in budget.lines
    )


@given(shape=shapes())
def test_what_is_held_at_once_is_never_more_than_the_cache(shape: Shape):
    budget = memory(shape)
    held = budget.max_concurrency * budget.request_bytes
    assert held <= max(0, budget.cache_bytes) * (1 + 1e-9)


@given(shape=shapes())
def test_what_fits_is_within_the_capacity(shape: Shape):
    budget = memory(shape)
    used = sum(line.bytes for line in budget.lines) + budget.cache_bytes
    assert used <= budget.capacity_bytes
    if budget.fits:
        assert budget.max_concurrency >= 1
        assert budget.cache_tokens > 0


@given(shape=shapes(engine=EngineType.VLLM))
def test_vllm_starts_exactly_if_its_blocks_admit_one_request(shape: Shape):
    budget = memory(shape)
    blocks = layout(shape.model, shape.kv_dtype, shape.gpus).num_blocks(budget.cache_bytes)
    needed = budget.request_bytes // layout(shape.model, shape.kv_dtype, shape.gpus).block_bytes
    assert budget.fits == (blocks >= needed)
    assert budget.num_blocks == (blocks if budget.fits else 0)


@given(shape=shapes())
def test_the_longest_context_fits_if_there_is_one(shape: Shape):
    longest = longest_context_tokens(shape)
    if longest:
        assert memory(replace(shape, context_tokens=longest)).fits
    else:
        assert not memory(replace(shape, context_tokens=LARGEST_BLOCK)).fits


@given(shape=shapes(), tokens=CONTEXTS, more=CONTEXTS)
def test_a_longer_sequence_never_holds_less(shape: Shape, tokens: int, more: int):
    assert sequence_bytes(shape, tokens) <= sequence_bytes(shape, tokens + more)
