"""Laws of the scaler: it keeps limits, sleeps and wakes, does not flap, and is the same again, also from the start."""

import itertools
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gemma4_operator.planner.limits import COST_LIMIT
from gemma4_operator.scaling.decide import decide
from gemma4_operator.scaling.decision import Why
from gemma4_operator.scaling.meter import STALE_SECONDS
from gemma4_operator.scaling.staffing import needed
from gemma4_operator.scaling.state import remembered, resumed
from gemma4_operator.scaling.terms import Ceiling, Tuning
from tests.property.laws import LAW, SHORT_LAW, calm, enough, limits, load, phases, settled, ticks
from tests.scaling import SERVICE, Loop, steps, terms

WITHOUT_LEARNING = Tuning(learning=False)


class TestLimits:
    """Rule 7, and bounds: a budget counts always, before a minimum, and one that cannot be judged lets none more."""

    @SHORT_LAW
    @given(
        script=phases,
        minimum=st.integers(0, 5),
        width=st.integers(0, 8),
        ceiling=st.none() | st.integers(0, 12),
        serving=st.integers(1, 12),
        silent=st.booleans(),
    )
    def test_the_number_is_always_within_them(
        self,
        script: list[tuple[float, float]],
        minimum: int,
        width: int,
        ceiling: int | None,
        serving: int,
        silent: bool,
    ) -> None:
        maximum = max(1, minimum + width)
        bound = terms(
            minimum=minimum,
            maximum=maximum,
            ceiling=Ceiling(replicas=ceiling, field=COST_LIMIT) if ceiling is not None else None,
        )
        loop = Loop(bound, steps(*script), serving=serving, say=lambda engine, at, said: None if silent else said)
        loop.run(1200)
        most = maximum if ceiling is None else min(maximum, ceiling)
        assert max(loop.numbers) <= most
        assert min(loop.numbers) >= min(minimum, most)
        for _, decision in loop.decisions:
            assert bool(decision.limited_by) == (decision.reason is Why.LIMITED)
            if decision.reason is Why.LIMITED:
                assert f"`{decision.limited_by}` allows {most}" in decision.message

    @LAW
    @given(rate=st.floats(6.0, 30.0))
    def test_without_a_price_a_budget_lets_none_more_than_run(self, rate: float) -> None:
        loop = Loop(terms(), steps((900, 2.0), (9e9, rate)), serving=2)
        while loop.now_seconds < 2400:
            running = loop.state.wanted or 0
            loop.terms = replace(loop.terms, ceiling=Ceiling(replicas=running, field=COST_LIMIT))
            loop.run(10)
        assert loop.numbers == sorted(loop.numbers, reverse=True)
        assert (loop.last.reason, loop.last.limited_by) == (Why.LIMITED, COST_LIMIT)


