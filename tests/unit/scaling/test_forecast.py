"""Of several guesses the one that has been right is used, raised by what it has lacked, within what was seen."""

import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.forecast import (
    SCORED_SECONDS,
    UNJUDGED_RAISE,
    Forecast,
    Guess,
    Pick,
    expected,
    guesses,
    judged,
)
from gemma4_operator.scaling.series import SPAN_SECONDS, SPANS

HORIZON = 120.0
MINUTE, LONG, MIDDLE, FLAT_TREND, STEEP_TREND = range(5)


def followed(
    rate: Callable[[float], float], spans: int, *, share: float = 0.8, forecast: Forecast | None = None, begin: int = 0
) -> tuple[Forecast, list[float]]:
    """Return what is thought after so many spans of a rate, and the rates that are remembered."""
    forecast, rates = forecast or Forecast(), [rate(span * SPAN_SECONDS) for span in range(begin)][-SPANS:]
    for span in range(begin, begin + spans):
        rates = [*rates, rate(span * SPAN_SECONDS)][-SPANS:]
        now = (span + 1) * SPAN_SECONDS
        forecast = judged(forecast, rates, now_seconds=now, horizon_seconds=HORIZON, share=share)
    return forecast, rates


class TestGuesses:
    def test_of_what_stays_are_all_what_it_is(self) -> None:
        assert guesses([3.0] * 20, HORIZON) == pytest.approx((3.0,) * 5)

    def test_of_a_rise_are_a_lagging_mean_and_two_trends(self) -> None:
        rates = [float(index) for index in range(1, 16)]
        minute, long, middle, flat, steep = guesses(rates, HORIZON)
        assert (minute, long, middle) == pytest.approx((14.0, 11.0, 14.5))
        # One more in each span of 20 s.
        assert minute < flat < steep < 15 + (HORIZON + 60) / SPAN_SECONDS

    def test_trends_lead_further_for_a_later_moment(self) -> None:
        rates = [float(index) for index in range(1, 16)]
        assert guesses(rates, 240)[STEEP_TREND] > guesses(rates, 15)[STEEP_TREND]

    def test_a_falling_trend_never_leads_to_nothing(self) -> None:
        rates = [float(15 - index) for index in range(15)]
        for trend in guesses(rates, 3600)[FLAT_TREND:]:
            assert 0 < trend < guesses(rates, 3600)[MINUTE]

    @given(rates=st.lists(st.floats(0, 1e6), min_size=1, max_size=SPANS), horizon=st.floats(0, 3600))
    def test_are_never_negative(self, rates: list[float], horizon: float) -> None:
        assert all(guess >= 0 for guess in guesses(rates, horizon))


class TestTheGuessInUse:
    def test_is_the_last_minute_raised_as_long_as_none_was_compared(self) -> None:
        forecast, rates = followed(lambda at: 2.0, 5)
        assert forecast.pick == Pick()
        assert expected(forecast, rates) == pytest.approx(UNJUDGED_RAISE * 2.0)

    def test_of_what_stays_needs_no_raise(self) -> None:
        forecast, rates = followed(lambda at: 2.0, 60)
        assert forecast.pick.is_judged
        assert forecast.pick.times == pytest.approx(1.0)
        assert expected(forecast, rates) == pytest.approx(2.0)

    def test_after_a_restart_is_raised_as_before_until_it_can_be_judged_anew(self) -> None:
        """Each upgrade of the operator raised everything by three tenths for minutes."""
        forecast = Forecast(pick=Pick(times=1.05, is_judged=True), peak=2.0)
        assert followed(lambda at: 2.0, 5, forecast=forecast)[0].pick == forecast.pick
        assert followed(lambda at: 2.0, 60, forecast=forecast)[0].pick.times == pytest.approx(1.0)

    def test_is_a_trend_where_traffic_has_risen_for_long(self) -> None:
        forecast, rates = followed(lambda at: 1.0 + at / 100, 60)
        assert forecast.pick.index in (FLAT_TREND, STEEP_TREND)
        then = 1.0 + (60 * SPAN_SECONDS + HORIZON) / 100
        assert expected(forecast, rates) == pytest.approx(then, rel=0.1)

    def test_is_a_long_mean_where_traffic_only_flickers(self) -> None:
        chance = random.Random(7)
        flicker = [2.0 + chance.random() for _ in range(180)]
        forecast, rates = followed(lambda at: flicker[int(at / SPAN_SECONDS)], 180)
        assert forecast.pick.index == LONG
        assert expected(forecast, rates) == pytest.approx(2.8, abs=0.15), "four of five spans have at most so much"

    def test_is_raised_the_more_the_surer_it_is_to_be(self) -> None:
        def flickers(at: float) -> float:
            return 2.0 + (int(at / 20) * 7919 % 5) / 2

        sure, careless = (followed(flickers, 120, share=share)[0].pick.times for share in (0.95, 0.5))
        assert sure > careless

    def test_changes_when_traffic_does(self) -> None:
        def rises_then_stays(at: float) -> float:
            return 1.0 + min(at, 1200.0) / 100

        rising, _ = followed(rises_then_stays, 60)
        staying, rates = followed(rises_then_stays, 240, forecast=rising, begin=60)
        assert rising.pick.index in (FLAT_TREND, STEEP_TREND)
        assert expected(staying, rates) == pytest.approx(13.0, rel=0.01)


