"""Totals and histograms as a scrape finds them."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.meter import FIRST_TOKEN_BOUNDS, OUTPUT_TOKEN_BOUNDS, Meter, Times


def test_a_length_of_time_is_in_the_bucket_whose_bound_it_does_not_exceed():
    times = Times((0.1, 0.5, inf))
    for seconds in (0.05, 0.1, 0.3, 7.0):
        times.add(seconds)
    histogram = times.histogram()
    assert histogram.buckets == ((0.1, 2.0), (0.5, 3.0), (inf, 4.0))
    assert histogram.sum_seconds == 7.45
    assert histogram.count == 4


@given(
    first=st.integers(0, 100),
    by=st.integers(0, 10),
    steps=st.integers(1, 40),
    times=st.integers(1, 5),
)
def test_a_rising_row_counts_as_each_of_its_lengths(first: int, by: int, steps: int, times: int):
    one_by_one, at_once = Times(OUTPUT_TOKEN_BOUNDS), Times(OUTPUT_TOKEN_BOUNDS)
    for step in range(steps):
        one_by_one.add((first + by * step) / 256, times)
    at_once.add_rising(first / 256, by_seconds=by / 256, steps=steps, times=times)
    assert at_once.histogram() == one_by_one.histogram()


def test_the_bounds_end_with_all():
    assert FIRST_TOKEN_BOUNDS[-1] == OUTPUT_TOKEN_BOUNDS[-1] == inf
    assert (FIRST_TOKEN_BOUNDS[0], FIRST_TOKEN_BOUNDS[11:13], len(FIRST_TOKEN_BOUNDS)) == (0.001, (1.0, 2.5), 23)
    assert (OUTPUT_TOKEN_BOUNDS[0], OUTPUT_TOKEN_BOUNDS[2:4], len(OUTPUT_TOKEN_BOUNDS)) == (0.01, (0.05, 0.075), 20)


def test_what_is_scraped_does_not_change_afterwards():
    meter = Meter()
    before = meter.counts(running=1, waiting=2, cache_usage=0.5)
    meter.first_token.add(1.0)
    meter.finished += 1
    assert (before.running, before.waiting, before.cache_usage, before.finished) == (1.0, 2.0, 0.5, 0.0)
    assert before.first_token is not None
    assert before.first_token.count == 0
