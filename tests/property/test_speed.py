"""Laws of time: more work never takes less, better GPUs never take more, and nothing leaves the numbers."""

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.api.common import EngineType
from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.planner.devices import device_of
from gemma4_operator.planner.roofline import HOP_SECONDS
from gemma4_operator.planner.shape import KvDtype, Shape
from gemma4_operator.planner.speed import Speed, speed

CATALOG = builtin_catalog()
BATCHES = st.integers(1, 1024) | st.floats(0.01, 1024)
CONTEXTS = st.integers(1, 262_144) | st.floats(1, 262_144)
FACTORS = st.floats(1, 100)
ENDLESS = 1e30
"""Of a link: all-reduces cost their launches alone."""


@st.composite
def shapes(draw: st.DrawFn, *, engine: EngineType | None = None) -> Shape:
    """Draw a checkpoint on an engine that reads it, on any GPU of the catalogue."""
    row = draw(st.sampled_from(CATALOG.checkpoints))
    able = [one for one, image in CATALOG.engines.items() if row.quantization in image.formats]
    if engine is not None and engine in able:
        able = [engine]
    chosen = draw(st.sampled_from(able))
    return Shape(
        model=CATALOG.models[row.variant],
        checkpoint=row,
        engine=chosen,
        backend=CATALOG.engines[chosen].backend,
        backend_version=(0, 33, 0),
        device=device_of(draw(st.sampled_from(CATALOG.gpus))),
        gpus=draw(st.sampled_from((1, 2, 4, 8))),
        context_tokens=8192,
        kv_dtype=draw(st.sampled_from(KvDtype)),
        max_batched_tokens=draw(st.integers(256, 16_384)),
        max_sequences=64,
    )


def all_times(rates: Speed, batch: float, context: float) -> tuple[float, ...]:
    return (
        rates.decode_seconds(batch=batch, context_tokens=context),
        rates.prefill_seconds(context),
        rates.prefill_seconds_per_token(context),
        rates.mixed_step_seconds(batch=batch, context_tokens=context, prefill_tokens=min(context, 8192)),
        rates.first_token_seconds(batch=batch, context_tokens=context, prompt_tokens=context),
        rates.load_seconds,
    )


def not_above(less: float, more: float) -> bool:
    """Whether the first is at most the second, but for the last bits."""
    return less <= more * (1 + 1e-12)


@given(shapes(), BATCHES, CONTEXTS)
def test_every_time_is_a_number_above_zero_and_the_same_each_time(shape: Shape, batch: float, context: float):
    times = all_times(speed(shape), batch, context)
    assert all(math.isfinite(time) and time > 0 for time in times)
    assert times == all_times(speed.__wrapped__(shape), batch, context)


@given(shapes(), BATCHES, BATCHES, CONTEXTS, CONTEXTS)
def test_a_larger_batch_or_a_longer_context_never_makes_a_step_shorter(
    shape: Shape, batch: float, more: float, context: float, longer: float
):
    rates = speed(shape)
    low, high = sorted((batch, more)), sorted((context, longer))
    assert not_above(
        rates.decode_seconds(batch=low[0], context_tokens=high[0]),
        rates.decode_seconds(batch=low[1], context_tokens=high[1]),
    )


@given(shapes(), BATCHES, BATCHES, CONTEXTS)
def test_batching_pays_a_step_for_two_groups_is_shorter_than_a_step_for_each(
    shape: Shape, batch: float, other: float, context: float
):
    rates = speed(shape)
    together = rates.decode_seconds(batch=batch + other, context_tokens=context)
    apart = sum(rates.decode_seconds(batch=count, context_tokens=context) for count in (batch, other))
    assert together < apart


@given(shapes(), CONTEXTS, CONTEXTS, st.integers(256, 16_384))
def test_a_longer_prompt_or_smaller_pieces_never_answer_sooner(shape: Shape, tokens: float, more: float, pieces: int):
    short, long = sorted((tokens, more))
    rates = speed(shape)
    assert not_above(rates.prefill_seconds(short), rates.prefill_seconds(long))
    finer = speed(replace(shape, max_batched_tokens=min(pieces, shape.max_batched_tokens)))
    assert not_above(rates.prefill_seconds(short), finer.prefill_seconds(short))


@given(shapes(), BATCHES, CONTEXTS, st.integers(0, 16_384), st.integers(0, 16_384))
def test_more_of_a_prompt_never_makes_a_step_shorter(shape: Shape, batch: float, context: float, some: int, more: int):
    rates = speed(shape)
    steps = [
        rates.mixed_step_seconds(batch=batch, context_tokens=context, prefill_tokens=tokens)
        for tokens in (0, *sorted((some, more)))
    ]
    assert steps[0] == rates.decode_seconds(batch=batch, context_tokens=context)
    assert not_above(steps[0], steps[1])
    assert not_above(steps[1], steps[2])


@given(shapes(), BATCHES, CONTEXTS, FACTORS, FACTORS)
def test_more_bandwidth_or_arithmetic_never_takes_longer(
    shape: Shape, batch: float, context: float, wider: float, faster: float
):
    device = shape.device
    better = replace(
        device,
        bandwidth=device.bandwidth * wider,
        bf16_flops=device.bf16_flops * faster,
        fp8_flops=device.fp8_flops * faster,
        fp4_flops=device.fp4_flops * faster,
        link_bytes_per_second=device.link_bytes_per_second * faster,
    )
    before, after = speed(shape), speed(replace(shape, device=better))
    for less, more in zip(all_times(after, batch, context), all_times(before, batch, context), strict=True):
        assert not_above(less, more)


@given(shapes(), BATCHES, CONTEXTS, FACTORS)
def test_more_bandwidth_never_pays_more_than_in_proportion(shape: Shape, batch: float, context: float, wider: float):
    better = replace(shape.device, bandwidth=shape.device.bandwidth * wider)
    before = speed(shape).decode_seconds(batch=batch, context_tokens=context)
    after = speed(replace(shape, device=better)).decode_seconds(batch=batch, context_tokens=context)
    assert not_above(before, after * wider)


@given(shapes(engine=EngineType.VLLM), BATCHES, CONTEXTS)
def test_more_gpus_are_slower_by_no_more_than_their_all_reduces(shape: Shape, batch: float, context: float):
    """Two all-reduces for each layer: their launches, and with an endless link nothing else."""
    endless = replace(shape.device, link_bytes_per_second=ENDLESS)
    launches = shape.model.layers * 2 * HOP_SECONDS
    one = speed(replace(shape, device=endless, gpus=1)).decode_seconds(batch=batch, context_tokens=context)
    for gpus in (2, 4, 8):
        several = speed(replace(shape, device=endless, gpus=gpus)).decode_seconds(batch=batch, context_tokens=context)
        assert not_above(several, one + launches)
        one = several - launches if shape.engine is EngineType.VLLM else several


@given(shapes(), BATCHES, CONTEXTS)
def test_a_smaller_cache_format_never_takes_longer(shape: Shape, batch: float, context: float):
    exact, small, smallest = (
        speed(replace(shape, kv_dtype=kind)).decode_seconds(batch=batch, context_tokens=context)
        for kind in (KvDtype.BF16, KvDtype.Q8_0, KvDtype.FP8)
    )
    assert not_above(small, exact)
    assert not_above(smallest, small)
