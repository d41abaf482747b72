"""Figures in words: none reads as better than it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.report import words


@pytest.mark.parametrize(
    ("value", "text"),
    [(100.0, "100.00 %"), (99.9999, "99.99 %"), (98.996, "98.99 %"), (28.999999999999996, "29.00 %"), (0.0, "0.00 %")],
)
def test_a_share_is_rounded_down(value: float, text: str):
    assert words.percent(value) == text


@pytest.mark.parametrize(("value", "text"), [(99.0, "99 %"), (99.5, "99.5 %"), (99.999, "99.99 %"), (100.0, "100 %")])
def test_a_brief_one_has_no_zeros_at_its_end(value: float, text: str):
    assert words.brief_percent(value) == text


@pytest.mark.parametrize(("gap", "text"), [(0.001, "0.01 points"), (0.5, "0.50 points"), (12.341, "12.35 points")])
def test_what_is_missing_is_rounded_up(gap: float, text: str):
    assert words.points(gap) == text


@given(st.floats(0, 98.99999))
def test_what_misses_never_reads_as_kept(value: float):
    assert float(words.percent(value).removesuffix(" %")) < 99
    assert float(words.points(99 - value).removesuffix(" points")) > 0


def test_a_ratio_to_nothing_is_a_dash():
    assert (words.ratio(3.0, 2.0), words.ratio(3.0, 0.0)) == ("1.50", "-")


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (0.25, "0.25"), (7.126, "7.13"), (40.0, "40"), (99.96, "100"), (12345.6, "12,346")]
)
def test_a_figure_has_the_digits_that_matter(value: float, text: str):
    assert words.number(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (540, "0:09"), (3600, "1:00"), (90060, "25:01")])
def test_a_time_is_hours_and_minutes(seconds: float, text: str):
    assert words.clock(seconds) == text
