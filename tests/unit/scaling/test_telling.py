"""Which decision is told while traffic swings about a limit."""

import math

import pytest

from gemma4_operator.scaling import words
from gemma4_operator.scaling.decision import Decision, Why
from gemma4_operator.scaling.state import State
from gemma4_operator.scaling.telling import LIMITED_SECONDS, Telling, telling

MAXIMUM = "spec.autoscaling.maxReplicas"


def decision(reason: Why = Why.DEMAND, *, replicas: int = 4, limited_by: str = "", message: str = "") -> Decision:
    """A decision of which only what is told matters."""
    return Decision(
        replicas=replicas,
        reason=reason,
        message=message or f"because of {reason}",
        valid=True,
        state=State(),
        limited_by=limited_by,
        expected=None,
    )


LIMITED = decision(Why.LIMITED, limited_by=MAXIMUM, message="more than 4 are needed")
UNPLACED = decision(Why.UNPLACEABLE, limited_by=words.NO_GPU, message="no node takes it")


def after(first: Decision, then: Decision, *, seconds: float, has_place: bool = True) -> Telling:
    """What is told of a decision so long after another."""
    before = telling(None, first, has_place=has_place, now_seconds=1000.0)
    return telling(before, then, has_place=has_place, now_seconds=1000.0 + seconds)


def test_the_first_decision_is_told_as_it_is() -> None:
    assert telling(None, decision(), has_place=True, now_seconds=5.0) == Telling(decision=decision())
    assert telling(None, LIMITED, has_place=True, now_seconds=5.0) == Telling(decision=LIMITED, limited_seconds=5.0)


def test_so_is_each_that_follows_where_nothing_was_limited() -> None:
    assert after(decision(), decision(Why.LOWERING, replicas=3), seconds=5.0).decision.replicas == 3


@pytest.mark.parametrize("reason", [Why.DEMAND, Why.STABILIZING, Why.CHANGE, Why.PARTIAL_DATA])
def test_a_limit_stands_while_traffic_swings_below_it(reason: Why) -> None:
    told = after(LIMITED, decision(reason), seconds=LIMITED_SECONDS - 1).decision
    assert (told.reason, told.limited_by, told.message) == (Why.LIMITED, MAXIMUM, "more than 4 are needed")


def test_and_is_over_once_it_was_not_met_for_a_while() -> None:
    assert after(LIMITED, decision(), seconds=LIMITED_SECONDS).decision == decision()


def test_that_while_begins_anew_each_time_it_is_met() -> None:
    told = after(LIMITED, LIMITED, seconds=100.0)
    swung = telling(told, decision(), has_place=True, now_seconds=1100.0 + LIMITED_SECONDS - 1)
    assert swung.decision.limited_by == MAXIMUM
    assert telling(swung, decision(), has_place=True, now_seconds=1100.0 + LIMITED_SECONDS).decision == decision()


def test_another_number_ends_it_at_once() -> None:
    assert after(LIMITED, decision(Why.LOWERING, replicas=3), seconds=5.0).decision.limited_by == ""


@pytest.mark.parametrize("reason", [Why.NO_DATA, Why.STARTING, Why.ASLEEP])
def test_so_does_what_matters_more(reason: Why) -> None:
    assert after(LIMITED, decision(reason), seconds=5.0).decision.reason is reason


@pytest.mark.parametrize(("has_place", "still"), [(True, ""), (False, words.NO_GPU)])
def test_no_gpu_is_no_reason_any_more_once_each_pod_has_one(has_place: bool, still: str) -> None:
    assert after(UNPLACED, decision(), seconds=5.0, has_place=has_place).decision.limited_by == still


def test_what_is_told_goes_on_from_the_state_of_the_last_decision() -> None:
    """Only the words are of before."""
    now = decision(Why.DEMAND)
    told = after(LIMITED, now, seconds=5.0).decision
    assert (told.state, told.expected, told.replicas) == (now.state, now.expected, now.replicas)


def test_under_other_limits_nothing_is_waited_for() -> None:
    before = telling(None, LIMITED, has_place=True, now_seconds=1000.0).under_others()
    assert before.limited_seconds == -math.inf
    assert telling(before, decision(), has_place=True, now_seconds=1005.0).decision == decision()
