"""Searches end at a rule's best settings, and need far fewer runs than its sweep."""

from collections.abc import Callable, Mapping

import pytest

from gemma4_operator.sim.rules import sweep
from tests.bench.scaling import search
from tests.bench.scaling.book import Book
from tests.bench.scaling.choice import own, single
from tests.bench.scaling.grid import DESIGNED
from tests.bench.scaling.run import Run
from tests.unit.bench.scaling.made import REFERENCE, book, kept

LAST = len(sweep("llmd")) - 1


def world(needs: Mapping[str, int], dips: Mapping[str, int] | None = None) -> Callable[[Run], tuple[float, float]]:
    """Return a world in which a setting passes from some place of the sweep on, and each step costs one replica.

    Args:
        needs: From which place on, for each workload.
        dips: Places above that which fail all the same.
    """

    def figures(run: Run) -> tuple[float, float]:
        place = sweep("llmd").index(run.policy)
        is_enough = place >= needs[run.workload] and place != (dips or {}).get(run.workload)
        return (99.5 if is_enough else 97.0), 5.0 + place

    return figures


def played(
    runs: Callable[[Book], object], figures: Callable[[Run], tuple[float, float]], limit: int = 200
) -> tuple[Book, int]:
    """Return the book once a search asks for nothing more, and how many runs that took."""
    found = book(REFERENCE)
    for count in range(limit):
        run = next(iter(runs(found)), None)  # type: ignore[call-overload]
        if run is None:
            return found, count
        assert found.kept(run) is None, "what is known is not played again"
        found.add(run, kept(*figures(run)))
    raise AssertionError("the search does not end")


EVEN = dict.fromkeys(DESIGNED, 3) | {"ramp": 6, "conv8": 5}


def test_for_one_workload_the_cheapest_is_found():
    found, count = played(lambda book: search.for_each(book, "llmd", "ramp"), world(EVEN))
    best = own(found, "llmd", "ramp")
    assert best is not None
    assert best.policy == sweep("llmd")[6]
    assert count <= 4


def test_where_the_formula_is_too_generous_the_cheapest_clairvoyance_staffs_for_less_than_comes():
    places = sweep("clairvoyant")
    usual = places.index("clairvoyant:times=1")

    def figures(run: Run) -> tuple[float, float]:
        place = places.index(run.policy)
        return (99.5 if place >= usual - 4 else 97.0), 5.0 + (place - usual) / 10

    found, count = played(lambda book: search.for_each(book, "clairvoyant", "azure-code-bursts"), figures)
    best = own(found, "clairvoyant", "azure-code-bursts")
    assert best is not None
    assert best.policy == "clairvoyant:times=0.8"
    assert count <= 4


def searches(book: Book) -> object:
    for workload in DESIGNED[:2]:
        yield from search.for_each(book, "llmd", workload)
    yield from search.for_all(book, "llmd", DESIGNED)


def test_for_all_workloads_it_begins_where_the_dearest_of_those_known_is():
    found, count = played(searches, world(EVEN))
    best = single(found, "llmd", DESIGNED)
    assert best is not None
    assert (best.policy, best.passes) == (sweep("llmd")[6], True)
    assert count < len(sweep("llmd")) * 2


@pytest.mark.parametrize("dear", DESIGNED)
def test_it_climbs_where_another_workload_needs_more(dear: str):
    found, _ = played(searches, world(EVEN | {dear: 9}))
    best = single(found, "llmd", DESIGNED)
    assert best is not None
    assert (best.policy, best.passes) == (sweep("llmd")[9], True)


def test_it_climbs_over_a_setting_that_fails_by_chance():
    found, _ = played(searches, world(EVEN, dips={"azure-chat-day": 6}))
    best = single(found, "llmd", DESIGNED)
    assert best is not None
    assert (best.policy, best.passes) == (sweep("llmd")[7], True)


def test_a_workload_on_which_nothing_passes_does_not_make_the_others_dear():
    hopeless = EVEN | {DESIGNED[0]: LAST + 1}
    found, _ = played(searches, world(hopeless))
    best = single(found, "llmd", DESIGNED)
    assert best is not None
    assert best.passed == len(DESIGNED) - 1
    assert best.policy == sweep("llmd")[6]


def test_where_nothing_passes_anywhere_the_most_generous_is_played_and_it_ends():
    found, _ = played(searches, world(dict.fromkeys(DESIGNED, LAST + 1)))
    best = single(found, "llmd", DESIGNED)
    assert best is not None
    assert (best.policy, best.passed) == (sweep("llmd")[LAST], 0)


def test_of_several_kinds_of_settings_those_that_pass_on_more_are_played_everywhere():
    def figures(run: Run) -> tuple[float, float]:
        return (99.5 if "running=true" in run.policy else 85.0), 8.0

    def runs(book: Book) -> object:
        for workload in DESIGNED[:2]:
            yield from search.for_each(book, "keda", workload)
        yield from search.for_all(book, "keda", DESIGNED)

    found, _ = played(runs, figures)
    queues = {run.workload for run in found if run.policy.startswith("keda:target")}
    assert queues == set(DESIGNED[:2])
