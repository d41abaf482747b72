"""What all engines of a resource have counted together: totals that only grow, whatever pods come and go."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.latencies import Latencies, listened
from gemma4_operator.scaling.sample import Counts, Histogram, Sample

BOUNDS = (0.5, 1.0, 2.0, math.inf)


def said(*held: float, seconds: float = 0.0, output: Histogram | None = None) -> Sample:
    """What an engine says that has counted so many times up to each bound."""
    first = Histogram(sum_seconds=seconds, buckets=tuple(zip(BOUNDS, held, strict=True)))
    return Sample(at_seconds=0.0, counts=Counts(running=0, waiting=0, first_token=first, output_token=output))


def heard(before: Latencies, first_token_seconds: float | None = 1.0, **samples: Sample) -> Latencies:
    return listened(before, samples, first_token_seconds=first_token_seconds, output_token_seconds=0.5)


def test_what_was_counted_before_the_operator_came_is_not_taken() -> None:
    first = heard(Latencies(), a=said(100, 100, 100, 100, seconds=30.0)).first_token
    assert (first.count, first.sum_seconds, first.in_time) == (0.0, 0.0, None)


def test_what_two_pods_count_is_added() -> None:
    one = heard(Latencies(), a=said(0, 0, 0, 0), b=said(0, 0, 0, 0))
    two = heard(one, a=said(2, 3, 4, 4, seconds=3.0), b=said(1, 1, 1, 2, seconds=9.0))
    assert (two.first_token.count, two.first_token.sum_seconds, two.first_token.in_time) == (6.0, 12.0, 4.0)


def test_a_pod_that_goes_takes_nothing_with_it_and_comes_back_as_a_stranger() -> None:
    one = heard(heard(Latencies(), a=said(0, 0, 0, 0)), a=said(5, 5, 5, 5))
    gone = heard(one)
    assert gone.first_token.count == 5.0
    assert gone.heard == {}
    assert heard(gone, a=said(9, 9, 9, 9)).first_token.count == 5.0


def test_an_engine_that_began_anew_counts_from_nothing() -> None:
    one = heard(heard(Latencies(), a=said(0, 0, 0, 0)), a=said(5, 5, 5, 5, seconds=2.0))
    again = heard(one, a=said(1, 2, 2, 2, seconds=1.0))
    assert (again.first_token.count, again.first_token.sum_seconds, again.first_token.in_time) == (7.0, 3.0, 7.0)


@pytest.mark.parametrize(
    ("objective", "in_time"), [(1.0, 60.0), (1.5, 100 - math.sqrt(40 * 10)), (2.0, 90.0), (3.0, 90.0), (None, None)]
)
def test_between_two_bounds_as_many_are_late_as_the_tail_says(objective: float | None, in_time: float | None) -> None:
    one = heard(Latencies(), objective, a=said(0, 0, 0, 0))
    assert heard(one, objective, a=said(20, 60, 90, 100)).first_token.in_time == pytest.approx(in_time)


def test_requests_that_come_one_by_one_are_as_late_as_all_together() -> None:
    """A single one has no tail: it is counted by that of all before it."""
    now, held = heard(Latencies(), 1.5, a=said(0, 0, 0, 0)), [0, 0, 0, 0]
    for number in range(10_000):
        # Of ten, six take at most 1 s, three at most 2 s, and one more.
        bucket = (1, 1, 2, 1, 1, 2, 1, 3, 1, 2)[number % 10]
        held = [count + (index >= bucket) for index, count in enumerate(held)]
        now = heard(now, 1.5, a=said(*held))
    together = heard(heard(Latencies(), 1.5, a=said(0, 0, 0, 0)), 1.5, a=said(*held)).first_token
    assert together.in_time == pytest.approx(8000)
    assert now.first_token.in_time == pytest.approx(together.in_time, rel=0.002)


def test_another_objective_is_judged_by_what_comes_from_then_on() -> None:
    one = heard(heard(Latencies(), 1.0, a=said(0, 0, 0, 0)), 1.0, a=said(0, 0, 0, 100))
    assert one.first_token.in_time == 0.0
    assert heard(one, 1.5, a=said(20, 60, 90, 200)).first_token.in_time == pytest.approx(100 - math.sqrt(40 * 10))


def test_each_kind_of_time_has_its_own_objective() -> None:
    none, some = (Histogram(sum_seconds=0.1 * n, buckets=((0.5, n), (math.inf, 2 * n))) for n in (0, 10))
    one = heard(Latencies(), a=said(0, 0, 0, 0, output=none))
    two = heard(one, a=said(0, 1, 1, 1, output=some))
    assert (two.output_token.count, two.output_token.in_time) == (20.0, 10.0)
    assert (two.first_token.count, two.first_token.in_time) == (1.0, 1.0)


def test_an_engine_that_says_what_cannot_be_changes_nothing() -> None:
    one = heard(heard(Latencies(), a=said(0, 0, 0, 0)), a=said(5, 5, 5, 5))
    wrong = Sample(at_seconds=0.0, counts=Counts(running=math.nan, waiting=0))
    assert heard(one, a=wrong) == one


histories = st.lists(
    st.dictionaries(
        st.sampled_from("abc"), st.lists(st.integers(0, 50), min_size=4, max_size=4).map(lambda n: said(*sorted(n)))
    ),
    max_size=6,
)


@given(histories)
def test_whatever_is_said_totals_never_fall_and_no_more_is_in_time_than_was_counted(
    history: list[dict[str, Sample]],
) -> None:
    now = Latencies()
    for samples in history:
        before, now = now, heard(now, **samples)
        assert now.first_token.count >= before.first_token.count
        assert (now.first_token.in_time or 0.0) >= (before.first_token.in_time or 0.0)
        assert (now.first_token.in_time or 0.0) <= now.first_token.count
