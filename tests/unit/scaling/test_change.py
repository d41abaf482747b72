"""A step and a ramp are seen within a minute; chance and a fall are not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.change import FEWEST_SPANS, Change, change
from gemma4_operator.scaling.series import SPAN_SECONDS, SPANS

HORIZON = 120.0


def found(*rates: float, dispersion: float = 1.0) -> Change | None:
    return change(rates, dispersion=dispersion, horizon_seconds=HORIZON)


def rain(rate: float, *, seed: int) -> list[float]:
    """Return the rates of spans in which requests come by chance, so many a second on average."""
    chance = random.Random(seed)
    counted = [0] * SPANS
    at = chance.expovariate(rate)
    while at < SPANS * SPAN_SECONDS:
        counted[int(at / SPAN_SECONDS)] += 1
        at += chance.expovariate(rate)
    return [count / SPAN_SECONDS for count in counted]


class TestAStep:
    def test_leads_to_the_level_that_it_has_reached(self) -> None:
        seen = found(*[1.0] * 12, *[4.0] * 3)
        assert seen == Change(rate=4.0, since_seconds=3 * SPAN_SECONDS, is_ramp=False)

    def test_is_seen_in_one_span_if_it_is_great(self) -> None:
        seen = found(*[2.0] * 12, 10.0)
        assert seen is not None
        assert seen.rate == pytest.approx(10.0)
        assert not seen.is_ramp

    def test_is_waited_for_if_it_is_small(self) -> None:
        assert found(*[2.0] * 12, 2.8) is None
        assert found(*[2.0] * 12, *[2.8] * 10) is not None

    def test_of_the_same_height_means_less_where_more_comes(self) -> None:
        assert found(*[1.0] * 12, *[2.0] * 3) is not None
        assert found(*[20.0] * 12, *[21.0] * 3) is None

    def test_means_less_where_traffic_comes_in_bursts(self) -> None:
        rates = [*[2.0] * 12, *[4.0] * 3]
        assert found(*rates, dispersion=1.0) is not None
        assert found(*rates, dispersion=8.0) is None

    def test_out_of_silence_is_not_infinitely_surprising(self) -> None:
        # One request in a span of 20 s.
        assert found(*[0.0] * 12, 0.05) is None
        assert found(*[0.0] * 12, 2.0) is not None

    def test_that_has_gone_again_leads_to_the_mean_since_and_not_to_its_top(self) -> None:
        seen = found(*[2.0] * 9, 12.0, 12.0, *[2.0] * 9)
        assert seen is not None
        assert seen.rate == pytest.approx((2 * 12 + 9 * 2) / 11)


class TestARamp:
    RISING = tuple(2.0 + 0.4 * index for index in range(9))

    def test_goes_on_to_where_it_is_at_the_horizon(self) -> None:
        seen = found(*[2.0] * 12, *self.RISING[1:])
        assert seen is not None
        assert seen.is_ramp
        assert seen.rate == pytest.approx(self.RISING[-1] + 0.4 * HORIZON / SPAN_SECONDS)
        assert seen.since_seconds == 8 * SPAN_SECONDS

    def test_leads_further_the_later_it_is_asked_for(self) -> None:
        rates = [*[2.0] * 12, *self.RISING[1:]]
        near = change(rates, dispersion=1.0, horizon_seconds=15.0)
        far = change(rates, dispersion=1.0, horizon_seconds=240.0)
        assert near is not None
        assert far is not None
        assert far.rate - near.rate == pytest.approx(0.4 * 225 / SPAN_SECONDS)


class TestNoChange:
    @pytest.mark.parametrize("count", range(FEWEST_SPANS))
    def test_is_seen_in_too_few_spans(self, count: int) -> None:
        assert found(*[*[1.0] * 10, 90.0][-count:]) is None if count else found() is None

    @pytest.mark.parametrize("rate", [0.2, 2.0, 20.0])
    def test_is_seen_in_rain(self, rate: float) -> None:
        believed = sum(found(*rain(rate, seed=seed)) is not None for seed in range(300))
        assert believed <= 6, "one of fifty"

    def test_is_a_fall(self) -> None:
        assert found(*[9.0] * 12, *[2.0] * 6) is None
        assert found(*[9.0 - 0.4 * index for index in range(20)]) is None

    @given(rates=st.lists(st.floats(0, 1000), min_size=1, max_size=SPANS))
    def test_is_seen_in_what_never_rises(self, rates: list[float]) -> None:
        assert found(*sorted(rates, reverse=True)) is None

    @given(rate=st.floats(0, 1e6), count=st.integers(0, SPANS))
    def test_is_seen_in_what_stays(self, rate: float, count: int) -> None:
        assert found(*[rate] * count) is None


@given(
    rates=st.lists(st.floats(0, 1000), min_size=FEWEST_SPANS, max_size=SPANS),
    dispersion=st.floats(1, 8),
)
def test_what_is_believed_is_a_rise_and_would_be_without_bursts_too(rates: list[float], dispersion: float) -> None:
    seen = found(*rates, dispersion=dispersion)
    if seen is not None:
        assert seen.rate > min(rates)
        assert 0 < seen.since_seconds <= (len(rates) - 1) * SPAN_SECONDS
        assert found(*rates, dispersion=1.0) == seen
