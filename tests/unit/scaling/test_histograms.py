"""What an engine's histogram tells of a limit that is no bound of it: how many were longer, for all that is known."""

import math
from collections.abc import Sequence
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.histograms import Tail, tail, timed
from gemma4_operator.scaling.sample import Histogram
from gemma4_operator.sim.meter import FIRST_TOKEN_BOUNDS, OUTPUT_TOKEN_BOUNDS

NOTHING = Histogram(sum_seconds=0.0, buckets=tuple((bound, 0.0) for bound in FIRST_TOKEN_BOUNDS))


def waits(mean_seconds: float, *, count: float = 10_000.0) -> Histogram:
    """What vLLM counts of so many waits whose number falls as an exponential does."""
    shares = (1.0 if math.isinf(bound) else 1 - math.exp(-bound / mean_seconds) for bound in FIRST_TOKEN_BOUNDS)
    return Histogram(
        sum_seconds=count * mean_seconds,
        buckets=tuple((bound, count * share) for bound, share in zip(FIRST_TOKEN_BOUNDS, shares, strict=True)),
    )


def a_tail(*, lower: float, upper: float, count: float = 100.0, share: float = 0.5) -> Tail:
    """Return a tail that fell steeply before its lower bound."""
    return Tail(
        count=count, beyond_before=1e9, beyond_lower=lower, beyond_upper=upper, depth=share * count, reach=2 * count
    )


def alike(seconds: float, *, count: float = 1000.0, bounds: Sequence[float] = FIRST_TOKEN_BOUNDS) -> Histogram:
    """What is counted of times that are all the same."""
    return Histogram(
        sum_seconds=count * seconds, buckets=tuple((bound, count * (bound >= seconds)) for bound in bounds)
    )


def together(*histograms: Histogram) -> Histogram:
    return Histogram(
        sum_seconds=sum(one.sum_seconds for one in histograms),
        buckets=tuple(
            (bound, sum(one.buckets[index][1] for one in histograms))
            for index, (bound, _) in enumerate(histograms[0].buckets)
        ),
    )


class TestLate:
    @pytest.mark.parametrize("mean_seconds", [0.3, 0.45, 1.0])
    @pytest.mark.parametrize("limit", [0.3, 0.6, 1.2, 2.0, 2.4])
    def test_of_waits_that_end_as_queues_do_it_is_how_many_were_late(self, mean_seconds: float, limit: float) -> None:
        found = tail(NOTHING, waits(mean_seconds), limit)
        assert found.late == pytest.approx(10_000 * math.exp(-limit / mean_seconds), rel=1e-6)

    def test_evenly_many_times_as_many_would_be(self) -> None:
        """A promise of 99 % in 2 s that is kept would look broken: vLLM has no bound between 1 and 2.5 s."""
        found = tail(NOTHING, waits(0.42), 2.0)
        assert found.late / found.count < 0.01
        evenly = found.beyond_lower - (found.beyond_lower - found.beyond_upper) * (2.0 - 1.0) / (2.5 - 1.0)
        assert evenly / found.count > 0.03

    @pytest.mark.parametrize("limit", FIRST_TOKEN_BOUNDS[:-1])
    def test_at_a_bound_it_is_what_was_counted(self, limit: float) -> None:
        counted = 10_000 * math.exp(-limit / 0.7)
        found = tail(NOTHING, waits(0.7), limit)
        assert found.late == pytest.approx(counted)

    def test_beyond_the_last_bound_all_are_that_lie_there(self) -> None:
        assert tail(NOTHING, waits(5000.0), 9_999.0).late == pytest.approx(10_000 * math.exp(-2560 / 5000))

    def test_where_none_was_seen_beyond_the_upper_bound_some_may_be(self) -> None:
        assert a_tail(lower=50, upper=0).late == pytest.approx(math.sqrt(50 * 0.5))

    def test_of_a_single_one_no_more_than_its_share(self) -> None:
        assert a_tail(lower=1, upper=0, share=0.67).late == pytest.approx(0.33)

    def test_of_nothing_nothing(self) -> None:
        assert Tail().late == 0.0

    @given(counted=st.floats(1e-3, 1e6), lower=st.floats(0, 1), upper=st.floats(0, 1), share=st.floats(0, 1))
    def test_lies_between_the_two_bounds_and_is_never_more_than_evenly(
        self, counted: float, lower: float, upper: float, share: float
    ) -> None:
        found = a_tail(lower=counted * lower, upper=counted * lower * upper, count=counted, share=share)
        assert 0 <= found.late_between <= 1 - share + 1e-9, "no more than evenly"
        assert found.beyond_upper <= found.late <= found.beyond_lower + 1e-9 * counted

    @given(lower=st.floats(1, 1e5), more=st.floats(0, 1e5), share=st.floats(0.01, 0.99))
    def test_more_beyond_a_bound_are_never_fewer_late(self, lower: float, more: float, share: float) -> None:
        upper = lower / 2
        few, many = (a_tail(lower=n, upper=upper, count=1e6, share=share).late for n in (lower, lower + more))
        assert many >= few * (1 - 1e-9)


