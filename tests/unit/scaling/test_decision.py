"""Limits on a number: a budget before a minimum, and a word on what is held back."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.decision import Answer, Decision, Why, within
from gemma4_operator.scaling.state import State
from gemma4_operator.scaling.terms import Ceiling
from tests.scaling import terms

GPUS = "spec.placement.maximumGPUs"


def bounded(
    wished: int,
    *,
    minimum: int = 1,
    maximum: int = 10,
    ceiling: int | None = None,
    why: Why = Why.DEMAND,
    state: State | None = None,
) -> Decision:
    bound = terms(
        minimum=minimum,
        maximum=maximum,
        ceiling=Ceiling(replicas=ceiling, field=GPUS) if ceiling is not None else None,
    )
    return within(bound, Answer(replicas=wished, reason=why, message="It is so."), state or State(wanted=99))


@pytest.mark.parametrize(
    ("decision", "replicas", "limited_by"),
    [
        (bounded(4), 4, ""),
        (bounded(10), 10, ""),
        (bounded(11), 10, "spec.autoscaling.maxReplicas"),
        (bounded(1, minimum=3), 3, ""),
        (bounded(8, ceiling=5), 5, GPUS),
        (bounded(5, ceiling=5), 5, ""),
        (bounded(8, ceiling=20), 8, ""),
        (bounded(15, ceiling=20), 10, "spec.autoscaling.maxReplicas"),
        (bounded(1, minimum=3, ceiling=2), 2, GPUS),
        (bounded(1, ceiling=0), 0, GPUS),
        (bounded(0, minimum=0), 1, ""),
        (bounded(0, minimum=0, why=Why.ASLEEP), 0, ""),
        (bounded(0, minimum=2, why=Why.ASLEEP), 2, ""),
    ],
    ids=[
        "within",
        "at the maximum",
        "above the maximum",
        "below the minimum",
        "above the budget",
        "at the budget",
        "a wide budget",
        "a wide budget above the maximum",
        "a budget below the minimum",
        "a budget of nothing",
        "nothing is not a number",
        "but for one who sleeps",
        "who may not",
    ],
)
def test_a_number_ends_within_all_limits(decision: Decision, replicas: int, limited_by: str) -> None:
    assert (decision.replicas, decision.limited_by) == (replicas, limited_by)
    # What a budget of nothing has ended is still wanted.
    assert decision.state.wanted == (replicas or (1 if limited_by else 0))
    assert (decision.reason is Why.LIMITED) == bool(limited_by)


def test_those_that_a_limit_keeps_away_are_not_there() -> None:
    """Requests are late then because they are missing, which is no reason for caution."""
    state = State(at_work_seconds=100.0)
    assert bounded(8, ceiling=5, state=state).state.at_work_seconds is None
    assert bounded(5, ceiling=5, state=state).state.at_work_seconds == 100.0


def test_what_is_held_back_is_told_after_the_reason() -> None:
    assert bounded(8, ceiling=5).message == f"It is so. `{GPUS}` allows 5, so 3 of them are not asked for."


def test_what_else_limits_it_stays_told() -> None:
    answer = Answer(replicas=4, reason=Why.UNPLACEABLE, message="No place.", limited_by="no GPU", valid=False)
    decision = within(terms(), answer, State())
    assert (decision.reason, decision.limited_by, decision.valid) == (Why.UNPLACEABLE, "no GPU", False)


@given(
    wished=st.integers(0, 2000),
    minimum=st.integers(0, 50),
    width=st.integers(0, 50),
    ceiling=st.none() | st.integers(0, 100),
    why=st.sampled_from(Why),
)
def test_never_above_the_maximum_or_the_budget_and_never_below_the_minimum_otherwise(
    wished: int, minimum: int, width: int, ceiling: int | None, why: Why
) -> None:
    maximum = max(1, minimum + width)
    number = bounded(wished, minimum=minimum, maximum=maximum, ceiling=ceiling, why=why).replicas
    most = maximum if ceiling is None else min(maximum, ceiling)
    assert number <= most
    assert number >= min(minimum, most)


def test_the_state_is_otherwise_as_it_was() -> None:
    state = State(slowness=1.3, wanted=2)
    assert within(terms(), Answer(replicas=4, reason=Why.DEMAND, message="So."), state).state == replace(
        state, wanted=4
    )


def told(*, replicas: int = 4, reason: Why = Why.DEMAND, limited_by: str = "") -> Decision:
    return replace(bounded(replicas), reason=reason, limited_by=limited_by)


class TestStanding:
    """What a status tells at once, and what it tells when it tells the rest anew."""

    @pytest.mark.parametrize("reason", [Why.CHANGE, Why.BACKLOG, Why.STABILIZING, Why.LOWERING, Why.MINIMUM])
    def test_reasons_that_take_turns_while_all_is_well_are_no_news(self, reason: Why) -> None:
        assert told(reason=reason).standing == told(reason=Why.DEMAND).standing

    @pytest.mark.parametrize(
        "reason",
        [
            Why.NO_DATA,
            Why.PARTIAL_DATA,
            Why.STARTING,
            Why.UNPLACEABLE,
            Why.LIMITED,
            Why.ASLEEP,
            Why.WAKING,
        ],
    )
    def test_all_others_are(self, reason: Why) -> None:
        assert told(reason=reason).standing != told(reason=Why.DEMAND).standing

    def test_and_so_are_another_number_and_another_limit(self) -> None:
        assert told(replicas=3).standing != told(replicas=4).standing
        assert told(limited_by="spec.placement.maximumGPUs").standing != told().standing
