"""Repairs that are undone each time: a few at once, then fewer and fewer, and never none."""

from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.runtime.contest import DELAYS, FREE, WINDOW_SECONDS, Contests

CR, WHAT, MARK = "uid", "Deployment", "abc"


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def contest(repairs: int) -> tuple[Contests, Clock]:
    """Return contests in which one object was made and repaired so often, all in one moment."""
    clock = Clock()
    contests = Contests(monotonic=clock)
    for _ in range(repairs + 1):
        contests.wrote(CR, WHAT, MARK)
    return contests, clock


def test_a_few_repairs_are_made_at_once() -> None:
    contests, _ = contest(FREE - 1)
    assert not contests.holds(CR, WHAT, MARK)


def test_one_more_waits_and_each_next_waits_longer() -> None:
    contests, clock = contest(FREE)
    waited = []
    for _ in range(8):
        before = clock.seconds
        while contests.holds(CR, WHAT, MARK):
            clock.seconds += 1
        waited.append(clock.seconds - before)
        contests.wrote(CR, WHAT, MARK)
    assert waited == [10, 20, 40, 80, 160, 300, 300, 300]


def test_what_is_wanted_anew_does_not_wait() -> None:
    contests, _ = contest(FREE)
    assert not contests.holds(CR, WHAT, "another rendering")
    assert not contests.holds(CR, "Service", MARK)
    assert not contests.holds("another", WHAT, MARK)


def test_a_repair_counts_although_this_process_wrote_nothing_before() -> None:
    contests = Contests(monotonic=Clock())
    for _ in range(FREE):
        contests.wrote(CR, WHAT, MARK, repair=True)
    assert contests.holds(CR, WHAT, MARK)


def test_repairs_of_long_ago_do_not_count() -> None:
    contests, clock = contest(FREE - 1)
    clock.seconds += WINDOW_SECONDS + 1
    contests.wrote(CR, WHAT, MARK)
    assert not contests.holds(CR, WHAT, MARK)


def test_what_is_said_lasts_until_a_repair_has_held_for_a_while() -> None:
    contests, clock = contest(FREE)
    assert contests.told(CR) == ()
    contests.tell(CR, WHAT, ("spec.replicas",), "somebody does it")
    assert contests.is_told(CR, WHAT, ("spec.replicas",))
    assert not contests.is_told(CR, WHAT, ("spec.paused",))
    assert contests.told(CR) == ("somebody does it",)
    clock.seconds += 10
    assert contests.told(CR) == ()
    contests.wrote(CR, WHAT, MARK)
    assert contests.told(CR) == ("somebody does it",)
    clock.seconds += 20
    assert contests.told(CR) == ()


def test_nothing_is_kept_of_a_resource_that_is_gone() -> None:
    contests, _ = contest(FREE)
    contests.wrote("another", WHAT, MARK)
    contests.forget(CR)
    assert not contests.holds(CR, WHAT, MARK)
    assert list(contests._known) == ["another"]


@given(pauses=st.lists(st.floats(0, 400), max_size=60))
def test_however_a_rival_writes_repairs_stay_few(pauses: list[float]) -> None:
    """A rival undoes each repair at once, and the operator is woken at any times: never more than a few at once."""
    clock = Clock()
    contests = Contests(monotonic=clock)
    made: list[float] = []
    for pause in pauses:
        clock.seconds += pause
        if not contests.holds(CR, WHAT, MARK):
            contests.wrote(CR, WHAT, MARK, repair=True)
            made.append(clock.seconds)
    for start in made:
        burst = [at for at in made if start <= at < start + DELAYS.first_seconds]
        assert len(burst) <= FREE + 1
