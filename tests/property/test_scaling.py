"""Laws of the scaler, on the rule itself: what a correct loop needs, as the failures of published ones show.

Each was broken by some autoscaler in use. A loop of few lines plays the engines; see tests/scaling.py. Its limits and
how steady it is are in test_scaling_steady.py, engines that say nonsense in test_scaling_garbage.py, what holds a
number that is not needed in test_scaling_holds.py, rule 5 in tests/integration/test_scaling.py, and rule 6 in
tests/unit/engines/test_dialects.py.
"""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gemma4_operator.scaling.decide import PLACE_SECONDS, decide
from gemma4_operator.scaling.decision import Why
from gemma4_operator.scaling.down import STEP_SECONDS, stabilization_seconds
from gemma4_operator.scaling.learning import OVERDUE
from gemma4_operator.scaling.meter import STALE_SECONDS
from gemma4_operator.scaling.sample import Counts, Stage
from gemma4_operator.scaling.staffing import CACHE_SHARE, keeps
from gemma4_operator.scaling.terms import Tuning
from tests.property.laws import LAW, calm, enough, falls, limits, load, need, phases, settled, ticks
from tests.scaling import SERVICE, Engine, Loop, steps, terms

WITHOUT_LEARNING = Tuning(learning=False)


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
