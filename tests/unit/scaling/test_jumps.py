"""Jumps that made requests late are remembered for an hour; all that the rule can prepare for is none."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.decision import Why
from gemma4_operator.scaling.jumps import REMEMBERED_SECONDS, Jumps, kept, noticed, unheard
from gemma4_operator.scaling.terms import Tuning
from tests.scaling import Loop, steps, terms

BOOT, TICK = 100.0, 10.0
LOW, HIGH = 2.0, 9.0


@dataclass(frozen=True, kw_only=True)
class Phase:
    """So long so many are needed, and asked for beforehand or not."""

    seconds: float
    load: int
    asked: int | None = None
    is_late: bool = False


def after(phases: Iterable[Phase], *, first: Jumps | None = None, since: float = 0.0) -> Jumps:
    jumps, now = first or Jumps(), since
    for phase in phases:
        end = now + phase.seconds
        while now < end:
            now += TICK
            asked = phase.asked if phase.asked is not None else phase.load
            jumps = noticed(
                jumps,
                load=phase.load,
                asked=max(phase.load, asked),
                is_late=phase.is_late,
                now_seconds=now,
                horizon_seconds=BOOT,
            )
    return jumps


QUIET = Phase(seconds=600, load=2)
STRUCK = Phase(seconds=200, load=6, is_late=True)


class TestWhatAJumpIs:
    def test_a_load_far_beyond_what_was_asked_for_a_boot_ago(self) -> None:
        assert after([QUIET, STRUCK]).replicas == 6

    @pytest.mark.parametrize(("load", "kept_for_it"), [(3, 0), (4, 4)])
    def test_is_more_than_half_as_many_again(self, load: int, kept_for_it: int) -> None:
        assert after([QUIET, replace(STRUCK, load=load)]).replicas == kept_for_it

    def test_is_not_what_was_prepared_for(self) -> None:
        assert after([replace(QUIET, asked=6), STRUCK]).replicas == 0

    def test_is_not_what_made_nobody_wait(self) -> None:
        assert after([QUIET, replace(STRUCK, is_late=False)]).replicas == 0

    def test_counts_as_costly_when_the_late_ones_are_known_only_afterwards(self) -> None:
        ends_at_once = replace(STRUCK, seconds=60, is_late=False)
        assert after([QUIET, ends_at_once, replace(QUIET, seconds=60, is_late=True)]).replicas == 6
        assert after([QUIET, ends_at_once, QUIET, replace(QUIET, is_late=True)]).replicas == 0

    def test_is_not_seen_before_a_whole_boot_was_watched(self) -> None:
        assert after([replace(QUIET, seconds=BOOT - TICK), replace(STRUCK, seconds=TICK)]).replicas == 0
        assert after([replace(QUIET, seconds=BOOT), replace(STRUCK, seconds=TICK)]).replicas == 6

    def test_nor_over_a_gap(self) -> None:
        deaf = unheard(after([QUIET]), now_seconds=601.0)
        assert after([replace(STRUCK, seconds=BOOT)], first=deaf, since=601.0).replicas == 0


class TestHowLongItIsRemembered:
    @pytest.mark.parametrize(("seconds", "replicas"), [(REMEMBERED_SECONDS - 200, 6), (REMEMBERED_SECONDS, 0)])
    def test_an_hour(self, seconds: float, replicas: int) -> None:
        assert after([QUIET, STRUCK, replace(QUIET, seconds=seconds)]).replicas == replicas

    def test_from_its_last_like_on_although_nobody_was_late_in_that(self) -> None:
        served = replace(STRUCK, is_late=False)
        almost = replace(QUIET, seconds=REMEMBERED_SECONDS - 600)
        assert after([QUIET, STRUCK, almost, served, almost]).replicas == 6

    def test_but_a_higher_one_that_made_nobody_wait_is_none(self) -> None:
        higher = replace(STRUCK, load=9, is_late=False)
        almost = replace(QUIET, seconds=REMEMBERED_SECONDS - 600)
        assert after([QUIET, STRUCK, almost, higher, almost]).replicas == 0

    def test_the_highest_counts(self) -> None:
        assert after([QUIET, replace(STRUCK, load=8), QUIET, STRUCK]).replicas == 8
        assert after([QUIET, STRUCK, QUIET, replace(STRUCK, load=8)]).replicas == 8

    def test_over_a_gap_as_well(self) -> None:
        jumps = after([QUIET, STRUCK])
        assert unheard(jumps, now_seconds=900.0).replicas == 6
        assert unheard(jumps, now_seconds=800.0 + REMEMBERED_SECONDS).replicas == 0

    def test_after_a_restart_for_an_hour_anew(self) -> None:
        assert kept(6, now_seconds=50.0).replicas == 6
        assert unheard(kept(6, now_seconds=50.0), now_seconds=49.0 + REMEMBERED_SECONDS).replicas == 6
        assert unheard(kept(6, now_seconds=50.0), now_seconds=50.0 + REMEMBERED_SECONDS).replicas == 0
        assert kept(0, now_seconds=50.0) == Jumps()


phases = st.lists(
    st.builds(Phase, seconds=st.floats(10, 1500), load=st.integers(1, 40), is_late=st.booleans()), max_size=8
)


class TestLaws:
    @given(seen=phases)
    def test_no_more_is_kept_than_was_ever_needed(self, seen: list[Phase]) -> None:
        assert after(seen).replicas <= max((phase.load for phase in seen), default=0)

    @given(seen=phases)
    def test_nothing_is_kept_where_nobody_was_ever_late(self, seen: list[Phase]) -> None:
        assert after(replace(phase, is_late=False) for phase in seen).replicas == 0

    @given(seen=phases)
    def test_all_is_forgotten_in_an_hour_of_quiet(self, seen: list[Phase]) -> None:
        assert after([*seen, Phase(seconds=REMEMBERED_SECONDS + 200, load=1)]).replicas == 0

    @given(seen=phases)
    def test_what_is_remembered_stays_small(self, seen: list[Phase]) -> None:
        jumps = after(seen)
        assert len(jumps.asked) <= (BOOT + 60) / TICK + 1
        assert len(jumps.known) <= REMEMBERED_SECONDS / 180 + 1


def struck(*, tuning: Tuning | None = None) -> Loop:
    """A quarter of an hour of little traffic, a jump of five minutes, and little again for twenty minutes."""
    traffic = steps((900, LOW), (300, HIGH), (1200, LOW))
    loop = Loop(terms(), traffic, serving=1, tuning=tuning or Tuning())
    loop.run(2400)
    return loop


class TestInTheRule:
    def test_the_number_stays_and_says_why(self) -> None:
        loop = struck()
        assert loop.last.reason is Why.JUMP
        stays = loop.last.state.jumps.replicas
        assert loop.last.replicas == stays >= 3
        assert loop.last.message.endswith(
            f" Within the last hour traffic jumped to what {stays} replicas serve, faster than a replica comes, so as "
            "many stay."
        )

    def test_without_it_the_number_goes_down(self) -> None:
        loop = struck(tuning=Tuning(jumps=False))
        assert loop.last.replicas < struck().last.replicas
        assert loop.last.reason is Why.DEMAND

    def test_the_next_jump_finds_them_ready(self) -> None:
        traffic = steps((900, LOW), (300, HIGH), (1200, LOW), (300, HIGH), (600, LOW))
        loop = Loop(terms(), traffic, serving=1)
        loop.run(1500)
        late = sum(engine.waits[5.0] < engine.waits[float("inf")] for engine in loop.engines)
        assert late, "the first made requests wait"
        loop.run(1800)
        assert all(engine.waiting < 1 for engine in loop.engines)
        assert min(loop.numbers[-90:]) >= loop.last.state.jumps.replicas

    def test_after_an_hour_they_go_step_by_step(self) -> None:
        loop = struck()
        loop.run(REMEMBERED_SECONDS)
        assert loop.last.replicas == 1
        assert {decision.reason for _, decision in loop.decisions[-150:]} >= {Why.LOWERING}

    def test_it_keeps_nobody_awake(self) -> None:
        loop = Loop(terms(minimum=0), steps((900, LOW), (300, HIGH), (300, LOW), (9e9, 0.0)), serving=1)
        loop.run(2700)
        assert loop.last.state.jumps.replicas >= 3
        assert (loop.last.replicas, loop.last.reason) == (0, Why.ASLEEP)

    def test_a_slow_rise_is_none(self) -> None:
        loop = Loop(terms(), lambda at: 1.0 + at / 600, serving=1)
        assert loop.run(7200).state.jumps.replicas == 0
