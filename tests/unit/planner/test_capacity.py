"""Staffing: what one replica carries, how many a workload needs, and what waiting costs."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.planner.capacity import (
    BUSY_SHARE,
    CACHE_SHARE,
    DEADLINE_SHARE,
    Deadlines,
    Load,
    Server,
    largest_batch,
    operation,
    rate_at,
    replicas_needed,
    token_seconds_at,
)

CHAT = Load(requests_per_second=2.0, input_tokens=1500, uncached_input_tokens=1500, output_tokens=300)
NONE = Deadlines()


def server(
    *, step: float = 0.014, each: float = 0.0004, prompt: float = 48e-6, batch: float = 80, tokens: int = 768
) -> Server:
    """31B on two H100, about: 14 ms for a step, 0.4 ms for each sequence in it, 48 us for a prompt token."""
    return Server(
        step_seconds=lambda count: step + each * count,
        prompt_token_seconds=prompt,
        max_batch=batch,
        max_batched_tokens=tokens,
    )


def load(rate: float, *, output: float = 300.0, prompt: float = 1500.0) -> Load:
    return Load(requests_per_second=rate, input_tokens=prompt, uncached_input_tokens=prompt, output_tokens=output)


class TestOneReplica:
    def test_littles_law_holds_at_every_batch(self) -> None:
        for batch in (1.0, 8.0, 60.0):
            in_flight = rate_at(server(), CHAT, batch) * CHAT.output_tokens * token_seconds_at(server(), CHAT, batch)
            assert in_flight == pytest.approx(batch)

    def test_prompts_of_others_stretch_each_token(self) -> None:
        at = server()
        busy = rate_at(at, CHAT, 20) * 1500 * 48e-6
        assert token_seconds_at(at, CHAT, 20) == pytest.approx(at.step_seconds(20) / (1 - busy))

    def test_without_a_deadline_the_cache_is_the_limit(self) -> None:
        assert largest_batch(server(prompt=1e-9), CHAT, NONE) == pytest.approx(CACHE_SHARE * 80)

    def test_a_replica_that_holds_one_sequence_holds_one(self) -> None:
        assert largest_batch(server(batch=1), CHAT, NONE) == 1.0

    def test_a_replica_that_holds_none_serves_nobody(self) -> None:
        assert largest_batch(server(batch=0.5), CHAT, NONE) == 0.0
        assert replicas_needed(server(batch=0.5), CHAT, NONE) is None

    def test_a_deadline_per_token_limits_the_batch(self) -> None:
        deadlines = Deadlines(time_per_output_token_seconds=0.030)
        batch = largest_batch(server(), CHAT, deadlines)
        assert 1 < batch < CACHE_SHARE * 80
        assert token_seconds_at(server(), CHAT, batch) <= DEADLINE_SHARE * 0.030
        assert token_seconds_at(server(), CHAT, batch * 1.02) > DEADLINE_SHARE * 0.030

    def test_a_deadline_that_one_sequence_misses_leaves_nothing(self) -> None:
        assert largest_batch(server(), CHAT, Deadlines(time_per_output_token_seconds=0.014)) == 0.0

    def test_long_prompts_never_take_more_than_their_share_of_the_time(self) -> None:
        summaries = load(1.0, prompt=20000, output=10)
        batch = largest_batch(server(), summaries, NONE)
        assert rate_at(server(), summaries, batch) * 20000 * 48e-6 <= BUSY_SHARE + 1e-9

    def test_prompts_that_leave_no_time_for_a_whole_sequence_are_served_a_part_of_the_time(self) -> None:
        """One word about a long text: most of the time nobody decodes, and still every request is served."""
        verdicts = load(0.1, prompt=100_000, output=1)
        batch = largest_batch(server(), verdicts, NONE)
        assert 0 < batch < 1
        assert rate_at(server(), verdicts, batch) * 100_000 * 48e-6 <= BUSY_SHARE
        assert replicas_needed(server(), verdicts, NONE) == 1

    def test_a_token_takes_a_step_of_its_own_sequence_however_rare_requests_are(self) -> None:
        fare = operation(server(), load(1e-6), replicas=1, attainment=0.95)
        assert fare is not None
        assert fare.time_per_output_token_seconds == pytest.approx(server().step_seconds(1.0), rel=1e-3)

    def test_where_a_full_step_counts_it_bounds_the_batch_too(self) -> None:
        deadlines = Deadlines(time_per_output_token_seconds=0.060)
        answers = load(1.0, prompt=10, output=300)
        at = server(batch=200)
        bound = largest_batch(replace(at, full_step_counts=True), answers, deadlines)
        assert bound < largest_batch(at, answers, deadlines)
        assert at.step_seconds(bound) + 768 * 48e-6 == pytest.approx(DEADLINE_SHARE * 0.060)

    def test_a_full_step_that_is_late_alone_leaves_nothing(self) -> None:
        deadlines = Deadlines(time_per_output_token_seconds=0.050)
        at = server()
        assert largest_batch(at, CHAT, deadlines) > 0
        assert largest_batch(replace(at, full_step_counts=True), CHAT, deadlines) == 0.0


class TestHowMany:
    def test_a_small_load_needs_one(self) -> None:
        assert replicas_needed(server(), load(0.1), NONE) == 1

    def test_the_count_follows_the_load(self) -> None:
        each = rate_at(server(), CHAT, largest_batch(server(), CHAT, NONE))
        assert replicas_needed(server(), load(10 * each), NONE) == 10
        assert replicas_needed(server(), load(10.001 * each), NONE) == 11

    def test_a_tight_first_token_costs_replicas(self) -> None:
        loose = replicas_needed(server(), load(20.0), Deadlines(time_to_first_token_seconds=30.0))
        tight = replicas_needed(server(), load(20.0), Deadlines(time_to_first_token_seconds=0.3))
        assert loose is not None
        assert tight is not None
        assert tight > loose

    def test_a_first_token_faster_than_the_prompt_itself_is_impossible(self) -> None:
        assert replicas_needed(server(), CHAT, Deadlines(time_to_first_token_seconds=1500 * 48e-6)) is None

    def test_more_replicas_may_each_be_busier(self) -> None:
        """Pooling: at the same load for each, a request waits less where there are more servers to take it."""
        few = operation(server(), load(5.0), replicas=2, attainment=0.95)
        many = operation(server(), load(50.0), replicas=20, attainment=0.95)
        assert few is not None
        assert many is not None
        assert few.batch == pytest.approx(many.batch, rel=0.02)
        assert many.time_to_first_token_seconds < few.time_to_first_token_seconds

    def test_an_idle_replica_answers_after_its_prompt_and_a_step_and_a_half(self) -> None:
        at = server()
        fare = operation(at, load(1e-6), replicas=1, attainment=0.95)
        assert fare is not None
        prompt = 1500 * (48e-6 + at.step_seconds(0) / 768)
        assert fare.time_to_first_token_seconds == pytest.approx(prompt + 1.5 * at.step_seconds(0), rel=0.01)

    def test_too_few_replicas_have_no_operation(self) -> None:
        assert operation(server(), load(1000.0), replicas=1, attainment=0.95) is None


STEPS = st.floats(0.002, 0.3)
RATES = st.floats(0.001, 500.0)
DEADLINES = st.floats(0.005, 30.0)


@given(step=STEPS, rate=RATES, first=DEADLINES, more=st.floats(1.0, 10.0))
def test_a_longer_wait_never_needs_more_replicas(step: float, rate: float, first: float, more: float) -> None:
    short = replicas_needed(server(step=step), load(rate), Deadlines(time_to_first_token_seconds=first))
    long = replicas_needed(server(step=step), load(rate), Deadlines(time_to_first_token_seconds=first * more))
    assert short is None or (long is not None and long <= short)


@given(step=STEPS, rate=RATES, each=DEADLINES, more=st.floats(1.0, 10.0))
def test_a_longer_time_per_token_never_needs_more_replicas(step: float, rate: float, each: float, more: float) -> None:
    short = replicas_needed(server(step=step), load(rate), Deadlines(time_per_output_token_seconds=each))
    long = replicas_needed(server(step=step), load(rate), Deadlines(time_per_output_token_seconds=each * more))
    assert short is None or (long is not None and long <= short)


@given(step=STEPS, rate=RATES, batch=st.floats(1.0, 200.0), more=st.floats(1.0, 4.0))
def test_more_memory_never_needs_more_replicas(step: float, rate: float, batch: float, more: float) -> None:
    small = replicas_needed(server(step=step, batch=batch), load(rate), NONE)
    large = replicas_needed(server(step=step, batch=batch * more), load(rate), NONE)
    assert small is not None
    assert large is not None
    assert large <= small


@given(step=STEPS, rate=RATES, first=DEADLINES)
def test_the_fewest_keep_the_deadline_and_one_less_does_not(step: float, rate: float, first: float) -> None:
    deadlines = Deadlines(time_to_first_token_seconds=first)
    count = replicas_needed(server(step=step), load(rate), deadlines)
    if count is None:
        return
    enough = operation(server(step=step), load(rate), replicas=count, attainment=0.95)
    assert enough is not None
    assert enough.time_to_first_token_seconds <= first
    batch = largest_batch(server(step=step), load(rate), deadlines)
    by_rate = math.ceil(rate / rate_at(server(step=step), load(rate), batch) - 1e-9)
    if count > max(1, by_rate):
        fewer = operation(server(step=step), load(rate), replicas=count - 1, attainment=0.95)
        assert fewer is None or fewer.time_to_first_token_seconds > first


@given(step=STEPS, rate=RATES, each=DEADLINES, more=st.floats(1.0, 10.0))
def test_a_full_step_that_counts_never_makes_a_longer_deadline_dearer(
    step: float, rate: float, each: float, more: float
) -> None:
    at = replace(server(step=step), full_step_counts=True)
    short = replicas_needed(at, load(rate, prompt=10), Deadlines(time_per_output_token_seconds=each))
    long = replicas_needed(at, load(rate, prompt=10), Deadlines(time_per_output_token_seconds=each * more))
    assert short is None or (long is not None and long <= short)


@given(step=STEPS, rate=RATES, prompt=st.floats(1.0, 250_000.0), output=st.floats(1.0, 65_536.0))
def test_without_a_deadline_every_load_can_be_staffed(step: float, rate: float, prompt: float, output: float) -> None:
    wanted = load(rate, prompt=prompt, output=output)
    count = replicas_needed(server(step=step), wanted, NONE)
    assert count is not None
    assert operation(server(step=step), wanted, replicas=count, attainment=0.95) is not None
