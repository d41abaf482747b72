"""Each reason once, on the rule itself: what is wanted, why, and in which words."""

import math
from dataclasses import replace

import pytest

from gemma4_operator.scaling.decide import PLACE_SECONDS, decide
from gemma4_operator.scaling.decision import Why
from gemma4_operator.scaling.down import STEP_SECONDS
from gemma4_operator.scaling.sample import Counts, Histogram, Replica, Stage
from gemma4_operator.scaling.state import State, remembered, resumed
from gemma4_operator.scaling.terms import Ceiling, Terms, Tuning
from tests.scaling import SERVICE, Engine, Loop, Say, counts, replica, steps, terms


def begun(bound: Terms, *stages: Stage) -> int:
    replicas = [replica(f"replica-{index}", stage) for index, stage in enumerate(stages)]
    return decide(bound, replicas, State(), now_seconds=0.0).replicas


class TestTheFirstDecision:
    @pytest.mark.parametrize(
        ("stages", "number"),
        [
            ((), 2),
            ((Stage.SERVING,) * 4, 4),
            ((Stage.LOADING, Stage.UNPLACED, Stage.FAILED), 3),
            ((Stage.SERVING,) * 3 + (Stage.LEAVING,), 3),
        ],
        ids=["none", "those that serve", "those that will", "without those that leave"],
    )
    def test_is_what_is_there_or_the_minimum(self, stages: tuple[Stage, ...], number: int) -> None:
        assert begun(terms(minimum=2), *stages) == number

    def test_of_a_resource_that_may_sleep_is_one(self) -> None:
        assert begun(terms(minimum=0)) == 1


