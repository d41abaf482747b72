"""What came of late, in spans of equal length that end now."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.flow import Flow
from gemma4_operator.scaling.series import (
    LONGEST_GAP_SECONDS,
    SPAN_SECONDS,
    SPANS,
    Series,
    Tick,
    advanced,
    dispersion,
    mean,
    spans,
)


def series_of(*rates: float, every: float = 10.0) -> Series:
    """Return a series in which that many requests a second came up to each tick, of half a second of work each."""
    series = advanced((), Flow(), now_seconds=0.0)
    for index, rate in enumerate(rates):
        series = advanced(series, Flow(arrivals=rate, work_seconds=rate / 2), now_seconds=every * (index + 1))
    return series


def test_the_first_tick_is_where_counting_begins() -> None:
    assert advanced((), Flow(arrivals=9), now_seconds=5.0) == (Tick(5.0, Flow()),)


def test_each_tick_adds_what_flowed_since_the_last() -> None:
    assert [tick.total.arrivals for tick in series_of(1, 3)] == [0, 10, 40]


@pytest.mark.parametrize("now", [20.0, 15.0])
def test_the_same_moment_and_an_earlier_one_add_nothing(now: float) -> None:
    series = series_of(1, 3)
    assert advanced(series, Flow(arrivals=99), now_seconds=now) == series


def test_a_gap_that_nothing_is_known_of_begins_anew() -> None:
    series = series_of(1, 3)
    whole = advanced(series, Flow(arrivals=2), now_seconds=20 + LONGEST_GAP_SECONDS)
    assert mean(whole, LONGEST_GAP_SECONDS).arrivals == pytest.approx(2.0)
    late = 21 + LONGEST_GAP_SECONDS
    assert advanced(series, Flow(arrivals=2), now_seconds=late) == (Tick(late, Flow()),)


def test_what_is_too_old_is_left_out_and_changes_nothing_that_is_read() -> None:
    rates = [float(index % 7) for index in range(500)]
    long = series_of(*rates)
    assert SPANS * SPAN_SECONDS <= long[-1].at_seconds - long[0].at_seconds <= SPANS * SPAN_SECONDS + 20
    assert len(spans(long).arrivals) == SPANS


def test_spans_are_whole_and_end_now() -> None:
    # 70 s are three whole spans of 20 s, and what is older than these is not a whole one.
    assert SPAN_SECONDS == 20.0
    assert spans(series_of(9, 1, 1, 2, 4, 5, 5)).arrivals == pytest.approx((1.0, 3.0, 5.0))
    assert spans(series_of(9, 1, 1, 2, 4, 5, 5)).work_seconds == pytest.approx((0.5, 1.5, 2.5))


def test_between_two_ticks_what_came_is_spread_evenly() -> None:
    # The span begins in the middle of the first tick of 30 s.
    assert spans(series_of(2, 4, every=30.0)).arrivals == pytest.approx((2.0, 10 / 20 * 2 + 10 / 20 * 4, 4.0))


@pytest.mark.parametrize("series", [(), series_of(), series_of(1)], ids=["none", "one tick", "less than a span"])
def test_too_little_is_no_span(series: Series) -> None:
    assert spans(series).arrivals == ()


def test_a_mean_is_over_the_last_time_or_over_all_there_is() -> None:
    series = series_of(1, 1, 4, 6)
    assert mean(series, 20.0).arrivals == pytest.approx(5.0)
    assert mean(series, 999.0).arrivals == pytest.approx(3.0)
    assert mean(series, 20.0).work_seconds == pytest.approx(2.5)
    assert mean(series_of(), 20.0) == Flow()


def test_rain_has_the_dispersion_1_and_what_comes_at_once_has_more() -> None:
    bounds = {"least": 0.0, "most": 99.0}
    assert dispersion(series_of(2, 2, 2, 2), 60.0, **bounds) == pytest.approx(0.0)
    # 0, 40, 0, 40 in four ticks: a mean of 20, a variance of 4 * 400 / 3.
    assert dispersion(series_of(0, 4, 0, 4), 60.0, **bounds) == pytest.approx(1600 / 3 / 20)


def test_dispersion_stays_within_what_is_believed() -> None:
    burst = series_of(0, 0, 0, 400)
    assert dispersion(burst, 60.0, least=1.0, most=8.0) == 8.0
    assert dispersion(series_of(2, 2, 2, 2), 60.0, least=1.0, most=8.0) == 1.0


@pytest.mark.parametrize(
    "series", [(), series_of(5), series_of(5, 9), series_of(0, 0, 0, 0), series_of(0, 5e-324, 0, 0, 0, 0)]
)
def test_of_too_little_nothing_is_known(series: Series) -> None:
    assert dispersion(series, 60.0, least=1.5, most=8.0) == 1.5


def test_dispersion_looks_no_further_back_than_it_is_told() -> None:
    assert dispersion(series_of(0, 90, 2, 2, 2, 2), 40.0, least=0.0, most=99.0) == pytest.approx(0.0)


@given(rates=st.lists(st.integers(0, 50), min_size=2, max_size=120), every=st.sampled_from([5.0, 7.0, 10.0, 15.0]))
def test_no_request_is_lost_or_counted_twice(rates: list[int], every: float) -> None:
    series = series_of(*(float(rate) for rate in rates), every=every)
    found = spans(series).arrivals
    if not found:
        assert len(rates) * every < SPAN_SECONDS
        return
    seconds = len(found) * SPAN_SECONDS
    end, start = len(rates) * every, len(rates) * every - seconds
    came = sum(
        rate * max(0.0, min(end, (index + 1) * every) - max(start, index * every)) for index, rate in enumerate(rates)
    )
    assert sum(found) * SPAN_SECONDS == pytest.approx(came)
    assert mean(series, seconds).arrivals * seconds == pytest.approx(came, abs=50 * every)