class TestSleepingAndWaking:
    """Rule 8: who is asked while none runs says so, and then one starts and has its time to come."""

    @staticmethod
    def asleep(**changes: Any) -> Loop:
        loop = Loop(terms(minimum=0, idle_seconds=60, **changes), steps((600, 1.0), (9e9, 0.0)), serving=1)
        loop.run(900)
        assert loop.last.replicas == 0
        return loop

    def test_nobody_who_asks_wakes_nobody(self) -> None:
        loop = self.asleep()
        loop.run(7200)
        assert set(loop.numbers[-720:]) == {0}

    def test_somebody_who_asked_before_it_slept_was_answered(self) -> None:
        loop = self.asleep()
        loop.asked_seconds = 500.0
        assert loop.run(600).replicas == 0

    def test_somebody_who_asks_does_and_once_is_enough(self) -> None:
        loop = self.asleep()
        loop.asked_seconds = loop.now_seconds + 5.0
        woken = loop.run(10)
        assert (woken.replicas, woken.reason) == (1, Why.WAKING)
        # Longer than idleSeconds, and still on its way.
        loop.run(80)
        assert (loop.last.replicas, loop.last.reason) == (1, Why.STARTING)
        loop.run(30)
        assert loop.last.reason is not Why.STARTING
        assert loop.last.replicas == 1, "it has not been there for long enough to be idle"
        # Nobody came after all.
        assert loop.run(200).replicas == 0
        assert loop.run(600).replicas == 0

    def test_one_that_is_told_to_sleep_and_still_serves_is_not_called_back(self) -> None:
        loop = self.asleep()
        again = Loop(loop.terms, steps((600, 1.0), (9e9, 0.0)), serving=1)
        for _ in range(90):
            again.pass_time(10)
            decision = again.decide()
            again.decisions.append((again.now_seconds, decision))
            again.state = decision.state
        first = again.numbers.index(0)
        assert set(again.numbers[first:]) == {0}

    def test_but_one_that_is_asked_in_that_moment_stays(self) -> None:
        loop = Loop(terms(minimum=0, idle_seconds=60), steps((600, 1.0), (200, 0.0), (9e9, 2.0)), serving=1)
        for _ in range(100):
            loop.pass_time(10)
            decision = loop.decide()
            loop.decisions.append((loop.now_seconds, decision))
            loop.state = decision.state
        assert 0 in loop.numbers
        assert loop.last.replicas >= 1

    def test_a_minimum_that_is_set_while_none_runs_wakes_as_many(self) -> None:
        loop = self.asleep()
        loop.terms = replace(loop.terms, minimum=3)
        assert (loop.run(10).replicas, loop.last.reason) == (3, Why.MINIMUM)


