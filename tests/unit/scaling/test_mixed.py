"""While pods of an earlier plan serve, the number does not go below what they were."""

import pytest

from gemma4_operator.scaling import words
from gemma4_operator.scaling.decision import Decision, Why
from gemma4_operator.scaling.mixed import MIXED, explained, floor
from gemma4_operator.scaling.state import State
from gemma4_operator.scaling.terms import Ceiling, Terms
from tests.scaling import terms

BUDGET = Ceiling(replicas=3, field="spec.objectives.maximumHourlyCost")


@pytest.mark.parametrize(
    ("bound", "before", "least"),
    [
        pytest.param(terms(), 0, 0, id="none of an earlier plan"),
        pytest.param(terms(), 6, 6, id="as many as before"),
        pytest.param(terms(maximum=4), 6, 4, id="what maxReplicas allows"),
        pytest.param(terms(ceiling=BUDGET), 6, 3, id="what a budget allows"),
        pytest.param(terms(maximum=2, ceiling=BUDGET), 6, 2, id="the narrower of both"),
        pytest.param(terms(minimum=8), 6, 6, id="a higher minimum has its own word"),
    ],
)
def test_it_keeps_as_many_as_limits_allow(bound: Terms, before: int, least: int) -> None:
    assert floor(bound, State(busy_seconds=900.0), before=before, now_seconds=1000.0) == least


@pytest.mark.parametrize(
    ("minimum", "idle_for_seconds", "least"), [(0, 600.0, 0), (0, 599.0, 6), (1, 7200.0, 6)], ids=str
)
def test_nobody_is_kept_awake_for_it(minimum: int, idle_for_seconds: float, least: int) -> None:
    bound = terms(minimum=minimum, idle_seconds=600.0)
    state = State(busy_seconds=1000.0 - idle_for_seconds)
    assert floor(bound, state, before=6, now_seconds=1000.0) == least


def test_one_of_whom_nothing_is_known_may_not_sleep() -> None:
    assert floor(terms(minimum=0), State(), before=6, now_seconds=1e9) == 6


def held(reason: Why, message: str) -> Decision:
    """A decision for six."""
    return Decision(replicas=6, reason=reason, message=message, valid=True, state=State(), limited_by="", expected=None)


def test_it_says_that_they_are_why_and_names_no_field_that_says_less() -> None:
    said = explained(held(Why.MINIMUM, f"Little comes. {words.at_minimum(6)}"), terms(minimum=1), lowest=6)
    assert said.message == f"Little comes. {MIXED}"


@pytest.mark.parametrize(
    ("reason", "minimum"), [(Why.MINIMUM, 6), (Why.MINIMUM, 8), (Why.DEMAND, 1)], ids=["its own", "higher", "needed"]
)
def test_it_says_nothing_of_them_where_they_are_not_why(reason: Why, minimum: int) -> None:
    decided = held(reason, f"Little comes. {words.at_minimum(6)}")
    assert explained(decided, terms(minimum=minimum), lowest=6) == decided