class TestReasons:
    def test_starting(self) -> None:
        decision = decide(terms(), [replica("a", Stage.LOADING)], State(wanted=3), now_seconds=0.0)
        assert (decision.replicas, decision.reason, decision.valid) == (3, Why.STARTING, True)

    def test_starting_as_long_as_there_is_nothing_to_compare_with(self) -> None:
        loop = Loop(terms(), lambda at: 6.0, serving=3)
        first = loop.run(10)
        assert (first.replicas, first.reason, first.expected) == (3, Why.STARTING, None)
        assert first.message == "3 replicas stay: the next word of the engines will be the first to tell what comes."
        assert loop.run(10).expected is not None

    def test_demand(self) -> None:
        loop = Loop(terms(), lambda at: 6.0, serving=2)
        decision = loop.run(1500)
        assert decision.reason is Why.DEMAND
        assert decision.expected.now == pytest.approx(6.0, rel=0.02)
        assert decision.message.startswith("360 requests a minute come, and 360 are expected in ")

    def test_an_objective_that_no_number_reaches_is_named_and_nothing_impossible_is_promised(self) -> None:
        loop = Loop(terms(first_token_seconds=0.2), lambda at: 6.0, serving=2)
        decision = loop.run(1500)
        assert decision.reason is Why.DEMAND
        assert decision.message.endswith(
            "keep 398 ms to the first token and 60 ms for each. `spec.objectives.timeToFirstTokenMilliseconds` allows "
            "200 ms, and of the longest 5 % of prompts each takes 319 ms alone. Near to that more replicas gain "
            "little: 398 ms is kept. "
            "Take a faster GPU or allow more time."
        )
        assert decision.replicas < 15

    def test_nor_does_the_number_fall_where_replicas_turn_out_too_slow_for_it(self) -> None:
        """Believed to be a little too slow for it, fewer ran than if they were a little faster."""
        fast, slow = (
            Loop(terms(first_token_seconds=0.3, service=SERVICE.slowed(times)), lambda at: 6.0, serving=2)
            for times in (0.9, 1.3)
        )
        assert fast.run(1500).replicas <= slow.run(1500).replicas

    def test_change(self) -> None:
        loop = Loop(terms(minimum=2), steps((900, 2.0), (9e9, 7.0)), serving=2)
        loop.run(1000)
        changed = [decision for _, decision in loop.decisions if decision.reason is Why.CHANGE]
        assert changed
        assert "because they have been" in changed[0].message
        assert changed[0].expected.then > changed[0].expected.now

    def test_backlog(self) -> None:
        loop = Loop(terms(), steps((900, 6.0), (9e9, 60.0)), serving=3)
        loop.run(1100)
        piled = [decision for _, decision in loop.decisions if decision.reason is Why.BACKLOG]
        assert piled
        assert "requests wait, which" in piled[0].message

    def test_minimum(self) -> None:
        decision = Loop(terms(minimum=3), lambda at: 0.5, serving=3).run(1500)
        assert (decision.replicas, decision.reason) == (3, Why.MINIMUM)
        assert "`spec.autoscaling.minReplicas` is 3." in decision.message

    def test_partial_data(self) -> None:
        said = replica("a", at=0.0, said=counts(1, 0, finished=5))
        decision = decide(terms(), [said, replica("b")], State(wanted=2), now_seconds=0.0)
        assert (decision.replicas, decision.reason, decision.valid) == (2, Why.PARTIAL_DATA, False)
        assert decision.message.startswith("1 of 2 replicas do not say what they do")
        assert decision.expected is None, "of those that do it is the first word"

    def test_no_data(self) -> None:
        decision = decide(terms(), [replica("a"), replica("b")], State(wanted=2), now_seconds=0.0)
        assert (decision.replicas, decision.reason, decision.valid) == (2, Why.NO_DATA, False)

    def test_limited(self) -> None:
        decision = Loop(terms(maximum=2), lambda at: 12.0, serving=2).run(600)
        assert (decision.replicas, decision.reason) == (2, Why.LIMITED)
        assert "`spec.autoscaling.maxReplicas` allows 2" in decision.message

    def test_stabilizing_then_lowering(self) -> None:
        loop = Loop(terms(), steps((900, 8.0), (9e9, 1.0)), serving=3)
        loop.run(1500)
        reasons = [decision.reason for _, decision in loop.decisions[90:]]
        assert reasons.index(Why.STABILIZING) < reasons.index(Why.LOWERING)

    @pytest.mark.parametrize(("passed", "reason"), [(PLACE_SECONDS - 1, Why.DEMAND), (PLACE_SECONDS, Why.UNPLACEABLE)])
    def test_unplaceable_once_it_has_lasted(self, passed: float, reason: Why) -> None:
        # One replica carries so much, though not within the objectives.
        loop = Loop(terms(first_token_seconds=0.5), lambda at: 2.0, serving=1, places=1)
        loop.run(1800)
        serves, waits = loop.replicas()
        assert waits.stage is Stage.UNPLACED
        seen = (serves, replace(waits, since_seconds=loop.now_seconds - passed))
        assert decide(loop.terms, seen, loop.state, now_seconds=loop.now_seconds).reason is reason

    @pytest.mark.parametrize(
        ("passed", "reason"), [(PLACE_SECONDS - 1, Why.STARTING), (PLACE_SECONDS, Why.UNPLACEABLE)]
    )
    def test_also_where_it_is_the_only_one(self, passed: float, reason: Why) -> None:
        """As one that was woken into a cluster without room."""
        waits = replica("replica-1", Stage.UNPLACED, since_seconds=100.0 - passed)
        decision = decide(terms(), [waits], State(wanted=1), now_seconds=100.0)
        assert (decision.replicas, decision.reason) == (1, reason)
        assert bool(decision.limited_by) == (reason is Why.UNPLACEABLE)
        assert decision.message.startswith("None of 1 replica serves yet")

    def test_a_budget_of_nothing_says_so_for_as_long_as_it_lasts_and_one_comes_back_with_it(self) -> None:
        idle = terms(minimum=0, idle_seconds=60.0)
        loop = Loop(idle, lambda at: 4.0, serving=2)
        loop.run(600)
        loop.terms = replace(idle, ceiling=Ceiling(replicas=0, field="spec.placement.maximumGPUs"))
        loop.run(900)
        told = {(one.replicas, one.reason, one.limited_by) for _, one in loop.decisions[-89:]}
        assert told == {(0, Why.LIMITED, "spec.placement.maximumGPUs")}
        loop.terms = idle
        assert loop.run(10).replicas >= 1


