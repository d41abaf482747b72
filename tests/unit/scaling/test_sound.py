"""Counts that cannot be so say nothing; histograms that cannot be so are left out."""

import math
from dataclasses import replace
from typing import Any

import pytest

from gemma4_operator.scaling.sample import Counts, Histogram
from gemma4_operator.scaling.sound import MOST, sound, tells_tokens
from tests.scaling import histogram

GOOD = Counts(
    running=3,
    waiting=0,
    finished=40,
    prompt_tokens=60_000,
    cached_tokens=0,
    generation_tokens=9_000,
    cache_usage=0.25,
    first_token=histogram(1, 2, 40),
    output_token=histogram(8_000, 9_000, sum_seconds=180.0),
    request_token=histogram(30, 40, sum_seconds=0.8),
)
TOTALS = ("running", "waiting", "finished", "prompt_tokens", "cached_tokens", "generation_tokens")
HISTOGRAMS = ("first_token", "output_token", "request_token")


def with_field(field: str, value: Any) -> Counts:
    return replace(GOOD, **{field: value})


def test_what_can_be_so_stays_as_it_is() -> None:
    assert sound(GOOD) == GOOD


def test_what_is_not_said_stays_unsaid() -> None:
    silent = Counts(running=0, waiting=0)
    assert sound(silent) == silent


@pytest.mark.parametrize("field", TOTALS)
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, -1.0, -1e-9, 1e300, MOST * 1.01])
def test_one_wrong_number_and_the_sample_says_nothing(field: str, wrong: float) -> None:
    assert sound(with_field(field, wrong)) is None


@pytest.mark.parametrize("field", TOTALS)
def test_zero_and_the_most_a_float_counts_can_be(field: str) -> None:
    for right in (0.0, MOST):
        assert sound(with_field(field, right)) == with_field(field, right)


@pytest.mark.parametrize("field", HISTOGRAMS)
@pytest.mark.parametrize(
    "wrong",
    [
        Histogram(sum_seconds=1.0, buckets=()),
        Histogram(sum_seconds=math.nan, buckets=((math.inf, 1),)),
        Histogram(sum_seconds=math.inf, buckets=((math.inf, 1),)),
        Histogram(sum_seconds=-1.0, buckets=((math.inf, 1),)),
        Histogram(sum_seconds=1.0, buckets=((1.0, 1), (2.0, 2))),
        Histogram(sum_seconds=1.0, buckets=((-math.inf, 1),)),
        Histogram(sum_seconds=1.0, buckets=((2.0, 1), (1.0, 1), (math.inf, 1))),
        Histogram(sum_seconds=1.0, buckets=((1.0, 1), (1.0, 1), (math.inf, 1))),
        Histogram(sum_seconds=1.0, buckets=((math.nan, 1), (math.inf, 1))),
        Histogram(sum_seconds=1.0, buckets=((1.0, 5), (math.inf, 4))),
        Histogram(sum_seconds=1.0, buckets=((1.0, math.nan), (math.inf, 4))),
        Histogram(sum_seconds=1.0, buckets=((1.0, -1), (math.inf, 4))),
        Histogram(sum_seconds=1.0, buckets=((1.0, 1), (math.inf, math.inf))),
    ],
    ids=[
        "empty",
        "sum NaN",
        "sum infinite",
        "sum negative",
        "no last bound",
        "last bound below all",
        "bounds fall",
        "bounds stay",
        "bound NaN",
        "counts fall",
        "count NaN",
        "count negative",
        "count infinite",
    ],
)
def test_a_wrong_histogram_is_left_out_and_the_rest_stays(field: str, wrong: Histogram) -> None:
    assert sound(with_field(field, wrong)) == with_field(field, None)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -0.1])
def test_so_is_a_wrong_share_of_the_cache(wrong: float) -> None:
    assert sound(replace(GOOD, cache_usage=wrong)) == replace(GOOD, cache_usage=None)


@pytest.mark.parametrize(
    ("prompt", "generation", "tells"), [(0.0, 0.0, True), (5.0, None, False), (None, 5.0, False), (None, None, False)]
)
def test_nothing_is_told_of_tokens_unless_both_totals_are(
    prompt: float | None, generation: float | None, *, tells: bool
) -> None:
    assert tells_tokens(replace(GOOD, prompt_tokens=prompt, generation_tokens=generation)) is tells
