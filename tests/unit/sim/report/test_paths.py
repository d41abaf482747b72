"""Paths: what a browser draws, in few letters."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.report.paths import Step, area, bars, line, place


def steps(*levels: float, start: float = 0.0, width: float = 10.0) -> list[Step]:
    return [
        Step(left=start + width * number, right=start + width * (number + 1), level=level)
        for number, level in enumerate(levels)
    ]


@pytest.mark.parametrize(("value", "text"), [(3.0, "3"), (3.14, "3.1"), (-0.5, "-0.5"), (10.0, "10"), (99.96, "100")])
def test_a_place_is_rounded_to_tenths(value: float, text: str):
    assert place(value) == text


def test_a_line_goes_from_level_to_level():
    assert line(steps(5, 7, 7, 2)) == "M0 5H10V7H30V2H40"


def test_a_level_that_stays_takes_one_stroke():
    assert line(steps(*[5] * 1000)) == "M0 5H10000"


def test_a_gap_breaks_it():
    assert line([*steps(5), *steps(5, start=20.0)]) == "M0 5H10M20 5H30"


def test_an_area_goes_back_along_its_base():
    assert area(steps(5, 7), base=9.0) == "M0 5H10V7H20V9H0Z"


def test_bars_stand_each_for_itself():
    assert bars(steps(5, 7), base=9.0) == "M0 9H10V5H0ZM10 9H20V7H10Z"


def test_of_nothing_nothing_is_drawn():
    assert (line([]), area([], base=1.0), bars([], base=1.0)) == ("", "", "")


@given(st.lists(st.integers(0, 300), min_size=1, max_size=60))
def test_a_line_passes_every_level_in_order(levels: list[int]):
    """Walk the path as a browser does, and look where it is in the middle of each step."""
    walked: list[tuple[float, float, float]] = []
    x = y = 0.0
    for letter, numbers in re.findall(r"([MHV])([^MHV]*)", line(steps(*levels))):
        values = [float(number) for number in numbers.split()]
        match letter:
            case "M":
                x, y = values
            case "V":
                y = values[0]
            case _:
                walked.append((x, values[0], y))
                x = values[0]
    found = [
        next(level for left, right, level in walked if left <= 10 * number + 5 <= right)
        for number in range(len(levels))
    ]
    assert found == levels
