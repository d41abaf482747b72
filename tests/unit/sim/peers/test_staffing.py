"""The staffing formula of the reference, beside the planner's own arithmetic and by the limit that binds."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.planner.capacity import Deadlines, Load, Server, replicas_needed
from gemma4_operator.sim.peers.staffing import Mix, keeps, needed
from tests.unit.sim.peers.views import ENGINE, SETTING, setting

CHAT = Mix(
    requests_per_second=40.0,
    input_tokens=1000.0,
    long_input_tokens=1000.0,
    output_tokens=200.0,
    arrival_variation=1.0,
    input_variation=1.0,
)
WIDE = setting(maximum=500)


def mix(**changes: Any) -> Mix:
    return replace(CHAT, **changes)


def by_planner(mix: Mix) -> int | None:
    context = mix.input_tokens + mix.output_tokens / 2
    each = ENGINE.sequence_seconds + ENGINE.context_token_seconds * context
    server = Server(
        step_seconds=lambda batch: ENGINE.fixed_seconds + each * batch,
        prompt_token_seconds=ENGINE.prompt_token_seconds,
        max_batch=min(ENGINE.max_sequences, ENGINE.cache_tokens / context),
        max_batched_tokens=ENGINE.max_batched_tokens,
    )
    load = Load(
        requests_per_second=mix.requests_per_second,
        input_tokens=mix.input_tokens,
        uncached_input_tokens=mix.input_tokens,
        output_tokens=mix.output_tokens,
    )
    deadlines = Deadlines(time_to_first_token_seconds=2.0, time_per_output_token_seconds=0.060, attainment=0.99)
    return replicas_needed(server, load, deadlines)


@given(st.floats(1, 300), st.floats(100, 4000), st.floats(100, 1000))
def test_where_prompts_and_arrivals_vary_as_by_chance_it_is_the_planners(
    rate: float, read: float, written: float
) -> None:
    usual = mix(requests_per_second=rate, input_tokens=read, long_input_tokens=read, output_tokens=written)
    count = needed(usual, WIDE)
    planned = by_planner(usual)
    assert planned is not None
    assert count <= planned
    # The planner keeps a tenth of the time free of prompts and the steps that carry them, whatever else holds.
    busy, context = rate / count * read * 48e-6, read + written / 2
    token = 0.014 / (1 - busy - (0.00016 + 40e-9 * context) * rate / count * written)
    if busy + rate / count * read / 768 * token * (1 - busy) < 0.9:
        assert count == planned


@pytest.mark.parametrize(
    ("changes", "engine"),
    [
        ({"requests_per_second": 60.0}, {}),
        ({"output_tokens": 400.0}, {}),
        ({"input_tokens": 1500.0}, {}),
        ({"long_input_tokens": 30_000.0}, {}),
        ({"input_tokens": 8000.0, "output_tokens": 20.0, "arrival_variation": 8.0}, {}),
        ({}, {"cache_tokens": 30_000}),
        ({}, {"max_sequences": 25}),
        ({}, {"fixed_seconds": 0.028}),
        ({}, {"sequence_seconds": 0.0006}),
        ({}, {"context_token_seconds": 500e-9}),
        ({}, {"prompt_token_seconds": 90e-6}),
    ],
)
def test_what_makes_it_harder_takes_more(changes: dict[str, float], engine: dict[str, float]) -> None:
    harder = replace(WIDE, engine=replace(ENGINE, **engine))
    assert needed(mix(**changes), harder) > needed(CHAT, WIDE)


@pytest.mark.parametrize(
    ("objectives", "more"),
    [({"token_seconds": 0.040}, True), ({"first_token_seconds": 0.15}, True), ({"attainment": 0.5}, False)],
)
def test_objectives_count(objectives: dict[str, float], more: bool) -> None:
    strict = replace(WIDE, objectives=replace(WIDE.objectives, **objectives))
    assert (needed(CHAT, strict) > needed(CHAT, WIDE)) is more


@pytest.mark.parametrize("key", ["arrival_variation", "input_variation"])
def test_what_varies_more_waits_longer(key: str) -> None:
    prompts = mix(requests_per_second=20.0, input_tokens=4000.0, long_input_tokens=8000.0, output_tokens=5.0)
    assert needed(replace(prompts, **{key: 8.0}), WIDE) > needed(prompts, WIDE)


def test_within_92_percent_of_the_cache() -> None:
    # Without context or prompts a step is 10 ms and 0.1 for each: 30 sequences of 1100 tokens take 13 ms.
    engine = replace(
        ENGINE,
        fixed_seconds=0.010,
        sequence_seconds=0.0001,
        context_token_seconds=0.0,
        prompt_token_seconds=1e-9,
        max_sequences=1000,
    )
    thirty = mix(requests_per_second=30 / (200 * 0.013))
    for cache_tokens, expected in ((30 * 1100 / 0.915, True), (30 * 1100 / 0.925, False)):
        fits = replace(engine, cache_tokens=round(cache_tokens))
        assert keeps(1, thirty, fits, SETTING.objectives) is expected


def test_as_many_as_allowed_where_nothing_is_enough() -> None:
    impossible = replace(SETTING, objectives=replace(SETTING.objectives, token_seconds=0.001))
    assert needed(CHAT, impossible) == 20
    assert needed(mix(requests_per_second=5000.0), SETTING) == 20
    assert needed(CHAT, setting(maximum=1)) == 1


@given(st.floats(0.1, 500), st.floats(1, 3))
def test_more_requests_never_take_fewer(rate: float, times: float) -> None:
    assert needed(mix(requests_per_second=rate * times), WIDE) >= needed(mix(requests_per_second=rate), WIDE)


@given(st.floats(0.1, 300))
def test_it_is_the_first_count_that_keeps(rate: float) -> None:
    some = mix(requests_per_second=rate)
    count = needed(some, WIDE)
    assert keeps(count, some, ENGINE, SETTING.objectives)
    assert not any(keeps(fewer, some, ENGINE, SETTING.objectives) for fewer in range(1, count))
