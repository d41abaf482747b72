"""What engines count, flows and services: small values that all else is worked out from."""

import math

import pytest

from gemma4_operator.scaling.flow import Flow
from gemma4_operator.scaling.histograms import Tail
from gemma4_operator.scaling.sample import Histogram
from gemma4_operator.scaling.service import Service
from tests.scaling import histogram

PLAIN = Service(
    fixed_seconds=0.01, sequence_seconds=0.0005, prompt_token_seconds=1e-4, most_sequences=20, max_batched_tokens=1000
)


def test_a_histogram_holds_what_its_last_bucket_holds() -> None:
    assert histogram(1, 4, 9).count == 9
    assert Histogram(sum_seconds=0.0, buckets=()).count == 0


def test_flows_add_up_field_by_field() -> None:
    one = Flow(
        arrivals=1,
        work_seconds=2,
        prompts=3,
        prompt_tokens=4,
        answers=5,
        answer_tokens=6,
        timed_tokens=7,
        timed_seconds=8,
        planned_seconds=9,
        first_token=Tail(count=10, beyond_lower=6, beyond_upper=2, depth=5),
    )
    assert one.plus(one) == one.scaled(2.0) == Flow().plus(one, 2.0)
    assert one.scaled(0.5).first_token == Tail(count=5, beyond_lower=3, beyond_upper=1, depth=2.5)
    assert one.plus(one, -1.0) == Flow()


def test_a_slow_replica_is_slow_at_everything_and_holds_as_much() -> None:
    slow = PLAIN.slowed(2.0)
    assert (slow.fixed_seconds, slow.sequence_seconds, slow.prompt_token_seconds) == (0.02, 0.001, 2e-4)
    assert (slow.most_sequences, slow.max_batched_tokens) == (20, 1000)


def test_a_step_grows_with_its_sequences() -> None:
    assert PLAIN.step_seconds(0) == 0.01
    assert PLAIN.step_seconds(20) == pytest.approx(0.02)


def test_a_request_takes_its_prompt_and_its_share_of_half_full_steps() -> None:
    # Ten sequences share a step's 10 ms, 1 ms each, and each adds half a millisecond of its own.
    assert PLAIN.answer_token_seconds == pytest.approx(0.0015)
    assert PLAIN.work_seconds(input_tokens=1000, output_tokens=100) == pytest.approx(0.1 + 0.15)


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.3])
@pytest.mark.parametrize("prompts", [0.0, 0.3, 0.74])
def test_how_slow_a_replica_is_follows_from_its_tokens_however_full_it_is_of_prompts(
    factor: float, prompts: float
) -> None:
    """By hand, for one second: 12 sequences, and the share of the time that prompts leave, in steps of all of them."""
    slow = PLAIN.slowed(factor)
    steps = (1 - prompts * factor) / slow.step_seconds(12)
    told = PLAIN.told_seconds(tokens=12 * steps, took_seconds=12.0, input_tokens=prompts / 1e-4, over_seconds=1.0)
    assert 12.0 / told == pytest.approx(factor)


def test_a_full_and_an_idle_engine_together_are_as_slow_as_each() -> None:
    """What one full engine tells beside an idle one is not what two half full ones would."""
    full, idle = ((n * 10.0 / PLAIN.slowed(1.2).step_seconds(n), 10.0 * n) for n in (20.0, 1.0))
    told = [
        PLAIN.told_seconds(tokens=tokens, took_seconds=took, input_tokens=0.0, over_seconds=10.0)
        for tokens, took in (full, idle)
    ]
    assert (full[1] + idle[1]) / sum(told) == pytest.approx(1.2)


@pytest.mark.parametrize("factor", [0.5, 1.3, 3.0])
def test_work_is_as_many_times_as_long(factor: float) -> None:
    usual = PLAIN.work_seconds(input_tokens=700, output_tokens=80)
    assert PLAIN.slowed(factor).work_seconds(input_tokens=700, output_tokens=80) == pytest.approx(factor * usual)


def test_the_last_bound_is_infinite() -> None:
    assert histogram(1).buckets[-1] == (math.inf, 1)
