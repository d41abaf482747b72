"""What traffic teaches: the true speed from a wrong plan, care after broken promises, and how long boots take."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.flow import Flow
from gemma4_operator.scaling.histograms import Tail, tail
from gemma4_operator.scaling.learning import (
    BOOTS,
    FASTEST,
    MOST_CAUTION,
    OVERDUE,
    SLOWEST,
    Boots,
    booted,
    caution,
    eased,
    is_late,
    slowness,
)
from gemma4_operator.scaling.sample import Histogram, Replica, Stage
from gemma4_operator.scaling.staffing import Load, point
from gemma4_operator.sim.meter import FIRST_TOKEN_BOUNDS
from tests.scaling import INPUT_TOKENS, OUTPUT_TOKENS, SERVICE, replica


def flow_of(truth: float, *, rate: float, serving: int = 1) -> Flow:
    """Return what engines tell that are so many times as slow as planned, by the laws of one replica."""
    load = Load(requests_per_second=rate, input_tokens=INPUT_TOKENS, output_tokens=OUTPUT_TOKENS)
    at = point(SERVICE.slowed(truth), load, replicas=serving)
    assert at is not None, "an overloaded engine teaches nothing"
    tokens = rate * OUTPUT_TOKENS
    took = tokens * at.token_seconds
    each = SERVICE.told_seconds(
        tokens=tokens / serving,
        took_seconds=took / serving,
        input_tokens=rate * INPUT_TOKENS / serving,
        over_seconds=1.0,
    )
    return Flow(timed_tokens=tokens, timed_seconds=took, planned_seconds=each * serving)


def learned(truth: float, *, rate: float, serving: int = 1, seconds: float = 1800.0, begin: float = 1.0) -> float:
    """Return what is believed after some time of ticks of 5 s."""
    believed = begin
    for _ in range(round(seconds / 5)):
        believed = slowness(
            believed,
            flow_of(truth, rate=rate, serving=serving),
            serving=serving,
            waiting=0,
            elapsed_seconds=5,
        )
    return believed


class TestSpeed:
    @pytest.mark.parametrize("rate", [0.3, 0.8, 1.4])
    @pytest.mark.parametrize("truth", [0.7, 0.85, 1.0, 1.15, 1.3])
    def test_a_wrong_plan_is_put_right(self, truth: float, rate: float) -> None:
        assert learned(truth, rate=rate) == pytest.approx(truth, rel=0.02)

    @pytest.mark.parametrize("truth", [0.7, 1.3])
    def test_so_it_is_by_many_replicas_together(self, truth: float) -> None:
        assert learned(truth, rate=12.0, serving=10) == pytest.approx(learned(truth, rate=1.2), rel=1e-6)

    def test_nor_does_it_matter_where_it_began(self) -> None:
        assert learned(1.2, rate=0.8, begin=0.6) == pytest.approx(learned(1.2, rate=0.8, begin=1.9), rel=0.02)

    def test_most_of_a_difference_is_learned_in_some_minutes_and_not_at_once(self) -> None:
        assert 1.0 < learned(1.3, rate=0.8, seconds=30) < 1.08
        assert learned(1.3, rate=0.8, seconds=900) > 1.25

    def test_it_goes_one_way(self) -> None:
        believed = [learned(1.3, rate=0.8, seconds=60.0 * minute) for minute in range(10)]
        assert believed == sorted(believed)

    def test_the_same_moment_twice_teaches_nothing(self) -> None:
        flow = flow_of(1.3, rate=0.8)
        assert slowness(1.1, flow, serving=1, waiting=0, elapsed_seconds=0) == 1.1

    @pytest.mark.parametrize(("truth", "bound"), [(9.0, SLOWEST), (0.1, FASTEST)])
    def test_only_so_much_is_believed(self, truth: float, bound: float) -> None:
        assert learned(truth, rate=0.15, seconds=36_000) == bound

    @pytest.mark.parametrize(
        ("flow", "serving", "waiting"),
        [
            (flow_of(1.3, rate=0.8), 0, 0.0),
            (flow_of(0.9, rate=0.8), 1, 1.5),
            (Flow(), 1, 0.0),
            (flow_of(1.3, rate=0.01), 1, 0.0),
            (replace(flow_of(1.3, rate=0.8), timed_seconds=0.0), 1, 0.0),
            (replace(flow_of(1.3, rate=0.8), planned_seconds=0.0), 1, 0.0),
        ],
        ids=[
            "no engine",
            "faster while requests wait",
            "nothing written",
            "too few tokens",
            "no time told",
            "nothing planned",
        ],
    )
    def test_nothing_is_learned_where_the_laws_do_not_hold(self, flow: Flow, serving: int, waiting: float) -> None:
        assert slowness(1.1, flow, serving=serving, waiting=waiting, elapsed_seconds=60) == 1.1

    def test_full_engines_that_are_slower_than_believed_are_believed(self) -> None:
        """Nobody would come to help where a plan is wrong by so much that requests wait from the first minute on."""
        full, empty = (
            slowness(1.1, flow_of(1.8, rate=0.8), serving=1, waiting=n, elapsed_seconds=60) for n in (9.0, 0.0)
        )
        assert full == empty > 1.2

    @given(
        now=st.floats(FASTEST, SLOWEST),
        tokens=st.floats(0, 1e6),
        seconds=st.floats(0, 1e6),
        planned=st.floats(0, 1e6),
        serving=st.integers(0, 100),
        elapsed=st.floats(0, 1e4),
    )
    def test_whatever_is_said_it_stays_within_bounds(
        self, now: float, tokens: float, seconds: float, planned: float, serving: int, elapsed: float
    ) -> None:
        flow = Flow(timed_tokens=tokens, timed_seconds=seconds, planned_seconds=planned)
        found = slowness(now, flow, serving=serving, waiting=0, elapsed_seconds=elapsed)
        assert FASTEST <= found <= SLOWEST


def kept(share: float, *, each_second: float = 2.0) -> Flow:
    """Return first tokens of which such a share came in time, as a histogram with a bound at the objective tells."""
    late = (1 - share) * each_second
    return Flow(first_token=Tail(count=each_second, beyond_lower=late, beyond_upper=late))


def cautious(now: float, flow: Flow, *, elapsed: float = 5.0) -> float:
    return caution(now, flow, attainment=0.95, over_seconds=90.0, elapsed_seconds=elapsed)


class TestCaution:
    def test_grows_while_promises_are_broken(self) -> None:
        once = cautious(1.0, kept(0.9))
        assert 1.0 < once < cautious(once, kept(0.9)) <= MOST_CAUTION

    def test_does_not_grow_for_what_chance_does(self) -> None:
        """Of 180 first tokens one of twenty may be late; two deviations more are 15 of them, and 1,800 tell better."""
        assert cautious(1.0, kept(0.92)) == 1.0
        assert cautious(1.0, kept(0.92, each_second=20.0)) > 1.0

    def test_does_not_grow_where_an_engine_has_no_bound_at_the_objective_and_the_promise_is_kept(self) -> None:
        """Of waits of 0.42 s on average 0.9 % take more than 2 s; one of ten lies between vLLM's bounds around that."""
        shares = (1.0 if math.isinf(bound) else 1 - math.exp(-bound / 0.42) for bound in FIRST_TOKEN_BOUNDS)
        buckets = tuple((bound, 2000 * share) for bound, share in zip(FIRST_TOKEN_BOUNDS, shares, strict=True))
        none = Histogram(sum_seconds=0.0, buckets=tuple((bound, 0.0) for bound in FIRST_TOKEN_BOUNDS))
        tail_of = tail(none, Histogram(sum_seconds=840.0, buckets=buckets), 2.0)
        flow = Flow(first_token=tail_of.scaled(1 / 90))
        assert caution(1.0, flow, attainment=0.99, over_seconds=90.0, elapsed_seconds=5.0) == 1.0
        assert caution(1.0, flow, attainment=0.999, over_seconds=90.0, elapsed_seconds=5.0) > 1.0

    def test_does_not_grow_while_they_are_kept(self) -> None:
        assert cautious(1.0, kept(0.95)) == 1.0
        assert 1.0 < cautious(1.2, kept(0.95)) < 1.2

    def test_grows_faster_than_it_eases(self) -> None:
        assert cautious(1.2, kept(0.5)) / 1.2 > (1.2 / cautious(1.2, kept(1.0))) ** 5

    def test_ends_where_it_is_no_help(self) -> None:
        assert cautious(1.0, kept(0.0), elapsed=3600) == MOST_CAUTION

    def test_is_gone_after_a_good_hour(self) -> None:
        assert cautious(MOST_CAUTION, kept(1.0), elapsed=3600) == 1.0
        assert eased(MOST_CAUTION, 3600) == 1.0

    def test_comes_and_goes_by_time_and_not_by_ticks(self) -> None:
        assert cautious(cautious(1.0, kept(0.5)), kept(0.5)) == pytest.approx(cautious(1.0, kept(0.5), elapsed=10))
        assert eased(eased(1.3, 5), 5) == pytest.approx(eased(1.3, 10))

    def test_of_few_requests_nothing_is_concluded(self) -> None:
        assert cautious(1.2, kept(0.0, each_second=0.1)) == 1.2
        assert cautious(1.2, Flow()) == 1.2

    def test_the_same_moment_twice_changes_nothing(self) -> None:
        assert cautious(1.2, kept(0.5), elapsed=0) == cautious(1.2, kept(1.0), elapsed=0) == 1.2


