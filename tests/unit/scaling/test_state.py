"""The little that outlives a restart, and what is seen again."""

from gemma4_operator.scaling.forecast import Forecast
from gemma4_operator.scaling.learning import Boots
from gemma4_operator.scaling.state import Need, Remembered, State, remembered, resumed

BEFORE = State(
    wanted=7,
    boots=Boots(seconds=(80.0, 90.0, 100.0), known=frozenset({"a"})),
    slowness=1.2,
    caution=1.1,
    forecast=Forecast(peak=9.5, peak_seconds=4000.0),
    needs=(Need(4990.0, 7),),
    whole_since_seconds=100.0,
    decided_seconds=5000.0,
)


def test_what_took_time_to_learn_is_remembered() -> None:
    assert remembered(BEFORE) == Remembered(wanted=7, boot_seconds=96.0, slowness=1.2, peak=9.5)


def test_and_is_there_again_by_the_new_clock() -> None:
    state = resumed(remembered(BEFORE), now_seconds=30.0)
    assert (state.wanted, state.slowness) == (7, 1.2)
    assert state.boots.usual_seconds(300.0) == 96.0
    assert (state.forecast.peak, state.forecast.peak_seconds) == (9.5, 30.0)


def test_nothing_counts_as_watched_that_was_not() -> None:
    state = resumed(remembered(BEFORE), now_seconds=30.0)
    assert state.whole_since_seconds is None
    assert state.forecast.pick.compared == 0
    assert (state.needs, state.series, state.decided_seconds) == ((), (), None)


def test_twice_is_once() -> None:
    once = remembered(BEFORE)
    assert remembered(resumed(once, now_seconds=30.0)) == once


def test_a_scaler_that_never_decided_has_nothing_to_remember() -> None:
    assert remembered(State()) == Remembered()
    state = resumed(Remembered(), now_seconds=30.0)
    assert (state.wanted, state.boots.usual_seconds(100.0), state.slowness) == (None, 100.0, 1.0)