class TestComparing:
    def test_happens_once_in_a_span_and_what_is_said_is_always_new(self) -> None:
        forecast, rates = followed(lambda at: 2.0, 20)
        now = 20 * SPAN_SECONDS
        soon = judged(forecast, [*rates, 8.0], now_seconds=now + 5, horizon_seconds=HORIZON, share=0.8)
        assert soon.guesses == forecast.guesses
        assert soon.latest[MINUTE] == pytest.approx(4.0)
        later = judged(forecast, [*rates, 8.0], now_seconds=now + SPAN_SECONDS, horizon_seconds=HORIZON, share=0.8)
        assert len(later.guesses[MINUTE]) == len(forecast.guesses[MINUTE]) + 1

    def test_twice_at_the_same_moment_is_once(self) -> None:
        forecast, rates = followed(lambda at: 2.0 + at / 300, 40)
        again = judged(forecast, rates, now_seconds=40 * SPAN_SECONDS, horizon_seconds=HORIZON, share=0.8)
        assert again == forecast

    def test_of_nothing_changes_nothing(self) -> None:
        forecast, _ = followed(lambda at: 2.0, 20)
        assert judged(forecast, [], now_seconds=9e9, horizon_seconds=HORIZON, share=0.8) == forecast

    def test_waits_for_the_moment_that_was_meant(self) -> None:
        forecast, _ = followed(lambda at: 2.0, 20)
        now = 20 * SPAN_SECONDS
        for guess in forecast.guesses[MINUTE]:
            assert (guess.ratio is None) == (guess.due_seconds > now)
        assert forecast.guesses[MINUTE][0] == Guess(SPAN_SECONDS + HORIZON, 2.0, 1.0)

    def test_forgets_what_is_an_hour_old(self) -> None:
        forecast, _ = followed(lambda at: 2.0, 400)
        oldest = min(guess.due_seconds for guess in forecast.guesses[MINUTE])
        assert 400 * SPAN_SECONDS - oldest <= SCORED_SECONDS + SPAN_SECONDS

    @pytest.mark.parametrize(("before", "after"), [(0.001, 900.0), (0.0, 900.0), (900.0, 0.001), (900.0, 0.0)])
    def test_says_no_more_than_so_many_times(self, before: float, after: float) -> None:
        forecast, _ = followed(lambda at: before if at < 600 else after, 60)
        ratios = [guess.ratio for old in forecast.guesses for guess in old if guess.ratio is not None]
        assert 0.1 < min(ratios) <= max(ratios) < 10

    def test_of_silence_with_silence_is_right(self) -> None:
        forecast, rates = followed(lambda at: 0.0, 40)
        assert forecast.pick.times == 1.0
        assert expected(forecast, rates) == 0.0


class TestBounds:
    def test_traffic_that_has_stopped_may_come_back(self) -> None:
        forecast, rates = followed(lambda at: 10.0 if at < 1200 else 0.0, 120)
        assert rates == [0.0] * SPANS
        assert 0 < expected(forecast, rates) < 5.0

    def test_and_after_an_hour_it_is_not_waited_for(self) -> None:
        forecast, rates = followed(lambda at: 10.0 if at < 1200 else 0.0, 60 + 200)
        assert forecast.peak == 0.0
        assert expected(forecast, rates) == 0.0

    def test_no_less_than_what_came_in_two_minutes(self) -> None:
        forecast, rates = followed(lambda at: max(1.0, 60.0 - at / 40), 100)
        assert expected(forecast, rates) >= sum(rates[-6:]) / 6 - 1e-9

    @given(
        heights=st.lists(st.floats(0, 1000), min_size=1, max_size=12),
        length=st.integers(1, 9),
        share=st.floats(0.1, 0.99),
    )
    def test_and_no_more_than_what_was_seen_of_late_allows(
        self, heights: list[float], length: int, share: float
    ) -> None:
        def rate(at: float) -> float:
            return heights[int(at / SPAN_SECONDS / length) % len(heights)]

        forecast, rates = followed(rate, 90, share=share)
        most = max(heights)
        assert sum(rates[-6:]) / 6 - 1e-6 <= expected(forecast, rates) <= 1.5 * most + 1e-6


@given(rates=st.lists(st.floats(0, 100), min_size=1, max_size=SPANS), times=st.floats(0.5, 100))
def test_every_guess_grows_with_traffic(rates: Sequence[float], times: float) -> None:
    more = guesses([times * rate for rate in rates], HORIZON)
    assert more == pytest.approx([times * guess for guess in guesses(rates, HORIZON)], rel=1e-6, abs=1e-6)
