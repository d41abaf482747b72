"""What a moment is read from, in stories of traffic: each is of a part that the rule seems to do well without."""

import pytest

from gemma4_operator.scaling.sample import Counts
from gemma4_operator.scaling.terms import Tuning
from tests.scaling import Engine, Loop, Rate, steps, terms

TICK_SECONDS = 10.0
WHAT_COMES_NOW = Tuning(forecast=False, change=False, backlog=False, learning=False, jumps=False)


def need(loop: Loop) -> int:
    """Return what the last moment needed by itself."""
    return loop.last.state.needs[-1].replicas


def in_bunches(rate: float) -> Rate:
    """Return traffic of which a third of the time brings all."""
    return lambda at: 3 * rate if int(at / TICK_SECONDS) % 3 == 0 else 0.0


@pytest.mark.parametrize("rate", [1.5, 8.0])
def test_what_comes_in_bunches_needs_more_than_as_much_that_comes_evenly(rate: float) -> None:
    """A bunch waits for itself, though over the minute there is room."""
    bound = terms(minimum=20, first_token_seconds=0.5)
    bunched = Loop(bound, in_bunches(rate), serving=20, tuning=WHAT_COMES_NOW)
    bunched.run(900)
    as_much = bunched.last.expected.now
    even = Loop(bound, lambda at: as_much, serving=20, tuning=WHAT_COMES_NOW)
    even.run(900)
    assert even.last.expected.now == pytest.approx(as_much, rel=0.01)
    assert need(bunched) > need(even)


def test_what_is_known_late_is_looked_ahead_from_further_back() -> None:
    """A Prometheus that scrapes once a minute: when a replica serves that is asked for now, its figures are older."""

    def once_a_minute(engine: Engine, at: float, said: Counts) -> Counts | None:
        return said if at % 60 == 0 else None

    at_once, late = Loop(terms(), lambda at: 6.0, serving=3), Loop(terms(), lambda at: 6.0, serving=3)
    late.say = once_a_minute
    for loop in (at_once, late):
        loop.run(1500 + 40)
    ages = [late.now_seconds - engine.said.at_seconds for engine in late.engines if engine.said is not None]
    assert set(ages) == {40.0}
    assert late.last.expected.horizon_seconds == at_once.last.expected.horizon_seconds + 40.0


def test_a_burst_is_not_believed_to_lead_anywhere_that_the_minute_does_not_bear_out() -> None:
    """Forty seconds at ten times the traffic look like a change, and would ask for ten times the replicas."""
    loop = Loop(
        terms(),
        steps((1800, 4.0), (40, 40.0), (9e9, 4.0)),
        serving=2,
        tuning=Tuning(forecast=False, learning=False),
    )
    loop.run(1900)
    times = [one.expected.then / one.expected.now for _, one in loop.decisions if one.expected and one.expected.now]
    assert max(times) > 1.2, "it was taken for a change"
    assert max(times) <= 1.5 * 1.03, "of a load, of which what came is counted apart"


def test_those_that_came_are_not_blamed_for_what_was_late_before_they_came() -> None:
    """Traffic of three times as much: all are late until the new replicas serve, which are enough."""
    loop = Loop(terms(), steps((1800, 4.0), (1800, 12.0)), serving=2)
    loop.run(1800)
    careful, blamed, watched = loop.state.caution, [], 0
    while loop.now_seconds < 3600:
        loop.run(TICK_SECONDS)
        since = loop.state.at_work_seconds
        if since is not None and loop.now_seconds - since < 120:
            watched += 1
            blamed += [loop.now_seconds] if loop.state.caution > careful else []
        careful = loop.state.caution
    assert max(decision.state.caution for _, decision in loop.decisions) > 1.0, "many were late"
    assert watched >= 10
    assert blamed == []


def test_a_lull_in_which_the_scaler_begins_to_look_makes_no_jump_of_what_follows() -> None:
    """Half a minute of nothing and half a minute of much is the same each minute, and no minute was known yet."""
    loop = Loop(terms(), lambda at: 12.0 if at % 60 >= 30 else 0.0, serving=2)
    loop.run(900)
    assert any(engine.waits[0.25] < engine.prompts for engine in loop.engines), "some were late, as in a jump"
    assert {decision.state.jumps.replicas for _, decision in loop.decisions} == {0}
