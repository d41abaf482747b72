"""Leaping over steps gives exactly what making each of them gives, whatever the traffic and however small the engine.

All times are powers of two here, so that "exactly" means every bit.
"""

from bisect import bisect_left
from collections import Counter
from itertools import pairwise
from math import isclose

from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.engine import Engine
from gemma4_operator.sim.ledger import Ledger
from gemma4_operator.sim.meter import FIRST_TOKEN_BOUNDS, OUTPUT_TOKEN_BOUNDS
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.setting import EngineModel
from tests.unit.sim.naive import replay
from tests.unit.sim.settings import model, served

GAPS = st.integers(0, 300).map(lambda number: number * 2.0**-8)
SIZES = st.tuples(GAPS, st.integers(1, 400), st.integers(1, 60))


@st.composite
def traffic(draw: st.DrawFn) -> tuple[Request, ...]:
    now, found = 0.0, []
    for gap, given_tokens, asked_tokens in draw(st.lists(SIZES, min_size=1, max_size=25)):
        now += gap
        found.append(Request(arrival_seconds=now, input_tokens=given_tokens, output_tokens=asked_tokens))
    return tuple(found)


MODELS = st.builds(
    model,
    context_token_seconds=st.sampled_from([0.0, 2.0**-24, 2.0**-16]),
    cache_tokens=st.sampled_from([300, 500, 900, 100_000]),
    max_sequences=st.sampled_from([1, 2, 5, 64]),
    max_batched_tokens=st.sampled_from([3, 16, 64, 512]),
)


@given(requests=traffic(), engine_model=MODELS)
def test_every_request_has_its_tokens_at_the_same_moments(requests: tuple[Request, ...], engine_model: EngineModel):
    expected = replay(requests, engine_model)
    engine, ledger = served(requests, engine_model)
    assert ledger.first_seconds == [job.first for job in expected.jobs]
    assert ledger.finish_seconds == [job.finish for job in expected.jobs]
    assert engine.meter.preemptions == expected.preemptions


@given(requests=traffic(), engine_model=MODELS)
def test_and_it_counts_the_same(requests: tuple[Request, ...], engine_model: EngineModel):
    jobs = replay(requests, engine_model).jobs
    answered = [job for job in jobs if job.token_times]
    counts = served(requests, engine_model)[0].counts()
    assert counts.finished == len(answered)
    assert counts.generation_tokens == sum(len(job.token_times) for job in answered)
    assert counts.prompt_tokens == sum(job.request.input_tokens for job in answered)
    assert counts.first_token is not None
    assert counts.output_token is not None
    assert counts.request_token is not None
    firsts = [job.first - job.request.arrival_seconds for job in answered]
    furthers = [later - sooner for job in answered for sooner, later in pairwise(job.token_times)]
    for histogram, times, bounds in (
        (counts.first_token, firsts, FIRST_TOKEN_BOUNDS),
        (counts.output_token, furthers, OUTPUT_TOKEN_BOUNDS),
    ):
        each = Counter(bisect_left(bounds, seconds) for seconds in times)
        rising = [sum(each[lower] for lower in range(place + 1)) for place in range(len(bounds))]
        assert histogram.buckets == tuple(zip(bounds, map(float, rising), strict=True))
        assert histogram.sum_seconds == sum(times)
    means = [
        (job.finish - job.first) / (job.request.output_tokens - 1) for job in answered if job.request.output_tokens > 1
    ]
    assert counts.request_token.count == len(means)
    assert isclose(counts.request_token.sum_seconds, sum(means))
    by_bound = [sum(mean <= bound for mean in means) for bound in OUTPUT_TOKEN_BOUNDS]
    assert counts.request_token.buckets == tuple(zip(OUTPUT_TOKEN_BOUNDS, map(float, by_bound), strict=True))


@given(requests=traffic(), engine_model=MODELS, looks=st.lists(st.integers(0, 4000), max_size=40))
def test_looking_in_between_changes_nothing(requests: tuple[Request, ...], engine_model: EngineModel, looks: list[int]):
    undisturbed = served(requests, engine_model)[1]
    ledger = Ledger(requests)
    engine = Engine(engine_model, ledger, clock_seconds=0.0)
    moments = [(one.arrival_seconds, index) for index, one in enumerate(requests)]
    moments += [(number * 2.0**-7, -1) for number in looks]
    for at, index in sorted(moments):
        engine.advance(at)
        if index >= 0:
            engine.submit(index, requests[index], at_seconds=at)
    engine.advance(1e9)
    assert ledger.first_seconds == undisturbed.first_seconds
    assert ledger.finish_seconds == undisturbed.finish_seconds


@given(requests=traffic(), engine_model=MODELS)
def test_neither_cache_nor_batch_is_ever_more_than_full(requests: tuple[Request, ...], engine_model: EngineModel):
    ledger = Ledger(requests)
    engine = Engine(engine_model, ledger, clock_seconds=0.0)
    now = 0.0
    for index, one in enumerate(requests):
        while now < one.arrival_seconds:
            now = min(now + 2.0**-5, one.arrival_seconds)
            engine.advance(now)
            require_room(engine, engine_model)
        engine.submit(index, one, at_seconds=one.arrival_seconds)
    while engine.running or engine.waiting:
        now += 2.0**-5
        engine.advance(now)
        require_room(engine, engine_model)
    assert engine.held_tokens == engine.committed_tokens == engine.queued_prompt_tokens == 0


def require_room(engine: Engine, engine_model: EngineModel) -> None:
    assert 0 <= engine.held_tokens <= engine_model.cache_tokens
    assert engine.running <= min(engine_model.max_sequences, engine_model.max_batched_tokens)
    assert engine.queued_prompt_tokens >= 0
    assert engine.committed_tokens >= engine.held_tokens


@given(requests=traffic(), engine_model=MODELS)
def test_every_request_is_answered_once_or_was_refused(requests: tuple[Request, ...], engine_model: EngineModel):
    engine, ledger = served(requests, engine_model)
    fits = {
        index
        for index, one in enumerate(requests)
        if one.input_tokens + one.output_tokens - 1 <= engine_model.cache_tokens
    }
    assert ledger.lost == set(range(len(requests))) - fits
    assert {index for index, at in enumerate(ledger.finish_seconds) if at < float("inf")} == fits
    assert engine.meter.finished == len(fits)
