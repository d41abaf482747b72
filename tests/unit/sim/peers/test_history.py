"""Growth of totals and quantiles of histograms over a while, as a Prometheus server would compute them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.sample import Counts, Histogram
from gemma4_operator.sim.peers.history import History, quantile
from gemma4_operator.sim.peers.lengths import Lengths, lengths
from tests.unit.sim.peers.views import SETTING, counts, seen, view


class TestQuantiles:
    @pytest.mark.parametrize(
        ("share", "buckets", "expected"),
        [
            # 100 values: 50 up to 0.1 s, 40 more up to 0.5 s, 10 more up to 1 s.
            (0.5, ((0.1, 50), (0.5, 90), (1.0, 100), (math.inf, 100)), 0.1),
            (0.9, ((0.1, 50), (0.5, 90), (1.0, 100), (math.inf, 100)), 0.5),
            (0.95, ((0.1, 50), (0.5, 90), (1.0, 100), (math.inf, 100)), 0.75),  # half of the way from 0.5 to 1
            (0.25, ((0.1, 50), (0.5, 90), (1.0, 100), (math.inf, 100)), 0.05),  # the first bucket begins at 0
            (0.9, ((0.1, 50), (0.5, 80), (math.inf, 100)), 0.5),  # beyond the last bound: that bound
            (0.9, ((0.1, 0), (0.2, 0), (0.3, 10), (math.inf, 10)), 0.29),  # empty buckets before it
        ],
    )
    def test_worked_examples(self, share: float, buckets: tuple[tuple[float, float], ...], expected: float) -> None:
        assert quantile(share, buckets) == pytest.approx(expected)

    @pytest.mark.parametrize("buckets", [(), ((0.1, 0.0), (math.inf, 0.0)), ((math.inf, 5.0),)])
    def test_of_nothing_there_is_none(self, buckets: tuple[tuple[float, float], ...]) -> None:
        assert math.isnan(quantile(0.9, buckets))

    @given(st.lists(st.integers(0, 50), min_size=2, max_size=8), st.floats(0, 1), st.floats(0, 1))
    def test_a_larger_share_never_has_a_smaller_quantile(self, counted: list[int], one: float, other: float) -> None:
        rising = [float(sum(counted[: index + 1])) for index in range(len(counted))]
        bounds = [0.1 * 2**index for index in range(len(counted) - 1)] + [math.inf]
        buckets = tuple(zip(bounds, rising, strict=True))
        low, high = quantile(min(one, other), buckets), quantile(max(one, other), buckets)
        assert low <= high or (math.isnan(low) and math.isnan(high))


def _histogram(*rising: float) -> Histogram:
    return Histogram(sum_seconds=0.0, buckets=tuple(zip((0.1, 1.0, math.inf), rising, strict=True)))


def _finished(sample: Counts) -> float | None:
    return sample.finished


class TestGrowth:
    def test_totals_of_all_replicas_grow_together(self) -> None:
        history = History(60.0)
        for at, a, b in ((0.0, 5.0, 100.0), (15.0, 8.0, 110.0)):
            history.add(
                view([seen("a", at=at, counts=counts(finished=a)), seen("b", at=at, counts=counts(finished=b))], now=at)
            )
        assert history.growth(_finished) == 3 + 10

    def test_only_what_is_less_than_the_window_old_counts(self) -> None:
        history = History(60.0)
        for at, total in ((0.0, 0.0), (30.0, 10.0), (60.0, 15.0)):
            history.add(view([seen("a", at=at, counts=counts(finished=total))], now=at))
        assert history.growth(_finished) == 5

    def test_a_replica_that_is_gone_counts_until_its_samples_are_old(self) -> None:
        history = History(60.0)
        for at, total in ((0.0, 0.0), (15.0, 9.0)):
            history.add(view([seen("a", at=at, counts=counts(finished=total))], now=at))
        history.add(view([], now=30.0))
        assert history.growth(_finished) == 9
        history.add(view([], now=75.0))
        assert history.growth(_finished) == 0

    def test_one_sample_seen_twice_is_one(self) -> None:
        history = History(10.0)
        history.add(view([seen("a", at=0.0, counts=counts(finished=3.0))], now=0.0))
        history.add(view([seen("a", at=0.0, counts=counts(finished=3.0))], now=5.0))
        history.add(view([seen("a", at=9.0, counts=counts(finished=4.0))], now=9.0))
        assert history.growth(_finished) == 1
        history.add(view([seen("a", at=9.0, counts=counts(finished=4.0))], now=18.0))
        assert history.growth(_finished) == 0

    def test_what_an_engine_does_not_tell_has_not_grown(self) -> None:
        history = History(60.0)
        for at in (0.0, 15.0):
            history.add(view([seen("a", at=at, counts=counts()), seen("b")], now=at))
        assert history.growth(_finished) == 0
        assert history.buckets(lambda sample: sample.first_token) == []

    def test_histograms_are_differences_too(self) -> None:
        history = History(60.0)
        for at, a, b in ((0.0, (100, 100, 100), (0, 0, 7)), (15.0, (104, 106, 106), (1, 2, 9))):
            history.add(
                view(
                    [
                        seen("a", at=at, counts=counts(first_token=_histogram(*a))),
                        seen("b", at=at, counts=counts(first_token=_histogram(*b))),
                    ],
                    now=at,
                )
            )
        assert history.buckets(lambda sample: sample.first_token) == [(0.1, 5), (1.0, 8), (math.inf, 8)]


class TestLengths:
    def test_are_tokens_for_each_answered_request(self) -> None:
        history = History(60.0)
        totals = ((0.0, 10.0, 5000.0, 100.0), (15.0, 14.0, 9000.0, 500.0))
        for at, finished, prompts, answers in totals:
            told = counts(finished=finished, prompt_tokens=prompts, generation_tokens=answers)
            history.add(view([seen("a", at=at, counts=told)], now=at))
        assert lengths(history, SETTING) == Lengths(input_tokens=1000.0, output_tokens=100.0)

    def test_are_those_expected_until_something_is_answered(self) -> None:
        assert lengths(History(60.0), SETTING) == Lengths(input_tokens=1000.0, output_tokens=200.0)
