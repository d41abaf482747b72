"""Laws of the scaler, on the rule itself: what a correct loop needs, as the failures of published ones show.

Each was broken by some autoscaler in use. A loop of few lines plays the engines; see tests/scaling.py. What holds a
number that is not needed is in test_scaling_holds.py, rule 5 in tests/integration/test_scaling.py, and rule 6 in
tests/unit/engines/test_dialects.py.
"""

import itertools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gemma4_operator.planner.limits import COST_LIMIT
from gemma4_operator.scaling.decide import PLACE_SECONDS, decide
from gemma4_operator.scaling.decision import Decision, Why
from gemma4_operator.scaling.down import STEP_SECONDS, stabilization_seconds
from gemma4_operator.scaling.learning import OVERDUE
from gemma4_operator.scaling.meter import STALE_SECONDS
from gemma4_operator.scaling.sample import Counts, Histogram, Sample, Stage
from gemma4_operator.scaling.sound import MOST
from gemma4_operator.scaling.staffing import CACHE_SHARE, keeps, needed
from gemma4_operator.scaling.state import remembered, resumed
from gemma4_operator.scaling.terms import Ceiling, Tuning
from tests.property.laws import LAW, SHORT_LAW, enough, limits, load
from tests.scaling import SERVICE, Engine, Loop, Say, steps, terms

WITHOUT_LEARNING = Tuning(learning=False)
LIMITED = {Why.LIMITED, Why.ASLEEP}
"""Reasons for which a number may fall without a look at what was needed."""

phases = st.lists(st.tuples(st.sampled_from([200.0, 500.0, 900.0]), st.floats(0.0, 20.0)), min_size=1, max_size=4)
calm = st.floats(0.5, 20.0)
ticks = st.sampled_from([5.0, 10.0, 15.0])


def settled(rate: float, *, seconds: float = 1500.0, **loop: Any) -> Loop:
    """Return a loop that has had the same traffic for long."""
    found = Loop(loop.pop("terms", terms()), lambda at: rate, serving=enough(rate), **loop)
    found.run(seconds)
    return found


def falls(loop: Loop) -> list[tuple[float, int, Decision]]:
    """Return each moment at which the number fell, with what it was before."""
    made = loop.decisions
    return [
        (at, before.replicas, decision)
        for (_, before), (at, decision) in itertools.pairwise(made)
        if decision.replicas < before.replicas
    ]


def need(decision: Decision) -> int:
    """Return what the moment needed by itself."""
    return decision.state.needs[-1].replicas


class TestDemandIsASum:
    """Rule 1: work of all replicas, never a mean of theirs that could be taken for it."""

    @LAW
    @given(rate=st.floats(0.2, 8.0), more=st.integers(2, 4))
    def test_the_same_traffic_over_more_replicas_needs_as_many(self, rate: float, more: int) -> None:
        few = enough(rate) + 1
        needs, rates = [], []
        for count in (few, few * more):
            loop = Loop(terms(minimum=count), lambda at: rate, serving=count, tuning=WITHOUT_LEARNING)
            last = loop.run(900)
            needs.append(need(last))
            rates.append(last.expected.now)
        assert needs[0] == needs[1] == enough(rate) or abs(needs[0] - needs[1]) <= 1
        assert rates == pytest.approx([rate, rate], rel=0.02)

    @LAW
    @given(rate=st.floats(0.2, 6.0), times=st.floats(1.5, 4.0))
    def test_more_traffic_over_as_many_needs_more(self, rate: float, times: float) -> None:
        count = enough(rate * times) + 1
        needs = [
            need(Loop(terms(minimum=count), steps((1.0, one)), serving=count, tuning=WITHOUT_LEARNING).run(900))
            for one in (rate, rate * times)
        ]
        assert needs[0] <= needs[1]