class TestEnough:
    @LAW
    @given(rate=calm, tick=ticks, truth=st.sampled_from([0.8, 1.0, 1.2]))
    def test_carry_what_comes_and_are_few(self, rate: float, tick: float, truth: float) -> None:
        loop = Loop(terms(), lambda at: rate, serving=enough(rate), engine=SERVICE.slowed(truth), tick_seconds=tick)
        last = loop.run(5400)
        right = needed(SERVICE.slowed(truth), load(rate), limits(terms()))
        assert needed(SERVICE.slowed(truth), load(rate * 0.95), limits(terms())) <= last.replicas <= 1.25 * right + 1

    @LAW
    @given(script=phases, times=st.floats(1.0, 3.0))
    def test_more_traffic_everywhere_never_has_fewer_once_it_is_steady(
        self, script: list[tuple[float, float]], times: float
    ) -> None:
        few, many = (
            Loop(
                terms(maximum=500),
                steps(*((1800.0, rate * factor) for _, rate in script)),
                serving=1,
                tuning=WITHOUT_LEARNING,
            )
            for factor in (1.0, times)
        )
        for _ in script:
            assert few.run(1800).replicas <= many.run(1800).replicas

    @LAW
    @example(rate=20.0, seed=1, noise=0.125)  # Traffic at the edge of one more: 19 changes before that one stayed.
    @example(rate=20.0, seed=1247, noise=0.1875)
    @given(rate=calm, seed=st.integers(0, 10_000), noise=st.floats(0.0, 0.2))
    def test_the_number_does_not_flap_under_noise(self, rate: float, seed: int, noise: float) -> None:
        chance = random.Random(seed)
        flicker = [rate * (1 + noise * (2 * chance.random() - 1)) for _ in range(1000)]
        loop = Loop(terms(), lambda at: flicker[int(at / 10) % 1000], serving=enough(rate))
        loop.run(1800)
        loop.run(3600)
        hour = loop.numbers[-360:]
        changes = sum(one != other for one, other in itertools.pairwise(hour))
        assert changes <= 12
        assert max(hour) - min(hour) <= max(1, enough(rate) // 4)


class TestTheSameAgain:
    @LAW
    @given(script=phases, tick=ticks)
    def test_at_the_same_moment_is_the_same(self, script: list[tuple[float, float]], tick: float) -> None:
        loop = Loop(terms(minimum=0, idle_seconds=60), steps(*script, (600.0, 0.0)), serving=2, tick_seconds=tick)
        while loop.now_seconds < sum(seconds for seconds, _ in script) + 600.0:
            loop.pass_time(tick)
            decision = loop.decide()
            again = decide(loop.terms, loop.replicas(), decision.state, now_seconds=loop.now_seconds)
            assert again.replicas == decision.replicas
            assert again.state.series == decision.state.series
            assert again.state.slowness == decision.state.slowness
            assert again.state.caution == decision.state.caution
            loop.follow(again if loop.made % 2 else decision)

    @LAW
    @given(rate=calm, seconds=st.floats(1, STALE_SECONDS))
    def test_samples_that_are_shown_again_change_nothing_of_what_is_known(self, rate: float, seconds: float) -> None:
        loop = settled(rate)
        again = decide(loop.terms, loop.replicas(), loop.state, now_seconds=loop.now_seconds + seconds)
        assert again.replicas == loop.last.replicas
        assert again.expected.now == pytest.approx(loop.last.expected.now, rel=0.02)

    @LAW
    @given(script=phases)
    def test_from_the_start_is_the_same(self, script: list[tuple[float, float]]) -> None:
        runs = [Loop(terms(), steps(*script), serving=3) for _ in range(2)]
        for loop in runs:
            loop.run(1200)
        assert runs[0].decisions == runs[1].decisions

    @LAW
    @given(script=phases, seed=st.integers(0, 1000))
    def test_in_another_order_is_the_same(self, script: list[tuple[float, float]], seed: int) -> None:
        loop, chance = Loop(terms(), steps(*script), serving=3), random.Random(seed)
        while loop.now_seconds < 1200:
            loop.pass_time(10)
            mixed = list(loop.replicas())
            chance.shuffle(mixed)
            decision = loop.decide()
            shuffled = decide(loop.terms, mixed, loop.state, now_seconds=loop.now_seconds)
            assert (shuffled.replicas, shuffled.reason) == (decision.replicas, decision.reason)
            loop.follow(decision)


class TestARestart:
    @staticmethod
    def restarted(loop: Loop) -> None:
        """Forget all that is not written down; clocks and engines go on."""
        loop.state = resumed(remembered(loop.state), now_seconds=loop.now_seconds)

    @SHORT_LAW
    @example(script=[(200.0, 0.0)], at=100.0, watched=(0, 60))
    @given(script=phases, at=st.floats(100, 1500), watched=st.sampled_from([(None, 100), (0, 60)]))
    def test_lowers_nothing_for_as_long_as_nothing_was_watched(
        self, script: list[tuple[float, float]], at: float, watched: tuple[int | None, int]
    ) -> None:
        window, seconds = watched
        loop = Loop(terms(stabilization_seconds=window), steps(*script), serving=4)
        loop.run(at)
        before = loop.last.replicas
        self.restarted(loop)
        loop.run(seconds)
        assert min(loop.numbers[-seconds // 10 :]) >= before

    @LAW
    @given(rate=calm, at=st.floats(100, 2500), truth=st.sampled_from([0.8, 1.0, 1.2]))
    def test_ends_where_it_would_have_ended_or_beside_it(self, rate: float, at: float, truth: float) -> None:
        runs = [Loop(terms(), lambda _: rate, serving=enough(rate), engine=SERVICE.slowed(truth)) for _ in range(2)]
        for loop in runs:
            loop.run(at)
        self.restarted(runs[1])
        ends = [loop.run(4500).replicas for loop in runs]
        # Where a load is at the edge between two numbers, the way there decides.
        assert abs(ends[0] - ends[1]) <= 1
        assert min(ends) >= needed(SERVICE.slowed(truth), load(rate * 0.95), limits(terms()))

    def test_while_none_runs_wakes_none(self) -> None:
        loop = TestSleepingAndWaking.asleep()
        self.restarted(loop)
        assert loop.run(600).replicas == 0
        loop.asked_seconds = loop.now_seconds + 5
        assert loop.run(10).replicas == 1
