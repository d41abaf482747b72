"""The scale of shares: what is far apart for users is far apart on paper."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.report.nines import Nines


def nines(objective: float = 99.0, low: float = 0.0) -> Nines:
    return Nines(objective_percent=objective, low_percent=low, start=300.0, end=0.0)


def test_ten_times_fewer_misses_are_one_step():
    scale = nines()
    assert [round(scale.at(percent)) for percent in (0, 90, 99, 99.9)] == [300, 200, 100, 0]


def test_what_is_beyond_it_is_at_its_end():
    assert nines().at(100) == nines().at(99.99) == 0
    assert nines(low=95).at(20) == 300


@pytest.mark.parametrize(
    ("objective", "low", "labels"),
    [
        (99, 0, "0 50 80 90 95 98 99 99.5 99.8 ≥ 99.9"),
        (99, 98.6, "98 99 99.5 99.8 ≥ 99.9"),
        (99, 100, "98 99 99.5 99.8 ≥ 99.9"),
        (50, 91, "0 50 80 90 95 98 99 99.5 99.8 ≥ 99.9"),
        (99.9, 99.9, "99.8 99.9 99.95 99.98 ≥ 99.99"),
        (99.7, 99.9, "99 99.5 99.8 99.9 99.95 ≥ 99.98"),
        (100, 99.9, "99.9 99.95 99.98 ≥ 99.99"),
    ],
)
def test_named_are_round_shares_from_the_worst_to_far_above_the_objective(objective: float, low: float, labels: str):
    assert " ".join(tick.label for tick in nines(objective, low).ticks()) == labels


def test_a_small_drawing_names_only_tenths():
    assert [tick.label for tick in nines().ticks(only_tenths=True)] == ["0", "90", "99", "≥ 99.9"]


@given(st.floats(1, 99.9), st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_better_is_never_lower(objective: float, low: float, one: float, other: float):
    scale = nines(objective, low)
    better, worse = max(one, other), min(one, other)
    assert 0 <= scale.at(better) <= scale.at(worse) <= 300


@given(st.floats(1, 99.9), st.floats(0, 100))
def test_names_go_up_and_end_at_the_end(objective: float, low: float):
    ticks = nines(objective, low).ticks()
    assert len(ticks) >= 3
    assert ticks[-1].at == pytest.approx(0, abs=1e-6)
    assert all(below.at > above.at + 15 for below, above in pairwise(ticks)), "two names need room"


@given(st.floats(50, 99.9), st.floats(0, 100))
def test_the_objective_has_room_above_and_below(objective: float, low: float):
    """Whoever keeps it and whoever misses it must be seen on the right side of its line."""
    assert 50 <= nines(objective, low).at(objective) <= 290