class TestParts:
    """Each part of the rule that can be left out changes something."""

    def test_without_learning_a_wrong_plan_stays(self) -> None:
        slow = terms().service.slowed(1.3)
        learned, plain = (
            Loop(terms(), lambda at: 6.0, serving=3, engine=slow, tuning=Tuning(learning=learning)).run(1500)
            for learning in (True, False)
        )
        assert learned.state.slowness == pytest.approx(1.3, rel=0.05)
        assert (plain.state.slowness, plain.state.caution) == (1.0, 1.0)

    def test_without_change_detection_a_step_is_seen_later(self) -> None:
        def first_raise(tuning: Tuning) -> float:
            loop = Loop(terms(), steps((900, 2.0), (9e9, 9.0)), serving=1, tuning=tuning)
            loop.run(1200)
            return next(at for at, decision in loop.decisions if at > 900 and decision.replicas > 2)

        no_backlog = Tuning(backlog=False)
        assert first_raise(no_backlog) < first_raise(replace(no_backlog, change=False, forecast=False))

    def test_without_a_forecast_only_what_comes_now_counts(self) -> None:
        loop = Loop(terms(), lambda at: 2.0 + at / 300, serving=3, tuning=Tuning(forecast=False, change=False))
        decision = loop.run(1800)
        assert decision.expected.then == pytest.approx(decision.expected.now, rel=0.01)
        ahead = Loop(terms(), lambda at: 2.0 + at / 300, serving=3, tuning=Tuning(change=False)).run(1800)
        assert ahead.expected.then > ahead.expected.now

    def test_without_backlog_what_waits_asks_for_nothing(self) -> None:
        loop = Loop(terms(), steps((900, 2.0), (9e9, 40.0)), serving=1, tuning=Tuning(backlog=False))
        loop.run(1100)
        assert all(decision.reason is not Why.BACKLOG for _, decision in loop.decisions)

    def test_a_surer_forecast_asks_for_no_less(self) -> None:
        def flickers(at: float) -> float:
            return 2.0 + (int(at / 20) * 7919 % 5) / 2

        sure, careless = (
            Loop(terms(), flickers, serving=2, tuning=Tuning(share=share)).run(3600).expected.then
            for share in (0.95, 0.5)
        )
        assert sure > careless


def test_a_silent_replica_that_waits_for_its_first_word_does_not_stop_the_rest() -> None:
    new = replica("b", serving_since_seconds=0.0)
    old = replica("a", at=9.0, said=counts(1, 0, finished=5))
    decision = decide(terms(), [old, new], State(wanted=2), now_seconds=10.0)
    assert decision.valid


def seldom(apart_seconds: float, *, missed: frozenset[int] = frozenset()) -> Say:
    """Say something as often as a Prometheus scrapes, but for the scrapes that are missed."""

    def say(engine: Engine, at: float, said: Counts) -> Counts | None:
        return said if at % apart_seconds < 5 and at // apart_seconds not in missed else None

    return say


