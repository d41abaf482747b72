"""Sentences that a person can act on: with numbers, in the right number."""

import math
from typing import Any

import pytest

from gemma4_operator.scaling import words
from gemma4_operator.scaling.change import Change
from gemma4_operator.scaling.flow import Flow
from gemma4_operator.scaling.meter import Reading


def told(**changes: Any) -> str:
    usual: dict[str, Any] = {
        "now": 2.0,
        "then": 3.0,
        "horizon_seconds": 115.0,
        "needs": 3,
        "change": None,
        "waiting": 0.0,
        "backlog": 0,
        "first_token_seconds": 2.0,
        "token_seconds": 0.06,
    }
    return words.demand(**(usual | changes))


def reading(*, serving: int, heard: int) -> Reading:
    return Reading(flow=Flow(), running=0, waiting=0, serving=serving, heard=heard, seen=heard, age_seconds=0)


class TestDemand:
    def test_says_what_comes_and_what_it_needs(self) -> None:
        assert told() == (
            "120 requests a minute come, and 180 are expected in 115 s: "
            "3 replicas keep 2.0 s to the first token and 60 ms for each."
        )

    def test_speaks_of_one_as_of_one(self) -> None:
        assert "1 replica keeps" in told(needs=1)

    def test_says_nothing_of_a_limit_that_is_none(self) -> None:
        assert told(token_seconds=math.inf).endswith("2.0 s to the first token.")

    def test_tells_few_requests_in_tenths(self) -> None:
        assert told(now=0.05, then=0.0).startswith("3.0 requests a minute come, and 0 are expected")

    @pytest.mark.parametrize(("is_ramp", "how"), [(True, "rising for 80 s"), (False, "higher for 80 s")])
    def test_says_how_long_it_has_changed(self, is_ramp: bool, how: str) -> None:
        assert how in told(change=Change(rate=3.0, since_seconds=80.0, is_ramp=is_ramp))

    def test_says_what_waits(self) -> None:
        assert told(waiting=41.0, backlog=5).endswith(" 41 requests wait, which 5 replicas work off.")


@pytest.mark.parametrize(
    ("sentence", "says"),
    [
        (words.starting(1), ["1 replica"]),
        (words.starting(4), ["4 replicas"]),
        (words.begun(1), ["1 replica stays", "next word"]),
        (words.begun(4), ["4 replicas stay", "next word"]),
        (words.jumped(1), ["what 1 replica serves", "Within the last hour"]),
        (words.jumped(7), ["what 7 replicas serve,", "stay"]),
        (words.no_data(reading(serving=2, heard=0)), ["2 replicas", "none says what it does"]),
        (words.partial(2, 5), ["2 of 5 replicas", "not go down"]),
        (words.sleeping(600), ["600 s", "spec.autoscaling.idleSeconds"]),
        (words.asleep(), ["none runs"]),
        (words.waking(), ["a replica starts"]),
        (words.at_minimum(2), ["spec.autoscaling.minReplicas", "2"]),
        (words.at_minimum(0), ["spec.autoscaling.idleSeconds"]),
        (words.stabilizing(2, 5), ["2", "5"]),
        (words.not_long_enough(100), ["100 s"]),
        (words.step_by_step(15), ["15 s"]),
        (words.waiting(7), ["7 requests wait"]),
        (words.survivors(70, 1), ["70 requests run", "1 replica "]),
        (words.lowering(4, 2), ["4 replicas", "2"]),
        (words.unplaceable(1, 5), ["1 of those asked for waits", "5", "spec.autoscaling.maxReplicas"]),
        (words.unplaceable(3, 5), ["3 of those asked for wait "]),
        (words.limited(9, 5, "spec.autoscaling.maxReplicas"), ["`spec.autoscaling.maxReplicas` allows 5", "4 of them"]),
    ],
)
def test_every_sentence_is_one_and_names_what_it_speaks_of(sentence: str, says: list[str]) -> None:
    assert sentence[0].isupper() or sentence[0] in "`0123456789"
    assert sentence.endswith(".")
    for part in says:
        assert part in sentence
