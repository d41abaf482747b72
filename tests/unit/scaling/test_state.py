"""The little that outlives a restart, and what is seen again."""

from dataclasses import replace

import pytest

from gemma4_operator.scaling.balance import Balance
from gemma4_operator.scaling.forecast import Forecast, Pick
from gemma4_operator.scaling.jumps import Jump, Jumps
from gemma4_operator.scaling.learning import Boots
from gemma4_operator.scaling.losses import Losses
from gemma4_operator.scaling.need import Need
from gemma4_operator.scaling.state import Remembered, State, begun_anew, remembered, resumed, unlearned

BEFORE = State(
    wanted=7,
    boots=Boots(seconds=(80.0, 90.0, 100.0), known=frozenset({"a"})),
    balance=Balance(ratio=0.8),
    slowness=1.2,
    caution=1.1,
    forecast=Forecast(pick=Pick(index=3, times=1.12, is_judged=True), peak=9.5, peak_seconds=4000.0),
    jumps=Jumps(known=(Jump(at_seconds=4800.0, replicas=9, is_costly=True),)),
    losses=Losses(share=0.007, serving=frozenset({"a"}), since=(4990.0,), at_seconds=5000.0),
    needs=(Need(4990.0, 7),),
    whole_since_seconds=100.0,
    decided_seconds=5000.0,
)


def test_what_took_time_to_learn_is_remembered() -> None:
    kept = remembered(BEFORE)
    assert kept.imbalance == pytest.approx(0.2)
    assert kept == Remembered(
        wanted=7,
        boot_seconds=96.0,
        slowness=1.2,
        caution=1.1,
        imbalance=kept.imbalance,
        peak=9.5,
        raised=1.12,
        jump_replicas=9,
        lost=0.007,
    )


def test_and_is_there_again_by_the_new_clock() -> None:
    state = resumed(remembered(BEFORE), now_seconds=30.0)
    assert (state.wanted, state.slowness, state.balance.imbalance) == (7, 1.2, pytest.approx(0.2))
    assert state.caution == 1.1
    assert state.boots.usual_seconds(300.0) == 96.0
    assert (state.forecast.peak, state.forecast.peak_seconds, state.forecast.pick.times) == (9.5, 30.0, 1.12)
    assert state.jumps == Jumps(known=(Jump(at_seconds=30.0, replicas=9, is_costly=True),))
    assert state.losses == Losses(share=0.007)


def test_nothing_counts_as_watched_that_was_not() -> None:
    state = resumed(remembered(BEFORE), now_seconds=30.0)
    assert state.whole_since_seconds is None
    assert state.forecast.guesses == ()
    assert (state.needs, state.series, state.decided_seconds) == ((), (), None)


def test_twice_is_once() -> None:
    once = remembered(resumed(remembered(BEFORE), now_seconds=30.0))
    assert remembered(resumed(once, now_seconds=60.0)) == once


def test_another_kind_of_replica_gets_requests_the_same_way() -> None:
    anew = begun_anew(BEFORE, now_seconds=5010.0)
    assert anew.balance == BEFORE.balance
    assert (anew.slowness, anew.caution, anew.boots.seconds) == (1.0, 1.0, ())


def test_a_scaler_that_never_decided_has_nothing_to_remember() -> None:
    assert remembered(State()) == Remembered()
    state = resumed(Remembered(), now_seconds=30.0)
    assert (state.wanted, state.boots.usual_seconds(100.0), state.slowness) == (None, 100.0, 1.0)


def test_once_all_of_another_kind_have_gone_only_what_their_speed_taught_is_forgotten() -> None:
    assert unlearned(BEFORE) == replace(BEFORE, slowness=1.0, caution=1.0)
