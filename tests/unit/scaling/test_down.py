"""When fewer may run: the most of the whole time decides, all must be heard, and what runs must have a place."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.down import (
    LEAST_STABILIZATION_SECONDS,
    STEP_SECONDS,
    highest,
    lowered,
    noted,
    stabilization_seconds,
)
from gemma4_operator.scaling.flow import Flow
from gemma4_operator.scaling.forecast import Forecast, Pick
from gemma4_operator.scaling.learning import Boots
from gemma4_operator.scaling.look import NOW_SECONDS, Look
from gemma4_operator.scaling.meter import Reading
from gemma4_operator.scaling.need import Need
from gemma4_operator.scaling.staffing import CACHE_SHARE, Limits, Load
from gemma4_operator.scaling.state import State
from tests.scaling import SERVICE, Loop, steps, terms

NOW = 10_000.0
LOAD = Load(requests_per_second=1.0, input_tokens=1500, output_tokens=300)


def seen(*, running: float = 10.0, waiting: float = 0.0, serving: int = 10) -> Look:
    reading = Reading(
        flow=Flow(), running=running, waiting=waiting, serving=serving, heard=serving, seen=serving, age_seconds=1.0
    )
    return Look(
        reading=reading,
        service=SERVICE,
        load=LOAD,
        came_per_second=1.0,
        came_per_request=1.0,
        for_lost=0,
        ahead=LOAD,
        peak_requests_per_second=1.0,
        horizon_seconds=100.0,
        limits=Limits(first_token_seconds=2.0, token_seconds=0.06, attainment=0.95),
        change=None,
        for_load=2,
        for_ahead=2,
        for_backlog=0,
        for_jump=0,
        for_losses=0,
        lost_share=0.0,
        for_more=2,
    )


def settled(**changes: Any) -> State:
    """Return the state of a scaler that has seen for long that two would do."""
    usual = State(
        wanted=10,
        needs=(Need(NOW, 2),),
        whole_since_seconds=0.0,
        forecast=Forecast(pick=Pick(index=0, times=1.0, is_judged=True)),
    )
    return replace(usual, **changes)


class TestHowLong:
    def test_is_what_the_user_says(self) -> None:
        assert stabilization_seconds(terms(stabilization_seconds=0), State()) == 0
        assert stabilization_seconds(terms(stabilization_seconds=900), State()) == 900

    def test_is_otherwise_what_it_takes_to_get_a_replica_back(self) -> None:
        assert stabilization_seconds(terms(boot_seconds=240), State()) == 240
        assert stabilization_seconds(terms(boot_seconds=240), State(boots=Boots(seconds=(130.0,) * 3))) == 130

    def test_is_longer_than_the_minute_that_load_is_measured_over_however_quickly_replicas_come(self) -> None:
        assert stabilization_seconds(terms(boot_seconds=5), State()) == LEAST_STABILIZATION_SECONDS > NOW_SECONDS

    def test_outlasts_a_short_calm_before_traffic_rises(self) -> None:
        """What comes shows as a mean over a minute: whoever goes down after one, goes down just before a rise."""
        loop = Loop(
            terms(boot_seconds=40), steps((1500.0, 12.0), (100.0, 8.0), (900.0, 13.0)), serving=6, tick_seconds=5
        )
        loop.run(1500.0)
        before = loop.last.replicas
        loop.run(1000.0)
        assert min(loop.numbers[-200:]) == before


class TestTheMostOfTheTime:
    @given(
        needs=st.lists(st.tuples(st.floats(0, 40), st.integers(0, 30)), min_size=1, max_size=60),
        window=st.integers(0, 200),
    )
    def test_is_the_maximum_over_all_its_moments(self, needs: list[tuple[float, int]], window: int) -> None:
        bound, state, now = terms(stabilization_seconds=window), State(), 0.0
        history: list[tuple[float, int]] = []
        for passed, need in needs:
            now += passed
            history.append((now, need))
            state = replace(state, needs=noted(state, need, bound, now))
            within = [one for at, one in history if at > now - window or at == now]
            # Of two needs of one moment the later one counts for a window of nothing.
            expected = max(within) if window else need
            assert highest(state) == expected

    @given(needs=st.lists(st.integers(0, 1000), min_size=1, max_size=200))
    def test_is_kept_in_few_numbers(self, needs: list[int]) -> None:
        state = State()
        for index, need in enumerate(needs):
            state = replace(state, needs=noted(state, need, terms(), float(index)))
        falling = [one.replicas for one in state.needs]
        assert falling == sorted(set(falling), reverse=True)

    def test_of_no_moment_is_none(self) -> None:
        assert highest(State()) == 0


class TestOneStepDown:
    @pytest.mark.parametrize(
        ("wanted", "needs", "fewer"),
        [(10, 2, 9), (2, 1, 1), (16, 1, 14), (80, 1, 70), (80, 75, 75), (9, 8, 8), (3, 0, 2)],
    )
    def test_is_an_eighth_and_at_least_one_and_never_below_the_most_of_the_time(
        self, wanted: int, needs: int, fewer: int
    ) -> None:
        state = settled(wanted=wanted, needs=(Need(NOW, needs),))
        assert lowered(terms(), wanted, state, seen(), NOW) == (fewer, "")

    @pytest.mark.parametrize(("minimum", "fewer"), [(0, 1), (1, 1), (2, 2), (4, 4)])
    def test_never_goes_below_the_minimum_nor_to_nothing(self, minimum: int, fewer: int) -> None:
        wanted = fewer + 1
        state = settled(wanted=wanted, needs=(Need(NOW, 0),))
        assert lowered(terms(minimum=minimum), wanted, state, seen(), NOW) == (fewer, "")

    @pytest.mark.parametrize(
        ("state", "look", "why"),
        [
            (settled(needs=(Need(NOW - 50, 10), Need(NOW, 2))), seen(), "10 were needed"),
            (settled(whole_since_seconds=None), seen(), "were heard for 100 s"),
            (settled(whole_since_seconds=NOW - 99), seen(), "were heard for 100 s"),
            (settled(lowered_seconds=NOW - STEP_SECONDS + 1), seen(), "in steps"),
            (settled(), seen(waiting=6), "while 6 requests wait"),
            (settled(), seen(running=9 * 80), "while 720 requests run"),
        ],
        ids=["needed", "not whole", "not for long", "just lowered", "waiting", "survivors"],
    )
    def test_is_not_taken_where_something_stands_against_it(self, state: State, look: Look, why: str) -> None:
        number, told = lowered(terms(), 10, state, look, NOW)
        assert number == 10
        assert why in told

    @pytest.mark.parametrize(
        ("state", "look"),
        [
            (settled(whole_since_seconds=NOW - 100), seen()),
            (settled(lowered_seconds=NOW - STEP_SECONDS), seen()),
            (settled(), seen(waiting=5)),
            (settled(), seen(waiting=0.9, serving=1)),
            (settled(), seen(running=CACHE_SHARE * 80 * 9)),
        ],
        ids=["just long enough", "a step ago", "fewer wait than half of the replicas", "none waits", "just a place"],
    )
    def test_is_taken_where_it_just_does_not(self, state: State, look: Look) -> None:
        assert lowered(terms(), 10, state, look, NOW) == (9, "")

    def test_those_that_stay_must_hold_what_runs_and_not_those_that_are_there(self) -> None:
        # 700 run: ten hold 736, nine 662.
        assert lowered(terms(), 10, settled(), seen(running=700), NOW)[0] == 10
        assert lowered(terms(), 11, settled(), seen(running=700), NOW)[0] == 10

    def test_all_are_heard_for_as_long_as_the_load_is_a_mean_over_whatever_the_user_says(self) -> None:
        at_once = terms(stabilization_seconds=0)
        soon, late = settled(whole_since_seconds=NOW - NOW_SECONDS + 1), settled(whole_since_seconds=NOW - NOW_SECONDS)
        assert lowered(at_once, 10, soon, seen(), NOW)[0] == 10
        assert lowered(at_once, 10, late, seen(), NOW)[0] == 9