class TestThoseThatAreReadSeldom:
    """A Prometheus scrapes every 15 to 60 s: what is not known yet is not zero."""

    @pytest.mark.parametrize("apart", [15.0, 30.0, 60.0])
    @pytest.mark.parametrize(("boot", "window"), [(40.0, None), (100.0, None), (40.0, 0.0)])
    def test_a_restart_lowers_nothing(self, boot: float, window: float | None, apart: float) -> None:
        bound = terms(boot_seconds=boot, stabilization_seconds=window)
        loop = Loop(bound, lambda at: 60.0, serving=20, say=seldom(apart), tick_seconds=5.0)
        before = loop.run(3600).replicas
        loop.state = resumed(remembered(loop.state), now_seconds=loop.now_seconds)
        begin = len(loop.decisions)
        loop.run(600)
        assert min(loop.numbers[begin:]) >= before

    @pytest.mark.parametrize("missed", [{60, 61}, {60, 61, 62, 63}])
    @pytest.mark.parametrize("boot", [40.0, 100.0])
    def test_nor_do_scrapes_that_are_missed(self, boot: float, missed: set[int]) -> None:
        say = seldom(60.0, missed=frozenset(missed))
        loop = Loop(terms(boot_seconds=boot), lambda at: 60.0, serving=20, say=say, tick_seconds=5.0)
        before = loop.run(3500).replicas
        begin = len(loop.decisions)
        loop.run(900)
        assert min(loop.numbers[begin:]) >= before
        assert not all(decision.valid for _, decision in loop.decisions[begin:])

    @pytest.mark.parametrize(("apart", "learns"), [(5.0, True), (15.0, True), (30.0, False), (60.0, False)])
    def test_how_fast_they_are_is_not_read_off_a_mean_of_work_and_rest(self, apart: float, learns: bool) -> None:
        slow = SERVICE.slowed(1.2)
        loop = Loop(terms(), lambda at: 6.0, serving=3, engine=slow, say=seldom(apart), tick_seconds=5.0)
        believed = loop.run(3600).state.slowness
        assert believed == pytest.approx(1.2, rel=0.05) if learns else believed == 1.0


def test_times_that_are_all_a_little_late_are_noticed_though_no_bound_tells() -> None:
    """Engines that count at 1 and 2.5 s around a promise of 2 s, and each first token takes 2.3 s."""

    def say(engine: Engine, at: float, said: Counts) -> Counts:
        times = Histogram(
            sum_seconds=2.3 * engine.prompts, buckets=((1.0, 0.0), (2.5, engine.prompts), (math.inf, engine.prompts))
        )
        return replace(said, first_token=times)

    loop = Loop(terms(attainment=0.99), lambda at: 6.0, serving=3, say=say)
    assert loop.run(1800).state.caution > 1.2


def test_of_traffic_that_is_heard_in_part_nothing_is_learned() -> None:
    loop = Loop(
        terms(minimum=3),
        lambda at: 4.0,
        serving=3,
        engine=terms().service.slowed(1.3),
        say=lambda engine, at, said: None if engine.name == "replica-1" else said,
    )
    assert loop.run(1500).state.slowness == 1.0


def test_nobody_is_known_not_to_have_asked_while_one_is_not_heard() -> None:
    bound, state = terms(minimum=0, idle_seconds=60), State(wanted=1)
    silent = replica("b")
    for now in range(0, 600, 10):
        idle = replica("a", at=float(now), said=counts(0, 0, finished=5))
        state = decide(bound, [idle, silent], state, now_seconds=float(now)).state
    idle = replica("a", at=600.0, said=counts(0, 0, finished=5))
    assert decide(bound, [idle], state, now_seconds=600.0).reason is not Why.ASLEEP


@pytest.mark.parametrize("stage", [Stage.SERVING, Stage.LOADING])
def test_what_was_so_before_a_moment_without_a_word_is_not_known_to_be_so_after_it(stage: Stage) -> None:
    before = State(wanted=1, whole_since_seconds=0.0, at_work_seconds=0.0, busy_seconds=0.0)
    state = decide(terms(), [replica("a", stage)], before, now_seconds=500.0).state
    assert (state.whole_since_seconds, state.at_work_seconds, state.busy_seconds) == (None, None, 500.0)


@pytest.mark.parametrize(("asked", "number"), [(None, 0), (99.0, 0), (100.0, 0), (101.0, 1)])
def test_only_who_asked_since_the_last_answer_wakes_one(asked: float | None, number: int) -> None:
    asleep = State(wanted=0, busy_seconds=100.0)
    assert decide(terms(minimum=0), [], asleep, now_seconds=200.0, asked_seconds=asked).replicas == number


def test_the_last_one_does_not_go_in_the_step_of_the_one_before() -> None:
    loop = Loop(terms(minimum=0, idle_seconds=300), lambda at: 0.0, serving=2, tick_seconds=5.0)
    loop.run(900)
    one = next(at for at, decision in loop.decisions if decision.replicas == 1)
    none = next(at for at, decision in loop.decisions if decision.replicas == 0)
    assert none - one >= STEP_SECONDS