def served(name: str, *, took: float, since: float = 0.0, stage: Stage = Stage.SERVING) -> Replica:
    return replica(name, stage, since_seconds=since, serving_since_seconds=since + took)


PLANNED_SECONDS = 100.0


def seen(boots: Boots, *replicas: Replica, now: float = 0.0) -> Boots:
    return booted(boots, replicas, planned_seconds=PLANNED_SECONDS, now_seconds=now)


def coming(*names: str) -> Boots:
    """Return what is known where these were seen on their way."""
    return seen(Boots(), *(replica(name, Stage.LOADING, since_seconds=-100.0) for name in names))


class TestBoots:
    def test_take_what_is_planned_as_long_as_none_was_seen(self) -> None:
        assert Boots().usual_seconds(100) == 100

    @pytest.mark.parametrize(
        ("seconds", "usual"),
        [
            ((40.0,), 100.0),
            ((40.0, 60.0), 100.0),
            ((400.0,), 400.0),
            ((40.0, 50.0, 60.0), 56.0),
            ((10.0, 20.0, 30.0, 40.0, 50.0, 60.0), 50.0),
            ((60.0, 10.0, 50.0, 20.0, 40.0, 30.0), 50.0),
        ],
    )
    def test_take_what_only_one_of_five_takes_longer_than(self, seconds: tuple[float, ...], usual: float) -> None:
        # A few quick ones are no reason to be less careful than the plan, a slow one is.
        assert Boots(seconds=seconds).usual_seconds(100) == pytest.approx(usual)

    def test_are_overdue_after_several_times_that_and_some_minutes_at_least(self) -> None:
        assert Boots().overdue_seconds(100) == OVERDUE * 100
        assert Boots(seconds=(50.0,) * 3).overdue_seconds(100) == OVERDUE * 50
        assert Boots(seconds=(4.0,) * 3).overdue_seconds(100) >= 60

    def test_are_taken_once_each(self) -> None:
        first = seen(coming("a", "b"), served("a", took=80), replica("b", Stage.LOADING))
        assert first.seconds == (80.0,)
        again = seen(first, served("a", took=80), served("b", took=90))
        assert again.seconds == (80.0, 90.0)
        assert seen(again, served("a", took=80), served("b", took=90)) == again

    def test_count_as_well_where_the_replica_is_on_its_way_out(self) -> None:
        assert seen(coming("a"), served("a", took=80, stage=Stage.LEAVING)).seconds == (80.0,)

    def test_do_not_count_where_it_failed_or_a_clock_went_backwards(self) -> None:
        found = seen(coming("a", "b"), served("a", took=80, stage=Stage.FAILED), served("b", took=-5))
        assert found.seconds == ()

    def test_of_one_that_serves_when_it_is_first_seen_no_time_is_taken(self) -> None:
        """After a restart a pod that was not ready for a moment, half a day after it was made, took that half a day."""
        flapped = served("old", took=43_200)
        first = seen(Boots(seconds=(96.0,) * 3), flapped, served("other", took=95))
        assert first.seconds == (96.0,) * 3
        assert seen(first, flapped).seconds == (96.0,) * 3

    def test_one_that_stops_serving_and_serves_again_has_not_booted_again(self) -> None:
        first = seen(coming("a"), served("a", took=80))
        away = seen(first, replica("a", Stage.LOADING))
        assert seen(away, served("a", took=40_000)).seconds == (80.0,)

    def test_one_that_waited_for_hours_counts_as_one_that_is_overdue_and_several_tell(self) -> None:
        one = seen(coming("a"), served("a", took=9_000))
        assert one.seconds == (OVERDUE * PLANNED_SECONDS,)
        assert seen(replace(one, coming=frozenset({"b"})), served("b", took=9_000)).seconds[-1] == OVERDUE**2 * 100

    def test_only_the_last_are_remembered_and_of_replicas_only_those_that_are_there(self) -> None:
        boots = Boots()
        for index in range(BOOTS + 5):
            boots = seen(boots, replica(f"replica-{index}", Stage.LOADING))
            boots = seen(boots, served(f"replica-{index}", took=float(index)))
        assert boots.seconds == tuple(float(index) for index in range(5, BOOTS + 5))
        assert boots.known == {f"replica-{BOOTS + 4}"}
        assert boots.coming == frozenset()

    @given(seconds=st.lists(st.floats(0, 1e5), min_size=3, max_size=BOOTS))
    def test_the_usual_one_is_one_that_could_have_been_seen(self, seconds: list[float]) -> None:
        usual = Boots(seconds=tuple(seconds)).usual_seconds(math.inf)
        assert sorted(seconds)[len(seconds) // 2] <= usual <= max(seconds)


@pytest.mark.parametrize(("late", "is_so"), [(1.0, False), (1.4, False), (2.0, True)])
def test_one_late_request_is_chance_where_the_promise_allows_less_than_one(late: float, is_so: bool) -> None:
    """Of fifty, 99.9 % allows a twentieth of a request."""
    flow = Flow(first_token=Tail(count=50.0, beyond_lower=late, beyond_upper=late, depth=0.0)).scaled(1 / 90)
    assert is_late(flow, attainment=0.999, over_seconds=90.0) is is_so