class TestTheWayDownIsAMaximum:
    """Rule 2: fewer only once fewer has been enough at every moment of the stabilization time."""

    @LAW
    @given(script=phases, tick=ticks, window=st.sampled_from([None, 0, 60, 300]))
    def test_no_fewer_than_any_moment_of_it_needed(
        self, script: list[tuple[float, float]], tick: float, window: int | None
    ) -> None:
        loop = Loop(terms(stabilization_seconds=window), steps(*script, (1500.0, 1.0)), serving=6, tick_seconds=tick)
        loop.run(sum(seconds for seconds, _ in script) + 1500.0)
        needs = [(at, need(decision)) for at, decision in loop.decisions if decision.state.needs]
        assert falls(loop)
        for at, _, decision in falls(loop):
            seconds = stabilization_seconds(loop.terms, decision.state)
            assert decision.replicas >= max(one for then, one in needs if at - seconds < then < at or then == at)

    @LAW
    @given(script=phases, tick=ticks)
    def test_it_is_gone_in_small_steps(self, script: list[tuple[float, float]], tick: float) -> None:
        loop = Loop(terms(), steps(*script, (1500.0, 0.5)), serving=20, tick_seconds=tick)
        loop.run(sum(seconds for seconds, _ in script) + 1500.0)
        down = falls(loop)
        for _, before, decision in down:
            assert before - decision.replicas <= max(1, before // 8)
        for (first, _, _), (second, _, _) in itertools.pairwise(down):
            assert second - first >= STEP_SECONDS


class TestMissingIsNotZero:
    """Rule 3: what is not known never lowers the number, may raise it, and is told."""

    @LAW
    @example(  # All are silent at once, and two of them go on while the others are heard again.
        rate=12.6801715716642, silent=[(0, 2560.0, 100.0), (27, 2585.845, 91.0)], window=None, tick=5.0
    )
    @given(
        rate=calm,
        silent=st.lists(
            st.tuples(st.integers(0, 30), st.floats(1500, 2600), st.floats(20, 900)), min_size=1, max_size=6
        ),
        window=st.sampled_from([None, 0]),
        tick=ticks,
    )
    def test_whoever_is_silent_for_however_long(
        self, rate: float, silent: list[tuple[int, float, float]], window: int | None, tick: float
    ) -> None:
        def say(engine: Engine, at: float, said: Counts) -> Counts | None:
            index = int(engine.name.split("-")[1])
            return None if any(one % (index + 1) == 0 and a <= at < a + b for one, a, b in silent) else said

        loop = settled(rate, terms=terms(stabilization_seconds=window), say=say, tick_seconds=tick)
        before = loop.last.replicas
        while loop.now_seconds < 3600:
            loop.pass_time(tick)
            decision = loop.decide()
            unheard = any(
                engine.stage is Stage.SERVING
                and (engine.said is None or loop.now_seconds - engine.said.at_seconds > STALE_SECONDS)
                and loop.now_seconds - (engine.serving_since_seconds or 0.0) > STALE_SECONDS
                for engine in loop.engines
            )
            if unheard:
                assert decision.replicas >= loop.last.replicas
                assert not decision.valid
                assert decision.reason in (Why.NO_DATA, Why.PARTIAL_DATA) or decision.replicas > loop.last.replicas
            loop.follow(decision)
        assert min(loop.numbers[-200:]) >= min(before, enough(rate * 0.97))

    def test_those_that_are_heard_may_raise_it(self) -> None:
        def say(engine: Engine, at: float, said: Counts) -> Counts | None:
            return None if engine.name == "replica-0" and at > 1500 else said

        loop = Loop(terms(minimum=3), steps((1800, 6.0), (900, 18.0)), serving=3, say=say)
        before = loop.run(1800).replicas
        assert loop.last.reason is Why.PARTIAL_DATA
        assert "1 of 3 replicas do not say" in loop.last.message
        assert loop.run(300).replicas > before

    def test_none_that_is_heard_keeps_it_and_says_so(self) -> None:
        loop = settled(8.0, say=lambda engine, at, said: said if at < 1500 else None)
        before = loop.last.replicas
        last = loop.run(3600)
        assert (last.replicas, last.reason, last.valid) == (before, Why.NO_DATA, False)
        assert "none says what it does" in last.message

    @LAW
    @given(rate=calm, gap=st.floats(15, 2000), window=st.sampled_from([None, 0, 60]))
    def test_nor_is_it_zero_while_the_scaler_itself_did_not_look(
        self, rate: float, gap: float, window: int | None
    ) -> None:
        loop = settled(rate, terms=terms(stabilization_seconds=window))
        before = loop.last.replicas
        passed = 0.0
        while passed < gap:
            loop.pass_time(5.0)
            passed += 5.0
        loop.follow(loop.decide())
        loop.run(900)
        assert min(loop.numbers[-91:]) >= min(before, enough(rate * 0.97))


class TestThoseThatLoad:
    """Rule 4: they count as coming, for as long as they may; then they have failed, and fewer may be asked for."""

    @staticmethod
    def flooded() -> Loop:
        """Return a loop in which far more came than is carried, and some replicas are on their way."""
        loop = Loop(terms(maximum=500), steps((900, 4.0), (900, 40.0)), serving=2)
        loop.run(960)
        assert any(engine.stage is Stage.LOADING for engine in loop.engines)
        assert loop.replicas()[0].sample is not None
        return loop

    def needs(self, change: Callable[[Stage, float], tuple[Stage, float]]) -> int:
        loop = self.flooded()
        loop.pass_time(10.0)
        found = []
        for one in loop.replicas():
            stage, since = change(one.stage, one.since_seconds)
            found.append(replace(one, stage=stage, since_seconds=since))
        return need(decide(loop.terms, found, loop.state, now_seconds=loop.now_seconds))

    def test_are_supply_that_comes(self) -> None:
        loading = self.needs(lambda stage, since: (stage, since))
        failed = self.needs(lambda stage, since: (Stage.FAILED if stage is Stage.LOADING else stage, since))
        assert loading < failed

    def test_and_none_once_they_are_overdue(self) -> None:
        failed = self.needs(lambda stage, since: (Stage.FAILED if stage is Stage.LOADING else stage, since))
        late = self.needs(lambda stage, since: (stage, since if stage is not Stage.LOADING else -OVERDUE * 1000.0))
        assert late == failed

    @LAW
    @given(high=st.floats(8.0, 14.0), low=st.floats(0.5, 1.5))
    def test_never_keep_the_number_from_going_down_again(self, high: float, low: float) -> None:
        loop = Loop(terms(), steps((900, low), (400, high), (9e9, low)), serving=enough(low), boot_seconds=1e9)
        loop.run(1300)
        asked = loop.last.replicas
        assert asked > enough(low)
        loop.run(3600)
        assert loop.last.replicas < asked
        assert all(engine.stage is not Stage.SERVING for engine in loop.engines[enough(low) + 1 :])


class TestWhatHasNoPlace:
    """Rules 4b and 9: it holds the number upward, never downward, and is told."""

    @LAW
    @given(rate=st.floats(6.0, 8.0), places=st.integers(1, 2))
    def test_no_more_are_asked_for_and_fewer_are(self, rate: float, places: int) -> None:
        assume(enough(rate) > places)
        loop = Loop(terms(), steps((600, 1.0), (300, rate), (200, 2 * rate), (9e9, 0.5)), serving=1, places=places)
        loop.run(900)
        held = loop.last.replicas
        loop.run(200)
        assert loop.last.replicas == held
        assert (loop.last.reason, loop.last.limited_by) == (Why.UNPLACEABLE, "no GPU")
        assert f"{held - places} of those asked for wait" in loop.last.message
        assert loop.run(4500).replicas < held

    def test_what_is_asked_for_and_has_no_place_is_told_though_no_more_is_needed(self) -> None:
        # One replica carries so much, though not within the objectives.
        loop = Loop(terms(first_token_seconds=0.5), lambda at: 2.0, serving=1, places=1)
        assert loop.run(1800).replicas == need(loop.last) == 2
        assert (loop.last.reason, loop.last.limited_by) == (Why.UNPLACEABLE, "no GPU")

    def test_a_moment_without_a_place_is_none(self) -> None:
        loop = Loop(terms(), steps((600, 1.0), (9e9, 8.0)), serving=1, places=1)
        loop.run(600 + PLACE_SECONDS / 2)
        first = loop.last.replicas
        assert first > 1
        assert loop.last.reason is not Why.UNPLACEABLE


class TestNothingIsAMeasurement:
    """Rule 4c: engines that say that nothing comes are heard."""

    @LAW
    @given(rate=calm, minimum=st.integers(1, 3))
    def test_the_number_falls_to_the_minimum(self, rate: float, minimum: int) -> None:
        loop = Loop(terms(minimum=minimum), steps((900, rate), (9e9, 0.0)), serving=enough(rate) + minimum)
        loop.run(900 + 3600 + 900)
        assert loop.last.replicas == minimum
        assert all(decision.valid for _, decision in loop.decisions)

    @LAW
    @given(rate=st.floats(0.0, 4.0), idle=st.sampled_from([60, 600]))
    def test_the_last_one_sleeps_once_nobody_has_asked_for_so_long(self, rate: float, idle: int) -> None:
        loop = Loop(terms(minimum=0, idle_seconds=idle), steps((900, rate), (9e9, 0.0)), serving=2)
        loop.run(900 + 3600 + 900)
        assert (loop.last.replicas, loop.last.reason) == (0, Why.ASLEEP)
        slept = next(at for at, decision in loop.decisions if decision.replicas == 0)
        assert slept >= idle + (900 if rate > 0.01 else 0)
        told = next(decision for _, decision in loop.decisions if decision.replicas == 0)
        assert f"{idle} s" in told.message

    def test_a_trickle_keeps_it_awake(self) -> None:
        loop = Loop(terms(minimum=0, idle_seconds=60), lambda at: 0.01, serving=1)
        loop.run(3600)
        assert set(loop.numbers) == {1}


class TestThoseThatStay:
    """Rule 4d: fewer only where they, with all that the others had, stay within the limits."""

    @LAW
    @given(script=phases, tick=ticks, window=st.sampled_from([None, 0, 60]))
    def test_hold_what_runs_and_carry_what_comes(
        self, script: list[tuple[float, float]], tick: float, window: int | None
    ) -> None:
        bound = terms(stabilization_seconds=window)
        loop = Loop(bound, steps(*script, (1200.0, 1.0)), serving=8, tick_seconds=tick, tuning=WITHOUT_LEARNING)
        while loop.now_seconds < sum(seconds for seconds, _ in script) + 1200.0:
            loop.pass_time(tick)
            decision, before = loop.decide(), len(loop.engines)
            if decision.replicas < before:
                running = sum(engine.running for engine in loop.engines)
                assert running <= CACHE_SHARE * SERVICE.most_sequences * decision.replicas
                least = min(loop.rate(loop.now_seconds - back) for back in range(0, 75, 5))
                assert keeps(SERVICE, load(least * 0.98), limits(bound), replicas=decision.replicas)
            loop.follow(decision)


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


def impossible(said: Counts) -> st.SearchStrategy[Counts]:
    """Return what an engine says where one number cannot be so."""
    totals = st.sampled_from(["running", "waiting", "finished", "prompt_tokens", "cached_tokens", "generation_tokens"])
    wrong = st.sampled_from([math.nan, math.inf, -math.inf, -1.0, -1e18, MOST * 2, 1e300])
    return st.builds(lambda field, value: replace(said, **{field: value}), totals, wrong)


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.floats(0, 1e6) | st.just(0.0)
histograms = st.builds(
    Histogram,
    sum_seconds=numbers,
    buckets=st.lists(st.tuples(numbers, numbers), max_size=4).map(tuple),
)
anything = st.builds(
    Counts,
    running=numbers,
    waiting=numbers,
    finished=st.none() | numbers,
    prompt_tokens=st.none() | numbers,
    cached_tokens=st.none() | numbers,
    generation_tokens=st.none() | numbers,
    cache_usage=st.none() | numbers,
    first_token=st.none() | histograms,
    output_token=st.none() | histograms,
    request_token=st.none() | histograms,
)


def spoiled(which: Sequence[int], spoil: Callable[[Counts, float], Counts], *, seconds: float) -> Say:
    """Return what is said where some engines go wrong for a time, from 1500 s on."""

    def say(engine: Engine, at: float, said: Counts) -> Counts:
        is_wrong = 1500 < at <= 1500 + seconds and int(engine.name.split("-")[1]) in which
        return spoil(said, at) if is_wrong else said

    return say


class TestGarbage:
    @LAW
    @given(data=st.data(), rate=calm, which=st.sets(st.integers(0, 8), min_size=1), seconds=st.floats(10, 600))
    def test_that_cannot_be_so_never_lowers(
        self, data: st.DataObject, rate: float, which: set[int], seconds: float
    ) -> None:
        def spoil(said: Counts, at: float) -> Counts:
            return data.draw(impossible(said))

        loop = settled(rate, say=spoiled(sorted(which), spoil, seconds=seconds))
        before = loop.last.replicas
        loop.run(1500)
        assert min(loop.numbers[-150:]) >= min(before, enough(rate * 0.97))

    @LAW
    @given(rate=calm, bad=histograms, which=st.sets(st.integers(0, 8), min_size=1))
    def test_in_histograms_neither_lowers_nor_stops_the_rest(
        self, rate: float, bad: Histogram, which: set[int]
    ) -> None:
        def spoil(said: Counts, at: float) -> Counts:
            return replace(said, first_token=bad, output_token=bad, request_token=bad)

        loop = settled(rate, say=spoiled(sorted(which), spoil, seconds=600))
        before = loop.last.replicas
        loop.run(600)
        assert min(loop.numbers[-60:]) >= min(before, enough(rate * 0.95))
        assert loop.last.valid

    @LAW
    @given(rate=calm, which=st.sets(st.integers(0, 8), min_size=1), every=st.sampled_from([30, 70, 120]))
    def test_counters_that_begin_anew_never_lower(self, rate: float, which: set[int], every: int) -> None:
        loop = settled(rate)
        before = loop.last.replicas
        for index in range(90):
            loop.run(10)
            for engine in loop.engines:
                if index * 10 % every == 0 and int(engine.name.split("-")[1]) in which:
                    engine.finished = engine.prompts = engine.written = engine.written_seconds = 0.0
                    engine.waits = dict.fromkeys(engine.waits, 0.0)
        assert min(loop.numbers[-90:]) >= min(before, enough(rate * 0.97))

    @LAW
    @given(
        rate=calm,
        which=st.sets(st.integers(0, 8), min_size=1),
        missing=st.sets(st.sampled_from(["prompt_tokens", "generation_tokens"]), min_size=1),
        seconds=st.sampled_from([10, 300, 1500]),
    )
    def test_tokens_that_are_not_told_never_lower(
        self, rate: float, which: set[int], missing: set[str], seconds: int
    ) -> None:
        """A figure that is NaN, negative, renamed or dropped by whoever scrapes is read as not told."""

        def spoil(said: Counts, at: float) -> Counts:
            return replace(said, **dict.fromkeys(missing))

        loop = settled(rate, say=spoiled(sorted(which), spoil, seconds=seconds))
        before = loop.last.replicas
        loop.run(seconds)
        assert min(loop.numbers[-seconds // 10 :]) >= min(before, enough(rate * 0.97))

    @LAW
    @given(
        rate=calm,
        which=st.integers(0, 8),
        total=st.sampled_from(["finished", "prompt_tokens", "generation_tokens"]),
        less=st.sampled_from([1.0, 1e3, 1e5]),
        seconds=st.sampled_from([10, 20, 100, 1200]),
    )
    def test_a_total_that_falls_while_its_engine_goes_on_is_no_traffic(
        self, rate: float, which: int, total: str, less: float, seconds: int
    ) -> None:
        """What it holds then is the history of days, also where it comes back after a while."""
        totals, old = ("finished", "prompt_tokens", "generation_tokens"), f"replica-{which % enough(rate)}"

        def say(engine: Engine, at: float, said: Counts) -> Counts:
            if engine.name != old:
                return said
            history = {name: getattr(said, name) + 1e8 for name in totals}
            if 1500 < at <= 1500 + seconds:
                history[total] -= 1e6 + less
            return replace(said, **history)

        loop = settled(rate, say=say)
        before = loop.last.replicas
        loop.run(1200)
        assert max(loop.numbers[-120:]) <= before + 1
        assert min(loop.numbers[-120:]) >= min(before, enough(rate * 0.95))

    @LAW
    @given(said=st.lists(anything, min_size=1, max_size=30), serving=st.integers(1, 3))
    def test_of_any_kind_is_survived_within_bounds_and_with_a_reason(self, said: list[Counts], serving: int) -> None:
        loop = Loop(terms(), lambda at: 2.0, serving=serving)
        loop.run(300)
        turn = iter(said * 3)
        loop.say = lambda engine, at, honest: next(turn, honest)
        for _ in range(60):
            decision = loop.run(10)
            assert 1 <= decision.replicas <= 50
            assert decision.message.endswith(".")
        assert all(math.isfinite(one) for one in (loop.state.slowness, loop.state.caution, loop.last.expected.now))

    @pytest.mark.parametrize("at_seconds", [1e12, -1e12])
    def test_a_clock_that_is_wrong_is_not_believed(self, at_seconds: float) -> None:
        loop = settled(6.0)
        before = loop.last.replicas
        wrong = [
            replace(one, sample=Sample(at_seconds=at_seconds, counts=one.sample.counts))
            for one in loop.replicas()
            if one.sample is not None
        ]
        decision = decide(loop.terms, wrong, loop.state, now_seconds=loop.now_seconds + 10)
        assert decision.replicas >= before


class TestReasons:
    @LAW
    @given(
        script=phases,
        places=st.sampled_from([2, 1000]),
        minimum=st.integers(0, 2),
        silent=st.sampled_from([(), (0,), (0, 1, 2, 3, 4, 5, 6, 7, 8)]),
    )
    def test_every_decision_has_one_that_names_numbers(
        self, script: list[tuple[float, float]], places: int, minimum: int, silent: tuple[int, ...]
    ) -> None:
        def say(engine: Engine, at: float, said: Counts) -> Counts | None:
            return None if 600 < at < 900 and int(engine.name.split("-")[1]) in silent else said

        loop = Loop(
            terms(minimum=minimum, maximum=6, idle_seconds=120),
            steps(*script, (900.0, 0.0)),
            serving=3,
            places=places,
            say=say,
        )
        loop.run(sum(seconds for seconds, _ in script) + 900.0)
        for _, decision in loop.decisions:
            assert decision.reason in Why
            assert decision.message[0].isupper() or decision.message[0].isdigit()
            assert decision.message.endswith(".")
            assert "  " not in decision.message
            assert "nan" not in decision.message
            is_dormant = decision.reason in (Why.ASLEEP, Why.WAKING)
            assert is_dormant or any(letter.isdigit() for letter in decision.message)

    @LAW
    @given(script=phases)
    def test_a_number_changes_only_for_one_that_says_so(self, script: list[tuple[float, float]]) -> None:
        loop = Loop(terms(maximum=6), steps(*script, (900.0, 1.0)), serving=2)
        loop.run(sum(seconds for seconds, _ in script) + 900.0)
        made = [decision for _, decision in loop.decisions]
        for before, after in itertools.pairwise(made):
            if after.replicas > before.replicas:
                assert after.reason in (Why.DEMAND, Why.CHANGE, Why.BACKLOG, Why.LIMITED)
            elif after.replicas < before.replicas:
                assert after.reason is Why.LOWERING
                assert f"goes down to {after.replicas}" in after.message or after.replicas > need(after)