def test_where_nobody_asks_for_so_long_all_go_however_many_there_are() -> None:
    """After a peak the floor of a tenth of it keeps more than one for an hour; it is no reason to stay awake."""
    loop = Loop(terms(minimum=0, idle_seconds=30), lambda at: 0.0, serving=3, tick_seconds=5.0)
    loop.run(60)
    assert [decision.replicas for _, decision in loop.decisions][-1] == 0
    assert {decision.replicas for at, decision in loop.decisions if at < 30} == {3}


def test_who_asks_while_one_serves_keeps_it_awake_and_wakes_none_later() -> None:
    """A wish of the 20th second is answered by the replica that serves, for as long as idleness is borne."""
    loop = Loop(terms(minimum=0, idle_seconds=60), lambda at: 0.0, serving=1, tick_seconds=5.0)
    loop.asked_seconds = loop.now_seconds + 20
    loop.run(70)
    assert loop.last.replicas == 1
    loop.run(300)
    asleep = [decision.replicas for at, decision in loop.decisions if at >= 90]
    assert set(asleep) == {0}


@pytest.mark.parametrize(("heard_seconds", "sleeps"), [(60.0, True), (59.0, False), (5.0, False)])
def test_nobody_is_known_not_to_have_asked_since_the_oldest_word(heard_seconds: float, sleeps: bool) -> None:
    """Idle for a minute, says what was heard: of the time since then, nothing is known."""
    bound, now = terms(minimum=0, idle_seconds=60), 1060.0
    state = State(wanted=1, busy_seconds=1000.0)
    first = replica("a", at=1000.0 + heard_seconds - 10.0, said=counts(0, 0, finished=5))
    state = replace(decide(bound, [first], state, now_seconds=1050.0).state, busy_seconds=1000.0)
    said = replica("a", at=1000.0 + heard_seconds, said=counts(0, 0, finished=5))
    assert (decide(bound, [said], state, now_seconds=now).reason is Why.ASLEEP) is sleeps


@pytest.mark.parametrize("away_seconds", [60.0, 90.0])
def test_a_pod_that_flaps_keeps_no_more_than_are_needed(away_seconds: float) -> None:
    """Not ready for one round each minute or two, as where a probe is too strict."""

    class Flapping(Loop):
        def replicas(self) -> tuple[Replica, ...]:
            is_away = self.now_seconds % away_seconds < 10
            return tuple(
                replace(one, stage=Stage.LOADING, serving_since_seconds=None) if is_away and index == 0 else one
                for index, one in enumerate(super().replicas())
            )

    loop = Flapping(terms(), steps((1200, 20.0), (9e9, 3.0)), serving=6)
    assert loop.run(7200).replicas == 1


def test_what_is_missing_for_a_moment_was_not_needed() -> None:
    """While not all are heard the number stays, and nobody says later that so many were needed."""

    def say(engine: Engine, at: float, said: Counts) -> Counts | None:
        return None if engine.name == "replica-1" and 900 < at < 1100 else said

    loop = Loop(terms(stabilization_seconds=300.0), lambda at: 3.0, serving=6, say=say)
    loop.run(2400)
    assert "6 were needed" not in " ".join(decision.message for at, decision in loop.decisions if at > 400)


class TestWhenTheOperatorBegins:
    """What it sees at first has a past that it does not know."""

    def seen(self, since_seconds: float) -> tuple[float, ...]:
        """Return the boots that are believed of a pod that is not ready at first, and is a moment later."""
        old = replica("a", Stage.LOADING, since_seconds=since_seconds)
        state = decide(terms(), [old], State(wanted=1), now_seconds=0.0).state
        ready = replica("a", since_seconds=since_seconds, serving_since_seconds=10.0)
        return decide(terms(), [ready], state, now_seconds=15.0).state.boots.seconds

    def test_one_that_is_old_and_not_ready_for_a_moment_has_not_booted_for_days(self) -> None:
        assert self.seen(since_seconds=-200_000.0) == ()

    def test_one_that_came_a_moment_ago_has(self) -> None:
        assert self.seen(since_seconds=-70.0) == (80.0,)
