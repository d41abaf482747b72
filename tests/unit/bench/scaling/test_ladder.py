"""The cheapest setting that passes is found in a few runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.rules import names
from tests.bench.scaling.ladder import Ladder, ladders_of, next_of, threshold

NUMBERS: Ladder = tuple("abcdefghijklmnop")


def climbed(ladder: Ladder, passing: set[str]) -> list[str]:
    """Return what is tried until the search ends."""
    known: dict[str, bool] = {}
    while (text := next_of(ladder, known.get)) is not None:
        assert text not in known
        known[text] = text in passing
    return list(known)


@given(st.integers(0, len(NUMBERS)))
def test_where_more_keeps_more_the_cheapest_is_found_in_five_runs_of_sixteen(first: int):
    passing = set(NUMBERS[first:])
    tried = climbed(NUMBERS, passing)
    assert len(tried) <= 5
    known = {text: text in passing for text in tried}
    assert threshold(NUMBERS, known.get) == (first if passing else None)


@given(st.sets(st.sampled_from(NUMBERS)))
def test_whatever_a_rule_does_the_search_ends_and_what_it_found_does_pass(passing: set[str]):
    known = {text: text in passing for text in climbed(NUMBERS, passing)}
    place = threshold(NUMBERS, known.get)
    if place is None:
        assert not any(known.values())
        assert known[NUMBERS[-1]] is False
    else:
        assert NUMBERS[place] in passing
        assert place == 0 or known[NUMBERS[place - 1]] is False


def test_what_is_known_already_is_used():
    known = {"h": True, "c": False}
    assert next_of(NUMBERS, known.get) == "e"


def test_one_that_fails_above_one_that_passes_does_not_end_the_search():
    assert next_of(NUMBERS, {"h": True, "j": False}.get) == "d"


@pytest.mark.parametrize("name", [name for name in names() if name not in ("gemma4", "keda", "dynamo")])
def test_most_rules_have_one_main_knob(name: str):
    assert len(ladders_of(name)) == 1


def test_where_something_else_is_set_as_well_each_has_its_own():
    assert [len(ladder) for ladder in ladders_of("keda")] == [4, 18]
    assert [ladder[0] for ladder in ladders_of("dynamo")] == [
        "dynamo:predictor=constant,safety=1",
        "dynamo:predictor=kalman,safety=1",
    ]
