"""Stabilization, policies and limits, as Kubernetes documents `behavior`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.peers.hpa_behavior import Behavior, Change, Pace
from tests.unit.sim.peers.views import setting


def walk(
    recommended: list[int], *, current: int, behavior: Behavior | None = None, maximum: int = 100, minimum: int = 1
) -> list[int]:
    """What becomes of recommendations that come every 15 seconds."""
    pace = Pace(behavior or Behavior(), setting(minimum=minimum, maximum=maximum))
    counts = []
    for turn, count in enumerate(recommended):
        current = pace.go(turn * 15.0, current=current, recommended=count)
        counts.append(current)
    return counts


class TestUpwards:
    @pytest.mark.parametrize(
        ("current", "recommended", "expected"),
        [
            (1, 100, 5),  # 4 pods are more than the double
            (3, 100, 7),
            (4, 100, 8),
            (10, 100, 20),  # the double is more than 4 pods
            (10, 12, 12),
        ],
    )
    def test_at_most_the_double_or_four_pods_in_15_seconds(self, current: int, recommended: int, expected: int) -> None:
        assert walk([recommended], current=current) == [expected]

    def test_what_was_added_in_the_period_counts_against_it(self) -> None:
        pace = Pace(Behavior(), setting(maximum=100))
        assert pace.go(0.0, current=1, recommended=100) == 5
        assert pace.go(14.0, current=5, recommended=100) == 5
        assert pace.go(15.0, current=5, recommended=100) == 10

    def test_the_double_is_of_15_seconds_too(self) -> None:
        assert walk([100, 100], current=10) == [20, 40]

    def test_a_share_is_rounded_up(self) -> None:
        assert walk([100], current=3, behavior=Behavior(up=(Change(percent=50.0, period_seconds=15.0),))) == [5]

    def test_each_policy_has_its_own_period(self) -> None:
        two = Behavior(up=(Change(pods=2, period_seconds=15.0), Change(pods=3, period_seconds=60.0)))
        # At 15 seconds the second has used up its 3, and the first begins anew.
        assert walk([100, 100], current=1, behavior=two) == [4, 6]

    def test_not_beyond_the_maximum(self) -> None:
        assert walk([100, 100], current=10, maximum=12) == [12, 12]

    def test_a_window_upwards_takes_the_least(self) -> None:
        patient = Behavior(up_window_seconds=30.0)
        # The wish of the first turn, 2, is 30 seconds old at the third.
        assert walk([8, 8, 8, 4, 9, 9], current=2, behavior=patient) == [2, 2, 6, 6, 6, 9]

    def test_without_one_it_goes_at_once(self) -> None:
        assert walk([6], current=2) == [6]


class TestDownwards:
    def test_for_300_seconds_the_most_that_was_recommended_stays(self) -> None:
        counts = walk([10] + [2] * 21, current=10)
        assert counts[:20] == [10] * 20
        assert counts[20] == 2  # 300 seconds after the first

    def test_one_reading_that_asks_for_more_holds_it_up_again(self) -> None:
        counts = walk([2] * 10 + [9] + [2] * 21, current=10)
        assert counts[19] == 10
        assert counts[20] == 9  # what was there at the start is forgotten, that one reading is not
        assert counts[29] == 9
        assert counts[30] == 2

    def test_policies_limit_how_fast(self) -> None:
        slow = Behavior(down_window_seconds=0.0, down=(Change(pods=1, period_seconds=120.0),))
        counts = walk([1] * 17, current=5, behavior=slow)
        assert counts == [4] * 8 + [3] * 8 + [2]

    def test_a_share_is_one_too(self) -> None:
        halves = Behavior(down_window_seconds=0.0, down=(Change(percent=50.0, period_seconds=15.0),))
        assert walk([1, 1, 1], current=9, behavior=halves) == [4, 2, 1]

    def test_the_policy_that_changes_most_counts(self) -> None:
        both = Behavior(
            down_window_seconds=0.0,
            down=(Change(percent=10.0, period_seconds=15.0), Change(pods=3, period_seconds=15.0)),
        )
        assert walk([1, 1], current=10, behavior=both) == [7, 4]

    @pytest.mark.parametrize(("minimum", "expected"), [(0, 1), (1, 1), (3, 3)])
    def test_not_below_the_minimum_nor_to_zero(self, minimum: int, expected: int) -> None:
        quick = Behavior(down_window_seconds=0.0)
        assert walk([0], current=5, behavior=quick, minimum=minimum) == [expected]


@pytest.mark.parametrize(("current", "expected"), [(30, 20), (0, 2)])
def test_what_is_outside_the_limits_is_brought_inside_at_once(current: int, expected: int) -> None:
    assert walk([7], current=current, minimum=2, maximum=20) == [expected]


WISHES = st.lists(st.integers(0, 40), min_size=1, max_size=60)


@given(WISHES, st.integers(1, 30))
def test_it_shrinks_to_the_most_of_the_window_and_no_further(wishes: list[int], current: int) -> None:
    counts = walk(wishes, current=current, maximum=30)
    before = current
    for turn, count in enumerate(counts):
        recent = wishes[max(0, turn - 19) : turn + 1] + ([current] if turn < 20 else [])
        if count < before:
            assert count == max(1, *recent)
        assert count >= min(before, max(1, *recent))
        before = count


@given(WISHES, st.integers(1, 30))
def test_it_grows_by_no_more_than_its_policies_allow_and_only_when_asked(wishes: list[int], current: int) -> None:
    before = current
    for wish, count in zip(wishes, walk(wishes, current=current, maximum=30), strict=True):
        if count > before:
            assert count <= min(wish, max(2 * before, before + 4), 30)
        before = count
