"""What engines count, flows and services: small values that all else is worked out from."""

import math

import pytest

from gemma4_operator.scaling.flow import Flow
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
        first_tokens=9,
        in_time=10,
    )
    assert one.plus(one) == one.scaled(2.0) == Flow().plus(one, 2.0)
    assert one.scaled(0.5).in_time == 5
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


@pytest.mark.parametrize("factor", [0.5, 1.3, 3.0])
def test_work_is_as_many_times_as_long(factor: float) -> None:
    usual = PLAIN.work_seconds(input_tokens=700, output_tokens=80)
    assert PLAIN.slowed(factor).work_seconds(input_tokens=700, output_tokens=80) == pytest.approx(factor * usual)


def test_the_last_bound_is_infinite() -> None:
    assert histogram(1).buckets[-1] == (math.inf, 1)
