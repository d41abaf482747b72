"""Axes: values in order within the drawing, and few round ones with names."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.report.axis import Axis, moments, round_values


def test_a_value_is_where_it_belongs():
    axis = Axis(low=0.0, high=10.0, start=100.0, end=0.0)
    assert [axis.at(value) for value in (0, 2.5, 10)] == [100, 75, 0]


def test_one_beyond_the_axis_is_at_its_end():
    axis = Axis(low=0.0, high=10.0, start=100.0, end=0.0)
    assert (axis.at(-5), axis.at(50)) == (100, 0)


def test_an_axis_of_one_value_has_it_at_the_start():
    assert Axis(low=3.0, high=3.0, start=7.0, end=9.0).at(3.0) == 7


@pytest.mark.parametrize(
    ("low", "high", "most", "values"),
    [
        (0, 10, 6, (0, 2, 4, 6, 8, 10)),
        (0, 23, 5, (0, 5, 10, 15, 20)),
        (0, 67.2, 3, (0, 50)),
        (3.1, 4.2, 8, (3.2, 3.4, 3.6, 3.8, 4.0, 4.2)),
        (5, 5, 4, (5,)),
    ],
)
def test_named_values_are_round(low: float, high: float, most: int, values: tuple[float, ...]):
    assert round_values(low, high, most=most) == pytest.approx(values)


def test_replicas_have_no_halves():
    assert round_values(0, 2, most=5) == (0, 0.5, 1, 1.5, 2)
    assert round_values(0, 2, most=5, least_step=1) == (0, 1, 2)


@given(st.floats(0, 1e6), st.floats(1e-3, 1e6), st.integers(3, 12))
def test_they_are_within_limits_evenly_apart_and_few(low: float, span: float, most: int):
    values = round_values(low, low + span, most=most)
    assert 1 <= len(values) <= most
    assert values[0] >= low - 1e-6 * span
    assert values[-1] <= low + span + 1e-6 * span
    gaps = [right - left for left, right in pairwise(values)]
    rounding = 4 * math.ulp(values[-1])
    assert all(gap == pytest.approx(gaps[0], rel=1e-6, abs=rounding) for gap in gaps)


@pytest.mark.parametrize(
    ("hours", "unit", "labels"),
    [
        (0.05, "minutes", "0 0.5 1 1.5 2 2.5 3"),
        (1, "minutes", "0 10 20 30 40 50 60"),
        (8, "hours", "0 1 2 3 4 5 6 7 8"),
        (24, "hours", "0 3 6 9 12 15 18 21 24"),
        (7 * 24, "hours", "0 24 48 72 96 120 144 168"),
        (366 * 24, "hours", "0 1440 2880 4320 5760 7200 8640"),
    ],
)
def test_time_is_named_in_a_unit_that_fits(hours: float, unit: str, labels: str):
    found = moments(hours * 3600)
    assert found.unit == unit
    assert " ".join(label for _, label in found.named) == labels


@given(st.floats(0, 366 * 24 * 3600))
def test_moments_are_few_and_within_the_time(seconds: float):
    found = moments(seconds).named
    assert 1 <= len(found) <= 9
    assert found[0] == (0, "0")
    assert all(at <= seconds for at, _ in found)
