"""What is said of each policy and of all of them."""

import pytest

from gemma4_operator.sim.report.shown import Shown
from gemma4_operator.sim.report.verdict import attains, headline, keepers, missers, verdict
from tests.unit.sim.report.runs import result, shown

REFERENCE = result(100.0, 2.0)


def told(*policies: Shown) -> str:
    return headline(policies, reference=REFERENCE, objective_percent=99.0)


@pytest.mark.parametrize(
    ("attainment", "objective", "keeps"),
    [(99.0, 99.0, True), (98.9999, 99.0, False), (56.99999999999999, 57.0, True), (100.0, 100.0, True)],
)
def test_the_objective_is_kept_from_its_very_value_on(attainment: float, objective: float, keeps: bool):
    assert attains(result(attainment), objective) is keeps


@pytest.mark.parametrize(
    ("first", "token", "lost", "words"),
    [
        (10, 2, 0, "late first tokens"),
        (2, 10, 0, "slow tokens"),
        (10, 2, 9, "lost requests"),
        (10, 8, 4, "slow tokens"),
    ],
)
def test_who_misses_it_is_told_by_how_much_and_mostly_why(first: int, token: int, lost: int, words: str):
    found = verdict(result(98.123, missed_first_token=first, missed_token=token, lost=lost), 99.0)
    assert found == f"misses by 0.88 points, mostly {words}"


def test_who_keeps_it_is_told_so():
    assert verdict(result(99.5), 99.0) == "keeps 99 %"


def test_those_that_keep_it_are_in_the_order_of_their_cost_and_the_others_by_what_they_keep():
    policies = [
        shown("dear", 100.0, 9.0),
        shown("bad", 50.0, 1.0),
        shown("cheap", 99.0, 3.0),
        shown("near", 98.9, 8.0),
        shown("clairvoyant", 100.0, 2.0),
    ]
    assert [one.policy for one in keepers(policies, 99.0)] == ["cheap", "dear"]
    assert [one.policy for one in missers(policies, 99.0)] == ["near", "bad"]


class TestHeadline:
    def test_the_cheapest_that_keeps_it_and_the_next(self):
        assert told(shown("a", 99.5, 3.0), shown("b", 100.0, 3.6), shown("c", 10.0, 1.0)) == (
            "a keeps 99 % at the lowest cost: 3.00 replicas on average, 1.50 times as many as by knowing what will "
            "come. Next is b, which takes 20 % more."
        )

    def test_the_only_one(self):
        assert told(shown("a", 99.5, 3.0), shown("c", 10.0, 1.0)) == (
            "a keeps 99 % with 3.00 replicas on average, 1.50 times as many as by knowing what will come."
        )

    def test_none(self):
        assert told(shown("a", 98.5, 3.0), shown("c", 10.0, 1.0)) == (
            "No policy keeps 99 %: the nearest is a with 98.50 %, for 3.00 replicas on average."
        )

    def test_a_single_one_that_does_not(self):
        assert told(shown("a", 98.5, 3.0)) == (
            "a does not keep 99 %: 98.50 % of requests keep their objectives, with 3.00 replicas on average."
        )

    def test_who_knows_the_future_never_wins(self):
        assert told(shown("clairvoyant", 100.0, 1.0), shown("a", 99.5, 3.0)).startswith("a keeps")
        assert told(shown("clairvoyant", 100.0, 1.0)).startswith("Only the reference was played")

    def test_where_nothing_was_needed_nothing_is_compared(self):
        found = headline([shown("a", 100.0, 1.0)], reference=result(100.0, 0.0), objective_percent=99.0)
        assert found == "a keeps 99 % with 1.00 replicas on average."
