"""Requests that are made from what was recorded."""

from collections import Counter
from itertools import pairwise
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.arrivals import JITTER_SECONDS, from_rates, scaled
from gemma4_operator.sim.lengths import LogNormal, Mix, Points
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.traces import Log, Rates
from tests.unit.sim.settings import request

MIX = Mix(input=LogNormal(median=654, mean=973), output=LogNormal(median=67, mean=160))
STEADY = Rates(points=((0.0, 10.0), (3600.0, 10.0)))


def made(rates: Rates = STEADY, *, scale: float = 1, variation: float = 1, seed: int = 1) -> tuple[Request, ...]:
    return from_rates(rates, MIX, scale=scale, variation=variation, seed=seed)


def gaps(requests: tuple[Request, ...]) -> list[float]:
    return [later.arrival_seconds - sooner.arrival_seconds for sooner, later in pairwise(requests)]


class TestFromRates:
    @pytest.mark.parametrize("scale", [0.1, 1, 2.5])
    def test_as_many_come_as_the_rates_and_the_scale_say(self, scale: float):
        assert len(made(scale=scale)) == pytest.approx(36_000 * scale, rel=0.03)

    @pytest.mark.parametrize("variation", [0.5, 1, 2, 3])
    def test_gaps_vary_as_much_as_they_are_said_to(self, variation: float):
        found = gaps(made(variation=variation))
        assert fmean(found) == pytest.approx(0.1, rel=0.06)
        assert pstdev(found) / fmean(found) == pytest.approx(variation, rel=0.06)

    def test_more_variation_makes_minutes_differ_more(self):
        def index(requests: tuple[Request, ...]) -> float:
            counts = Counter(int(one.arrival_seconds // 10) for one in requests)
            each = [counts[ten] for ten in range(360)]
            return pstdev(each) ** 2 / fmean(each)

        assert index(made(variation=1)) == pytest.approx(1, rel=0.25)
        assert index(made(variation=3)) == pytest.approx(9, rel=0.35)

    def test_the_rate_is_straight_between_points(self):
        """From 0 to 20 a second within an hour: a quarter comes in the first half."""
        requests = made(Rates(points=((0.0, 0.0), (3600.0, 20.0))))
        first_half = sum(one.arrival_seconds < 1800 for one in requests)
        assert first_half / len(requests) == pytest.approx(0.25, abs=0.01)

    def test_nothing_comes_where_the_rate_is_nothing(self):
        requests = made(Rates(points=((0.0, 10.0), (100.0, 0.0), (200.0, 0.0), (300.0, 10.0))))
        assert requests
        assert not any(101 < one.arrival_seconds < 199 for one in requests)
        assert made(Rates(points=((0.0, 0.0), (100.0, 0.0)))) == ()

    @given(
        rates=st.lists(st.floats(0, 5), min_size=2, max_size=8),
        variation=st.sampled_from([0.5, 1.0, 3.0]),
        seed=st.integers(0, 5),
    )
    def test_they_are_in_order_and_within_the_trace(self, rates: list[float], variation: float, seed: int):
        points = tuple((60.0 * place, rate) for place, rate in enumerate(rates))
        requests = made(Rates(points=points), variation=variation, seed=seed)
        moments = [one.arrival_seconds for one in requests]
        assert moments == sorted(moments)
        assert all(0 <= at <= points[-1][0] for at in moments)
        assert all(one.input_tokens >= 1 and one.output_tokens >= 1 for one in requests)

    def test_the_seed_decides(self):
        assert made(seed=3) == made(seed=3)
        assert made(seed=3) != made(seed=4)

    def test_lengths_come_from_the_mix(self):
        requests = made(scale=3)
        assert fmean(one.input_tokens for one in requests) == pytest.approx(973, rel=0.03)
        assert fmean(one.output_tokens for one in requests) == pytest.approx(160, rel=0.04)
        one_token = Mix(input=Points(quantiles=(0.5,), tokens=(1.0,)), output=LogNormal(median=5, mean=5))
        assert {
            (one.input_tokens, one.output_tokens) for one in from_rates(STEADY, one_token, scale=1, variation=1, seed=1)
        } == {(1, 5)}


LOG = Log(requests=tuple(request(at * 2.0, at + 1, 7) for at in range(1000)))


class TestScaled:
    def test_once_is_as_it_was(self):
        assert scaled(LOG, scale=1, seed=5) is LOG.requests

    @pytest.mark.parametrize("scale", [2, 8])
    def test_each_request_is_copied_so_often(self, scale: int):
        copies = Counter(one.input_tokens for one in scaled(LOG, scale=scale, seed=1))
        assert copies == {at + 1: scale for at in range(1000)}

    def test_a_fraction_is_the_chance_of_one_more(self):
        copies = Counter(one.input_tokens for one in scaled(LOG, scale=2.3, seed=1))
        assert set(copies.values()) == {2, 3}
        assert sum(copies.values()) == pytest.approx(2300, rel=0.03)

    def test_less_than_once_leaves_some_where_they_are(self):
        fewer = scaled(LOG, scale=0.3, seed=1)
        assert set(fewer) < set(LOG.requests)
        assert len(fewer) == pytest.approx(300, rel=0.15)

    def test_copies_stay_near_and_fall_not_together(self):
        for one in scaled(LOG, scale=8, seed=1):
            assert abs(one.arrival_seconds - 2.0 * (one.input_tokens - 1)) <= JITTER_SECONDS
            assert 0 <= one.arrival_seconds <= 1998
        moments = [one.arrival_seconds for one in scaled(LOG, scale=8, seed=1)]
        assert moments == sorted(moments)
        assert len(set(moments)) == len(moments)

    def test_bursts_of_minutes_stay_and_those_of_seconds_are_smoothed(self):
        """100 requests within a second, every ten minutes."""
        bursts = Log(requests=tuple(request(600.0 * hour + number / 100) for hour in range(6) for number in range(100)))
        copies = scaled(bursts, scale=10, seed=1)
        seconds = Counter(int(one.arrival_seconds) for one in copies)
        assert max(seconds.values()) < 0.1 * 1000
        by_ten_minutes = Counter(round(one.arrival_seconds / 600) for one in copies)
        assert set(by_ten_minutes.values()) == {1000}

    def test_the_seed_decides(self):
        assert scaled(LOG, scale=2, seed=3) == scaled(LOG, scale=2, seed=3)
        assert scaled(LOG, scale=2, seed=3) != scaled(LOG, scale=2, seed=4)

    def test_nothing_stays_nothing(self):
        assert scaled(Log(requests=()), scale=4, seed=1) == ()