class TestTimesThatAreAlike:
    """No queue, but prompts or steps of one length: they do not fall off between two bounds."""

    @pytest.mark.parametrize("count", [20.0, 1000.0, 1e6])
    def test_a_promise_that_is_kept_to_nobody_is_broken(self, count: float) -> None:
        found = tail(NOTHING, alike(2.3, count=count), 2.0)
        assert found.late == pytest.approx(0.6 * count), "what the sum forces to be late"

    def test_so_it_is_for_a_few_among_many_that_are_quick(self) -> None:
        """One of ten prompts is long, and its first token always takes 2.3 s: evenly a third of those count as late."""
        found = tail(NOTHING, together(alike(0.2, count=900), alike(2.3, count=100)), 2.0)
        assert found.late == pytest.approx(100 / 3)

    @pytest.mark.parametrize(
        ("seconds", "late"), [(0.045, 0), (0.051, 600), (0.068, 600), (0.074, 933.3), (0.08, 1000)]
    )
    def test_of_tokens_as_many_are_late_as_can_be_known(self, seconds: float, late: float) -> None:
        """Bounds of 50 and 75 ms around a limit of 60: only a mean near to the upper one tells more than evenly."""
        nothing = alike(0.0, count=0.0, bounds=OUTPUT_TOKEN_BOUNDS)
        found = tail(nothing, alike(seconds, bounds=OUTPUT_TOKEN_BOUNDS), 0.06)
        assert found.late == pytest.approx(late, abs=0.1)

    @given(times=st.lists(st.floats(0.001, 60.0), min_size=1, max_size=50), limit=st.floats(0.002, 50.0))
    def test_what_the_sum_forces_is_never_more_than_is_so(self, times: list[float], limit: float) -> None:
        found = tail(NOTHING, together(*(alike(one, count=1.0) for one in times)), limit)
        within = next(bound for bound in FIRST_TOKEN_BOUNDS if bound >= limit)
        assert found.forced <= sum(limit < one <= within for one in times) + 1e-6


class TestSums:
    def test_few_of_each_of_many_engines_tell_what_all_of_them_together_do(self) -> None:
        each = tail(NOTHING, waits(0.42, count=30.0), 2.0)
        total = Tail()
        for _ in range(100):
            total = total.plus(each)
        assert total.late == pytest.approx(tail(NOTHING, waits(0.42, count=3000.0), 2.0).late)
        assert total.scaled(0.01).beyond_lower == pytest.approx(each.beyond_lower)


bucketed = st.lists(st.integers(0, 40), min_size=4, max_size=4).map(
    lambda counts: Histogram(
        sum_seconds=float(sum(counts)),
        buckets=tuple(zip((0.5, 1.0, 2.0, math.inf), map(float, accumulate(counts)), strict=True)),
    )
)


class TestBetweenTwoLooks:
    def test_what_was_counted_before_does_not_count(self) -> None:
        slow, both = (
            waits(9.0, count=500.0),
            Histogram(
                sum_seconds=0.0,
                buckets=tuple(
                    (bound, a + b)
                    for (bound, a), (_, b) in zip(waits(9.0, count=500.0).buckets, waits(0.4).buckets, strict=True)
                ),
            ),
        )
        assert tail(slow, both, 2.0).late == pytest.approx(tail(NOTHING, waits(0.4), 2.0).late)

    def test_an_engine_that_began_anew_has_counted_all_that_it_holds(self) -> None:
        assert tail(waits(0.4), waits(0.4, count=100.0), 2.0) == tail(NOTHING, waits(0.4, count=100.0), 2.0)
        assert timed(waits(0.4), waits(0.4, count=100.0)) == pytest.approx((100.0, 40.0))

    def test_who_says_nothing_tells_nothing(self) -> None:
        assert tail(None, NOTHING, 2.0) == tail(NOTHING, None, 2.0) == Tail()
        assert timed(None, NOTHING) == (0.0, 0.0)

    @given(before=bucketed, after=bucketed, limit=st.floats(0.1, 9.0))
    def test_whatever_is_said_no_more_are_late_than_were_counted(
        self, before: Histogram, after: Histogram, limit: float
    ) -> None:
        found = tail(before, after, limit)
        assert 0 <= found.beyond_upper <= found.beyond_lower <= found.beyond_before <= found.count
        assert 0 <= found.late <= found.count
