"""Laws of the scaler on what holds a number though less is needed, and on what does not hold it.

In most traffic the need alone decides, so here each of the other reasons is the only one: few replicas are needed from
the first moment to the last, and more are there. How a law ends is part of it: once its reason is gone the number
falls, so nothing else has held it.
"""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.planner.limits import COST_LIMIT
from gemma4_operator.scaling.decision import Why
from gemma4_operator.scaling.meter import STALE_SECONDS
from gemma4_operator.scaling.sample import Counts
from gemma4_operator.scaling.staffing import CACHE_SHARE
from gemma4_operator.scaling.terms import Ceiling, Tuning
from tests.property.laws import SHORT_LAW, enough
from tests.scaling import SERVICE, Engine, Loop, Say, terms

HELD_SECONDS = 300.0
"""For how long there is a reason: without one the number would have begun to fall after a third of it."""
FREE_SECONDS = 600.0
"""After which the number has gone all the way down, one of at most `MOST` at a time."""
MOST = 10

few = st.floats(0.0, 1.0)
"""Requests per second, of which one replica carries all."""
several = st.integers(4, MOST)
windows = st.sampled_from([None, 0, 60])


def beside(*, running: float = 0.0, waiting: float = 0.0) -> Say:
    """Return what is said where each replica has more in work than comes, until the reason to hold is gone."""

    def say(engine: Engine, at: float, said: Counts) -> Counts:
        if at > HELD_SECONDS:
            return said
        return replace(said, running=said.running + running, waiting=said.waiting + waiting)

    return say


class TestThoseThatStay:
    """Rule 4d: fewer only where they hold all that runs, and nothing waits."""

    @SHORT_LAW
    @given(rate=few, serving=several, long=st.floats(40.0, 80.0), window=windows)
    def test_hold_long_answers_of_before_while_few_requests_come(
        self, rate: float, serving: int, long: float, window: int | None
    ) -> None:
        """Each replica is more than half full of them, so that one alone never holds those of two."""
        loop = Loop(terms(stabilization_seconds=window), lambda at: rate, serving=serving, say=beside(running=long))
        while loop.now_seconds < HELD_SECONDS:
            before = len(loop.engines)
            loop.pass_time(10.0)
            running = sum(engine.said.counts.running for engine in loop.engines if engine.said is not None)
            loop.follow(loop.decide())
            if loop.last.replicas < before:
                assert running <= CACHE_SHARE * SERVICE.most_sequences * loop.last.replicas
        assert loop.last.replicas > enough(rate)
        loop.run(FREE_SECONDS)
        assert loop.last.replicas == enough(rate)

    @SHORT_LAW
    @given(rate=few, serving=several, each=st.floats(1.0, 3.0), window=windows, backlog=st.booleans())
    def test_get_nothing_to_do_that_waits_already(
        self, rate: float, serving: int, each: float, window: int | None, backlog: bool
    ) -> None:
        """So few wait that those that are there have them in work at once, and none more is needed for them."""
        loop = Loop(
            terms(stabilization_seconds=window),
            lambda at: rate,
            serving=serving,
            say=beside(waiting=each),
            tuning=Tuning(backlog=backlog),
        )
        loop.run(HELD_SECONDS)
        assert set(loop.numbers) == {serving}
        loop.run(FREE_SECONDS)
        assert loop.last.replicas == enough(rate)


class TestPartOfTheData:
    """Rule 3: what some say never lowers the number, however little it tells of."""

    @SHORT_LAW
    @given(
        rate=few, serving=several, others=st.sets(st.integers(2, MOST - 1)), since=st.floats(0.0, 50.0), window=windows
    )
    def test_that_tells_of_less_holds_the_number_and_says_so(
        self, rate: float, serving: int, others: set[int], since: float, window: int | None
    ) -> None:
        """From the start on, or after a while, and told by one or by all but one. The youngest go first."""
        silent = {1, *others}

        def say(engine: Engine, at: float, said: Counts) -> Counts | None:
            is_silent = int(engine.name.split("-")[1]) in silent and since <= at <= HELD_SECONDS
            return None if is_silent else said

        loop = Loop(terms(stabilization_seconds=window), lambda at: rate, serving=serving, say=say)
        # What was said last counts for as long, and may lower the number meanwhile.
        loop.run(since + STALE_SECONDS + loop.tick_seconds)
        held, unheard = loop.last.replicas, sum(index in silent for index in range(loop.last.replicas))
        assert held > enough(rate)
        while loop.now_seconds < HELD_SECONDS:
            decision = loop.run(loop.tick_seconds)
            assert (decision.replicas, decision.reason, decision.valid) == (held, Why.PARTIAL_DATA, False)
            assert f"{unheard} of {held} replicas do not say" in decision.message
        loop.run(FREE_SECONDS)
        assert loop.last.replicas == enough(rate)


class TestABudget:
    """Rule 7: it goes before a minimum, whatever else is so."""

    @SHORT_LAW
    @given(
        minimum=st.integers(1, 8),
        share=st.floats(0.0, 0.99),
        width=st.integers(0, 4),
        rate=st.floats(0.0, 20.0),
        serving=st.integers(0, 8),
        silent=st.booleans(),
    )
    def test_goes_before_a_minimum(
        self, minimum: int, share: float, width: int, rate: float, serving: int, silent: bool
    ) -> None:
        most = int(share * minimum)
        bound = terms(
            minimum=minimum, maximum=minimum + width, ceiling=Ceiling(replicas=most, field=COST_LIMIT), boot_seconds=20
        )
        loop = Loop(bound, lambda at: rate, serving=serving, say=lambda engine, at, said: None if silent else said)
        loop.run(120)
        for _, decision in loop.decisions:
            assert decision.replicas == most < minimum
            assert (decision.reason, decision.limited_by) == (Why.LIMITED, COST_LIMIT)
            assert f"`{COST_LIMIT}` allows {most}" in decision.message

    @SHORT_LAW
    @given(minimum=st.integers(1, 8), more=st.integers(0, 4), serving=st.integers(1, 12))
    def test_that_is_no_narrower_leaves_the_minimum(self, minimum: int, more: int, serving: int) -> None:
        bound = terms(minimum=minimum, maximum=20, ceiling=Ceiling(replicas=minimum + more, field=COST_LIMIT))
        loop = Loop(bound, lambda at: 0.5, serving=serving)
        loop.run(120)
        assert all(minimum <= decision.replicas <= minimum + more for _, decision in loop.decisions)
