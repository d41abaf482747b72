"""Laws of the scaler: what cannot be never lowers the number, and each number has a reason that people read."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.decide import decide
from gemma4_operator.scaling.decision import Why
from gemma4_operator.scaling.sample import Counts, Histogram, Sample
from gemma4_operator.scaling.sound import MOST
from tests.property.laws import LAW, calm, enough, need, phases, settled
from tests.scaling import Engine, Loop, Say, steps, terms


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
