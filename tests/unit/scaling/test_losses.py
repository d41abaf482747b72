"""Replicas that are lost: how much of their time is measured, and what is kept for it."""

import itertools
import math
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.decision import Why
from gemma4_operator.scaling.losses import MEMORY_SECONDS, MOST_SHARE, Losses, noticed, spare
from gemma4_operator.scaling.sample import Replica, Stage
from tests.scaling import Loop, replica, terms

OVERDUE_SECONDS = 300.0
HOUR_SECONDS = 3600.0
GRADUALLY = math.exp(-100.0 / MEMORY_SECONDS)
"""What is left of a memory after 100 s."""


def looked(*moments: tuple[float, Iterable[Replica]], wanted: int = 3, before: Losses | None = None) -> Losses:
    """What is known after some looks at so many wanted."""
    losses = before or Losses()
    for at, replicas in moments:
        losses = noticed(losses, tuple(replicas), wanted=wanted, overdue_seconds=OVERDUE_SECONDS, now_seconds=at)
    return losses


def serving(*names: str) -> list[Replica]:
    return [replica(name) for name in names]


ALL = serving("a", "b", "c")


class TestALoss:
    @pytest.mark.parametrize(
        "left",
        [
            serving("a", "b"),
            [*serving("a", "b"), replica("c", Stage.FAILED)],
            [*serving("a", "b"), replica("c", Stage.LOADING)],
            [*serving("a", "b"), replica("c", Stage.UNPLACED)],
            [*serving("a", "b"), replica("d", Stage.LOADING)],
        ],
        ids=["gone", "failed", "started again", "without a node", "gone, and another boots"],
    )
    def test_is_whoever_has_served_and_does_not(self, left: list[Replica]) -> None:
        assert looked((0.0, ALL), (5.0, left)).since == (5.0,)

    def test_is_nobody_who_was_told_to_go(self) -> None:
        """By a rollout or a drain: those are planned, and end."""
        leaving = [*serving("a", "b"), replica("c", Stage.LEAVING)]
        assert looked((0.0, ALL), (5.0, leaving), (10.0, serving("a", "b"))).since == ()

    def test_is_nobody_who_never_served(self) -> None:
        loading = [*serving("a", "b"), replica("c", Stage.LOADING)]
        assert looked((0.0, loading), (5.0, serving("a", "b"))).since == ()

    def test_is_nobody_who_is_not_wanted_any_more(self) -> None:
        before = looked((0.0, ALL))
        assert looked((5.0, serving("a", "b")), wanted=2, before=before).since == ()

    def test_lasts_until_as_many_serve_again_whoever_they_are(self) -> None:
        lost = looked((0.0, ALL), (5.0, serving("a", "b")))
        assert looked((100.0, serving("a", "b", "d")), before=lost).since == ()
        assert looked((100.0, ALL), before=lost).since == ()

    def test_of_two_the_older_is_made_good_first(self) -> None:
        lost = looked((0.0, ALL), (5.0, serving("a", "b")), (50.0, serving("a")))
        assert lost.since == (5.0, 50.0)
        assert looked((100.0, serving("a", "d")), before=lost).since == (50.0,)

    def test_counts_no_longer_than_a_boot_may_take(self) -> None:
        """Where no node takes another for days, that one is lost over and over is not the reason."""
        lost = looked((0.0, ALL), (5.0, serving("a", "b")))
        assert looked((304.0, serving("a", "b")), before=lost).since == (5.0,)
        assert looked((306.0, serving("a", "b")), before=lost).since == ()

    def test_is_none_at_the_first_look(self) -> None:
        assert looked((0.0, serving("a"))) == Losses(serving=frozenset("a"), at_seconds=0.0)


class TestTheShare:
    def test_is_of_the_time_of_all_that_should_serve(self) -> None:
        lost = looked((0.0, ALL), (100.0, serving("a", "b")), (200.0, ALL))
        assert lost.share == pytest.approx((1 - GRADUALLY) / 3)

    def test_is_forgotten_in_hours(self) -> None:
        lost = looked((0.0, ALL), (100.0, serving("a", "b")), (200.0, ALL))
        assert looked((200.0 + MEMORY_SECONDS, ALL), before=lost).share == pytest.approx(lost.share / math.e)

    def test_does_not_depend_on_how_often_one_looks(self) -> None:
        seldom = looked((0.0, ALL), (100.0, serving("a", "b")), (200.0, ALL))
        often = looked(
            (0.0, ALL), *[(at, serving("a", "b")) for at in (100.0, 110.0, 150.0, 150.0, 199.0)], (200.0, ALL)
        )
        assert often.share == pytest.approx(seldom.share)

    def test_stands_still_while_none_is_there(self) -> None:
        asleep = Losses(share=0.1)
        assert looked((0.0, []), (HOUR_SECONDS, []), wanted=0, before=asleep).share == 0.1

    def test_is_never_more_than_half(self) -> None:
        found = Losses(share=MOST_SHARE, serving=frozenset("a"), since=(0.0, 0.0, 0.0), at_seconds=0.0)
        assert looked((MEMORY_SECONDS, serving("a")), wanted=4, before=found).share == MOST_SHARE

    def test_a_clock_that_goes_back_changes_nothing(self) -> None:
        lost = looked((0.0, ALL), (100.0, serving("a", "b")))
        assert looked((50.0, serving("a", "b")), before=lost).share == lost.share


class TestWhatIsSpare:
    @pytest.mark.parametrize(
        ("share", "load", "attainment", "more"),
        [
            (0.0, 5, 0.99, 0),
            (0.0019, 5, 0.99, 0),  # of five, one is lost for 0.95 % of the time
            (0.0021, 5, 0.99, 1),
            (0.0021, 5, 0.95, 0),
            (0.0021, 4, 0.99, 0),
            (0.007, 5, 0.99, 1),  # a boot of 100 s every four hours
            (0.05, 5, 0.99, 2),
            (0.05, 1, 0.99, 1),  # two of which one is lost, 0.25 %
            (0.5, 1, 0.99, 1),  # no more than as many again
        ],
    )
    def test_is_what_keeps_the_promise(self, share: float, load: int, attainment: float, more: int) -> None:
        assert spare(share, load=load, attainment=attainment) == more

    @given(st.floats(0.0, MOST_SHARE), st.integers(1, 60), st.floats(0.5, 0.999))
    def test_never_falls_with_the_load_nor_with_the_losses(self, share: float, load: int, attainment: float) -> None:
        some = spare(share, load=load, attainment=attainment)
        assert 0 <= some <= load
        assert some <= spare(share, load=load + 1, attainment=attainment)
        assert some <= spare(min(MOST_SHARE, share * 1.5), load=load, attainment=attainment)


def dying(loop: Loop, *, every_seconds: float, times: int) -> None:
    """One replica dies each time, and another boots in its place."""
    for _ in range(times):
        loop.run(every_seconds)
        loop.lose_one()


class TestTheNumber:
    def test_one_more_stays_where_replicas_are_lost_over_and_over_and_says_why(self) -> None:
        loop = Loop(terms(attainment=0.99), lambda at: 8.0, serving=5)
        loop.run(HOUR_SECONDS)
        calm = loop.last.replicas
        dying(loop, every_seconds=1200.0, times=18)
        loop.run(600.0)
        assert loop.last.replicas == calm + 1
        assert loop.last.reason is Why.LOSSES
        assert "Replicas that had served were lost for" in loop.last.message
        assert "1 more than now needed stays: look at their nodes." in loop.last.message

    def test_and_goes_once_that_is_long_over(self) -> None:
        loop = Loop(terms(attainment=0.99), lambda at: 8.0, serving=5)
        loop.run(HOUR_SECONDS)
        calm = loop.last.replicas
        dying(loop, every_seconds=1200.0, times=18)
        loop.run(12 * HOUR_SECONDS)
        assert loop.last.replicas == calm
        assert loop.last.reason is Why.DEMAND

    def test_one_loss_in_hours_is_no_reason_for_another_gpu(self) -> None:
        loop = Loop(terms(attainment=0.99), lambda at: 8.0, serving=5)
        loop.run(HOUR_SECONDS)
        calm = max(loop.numbers[-60:])
        dying(loop, every_seconds=HOUR_SECONDS, times=1)
        loop.run(HOUR_SECONDS)
        assert loop.last.replicas <= calm
        assert not any(decision.reason is Why.LOSSES for _, decision in loop.decisions)

    def test_lowering_the_number_is_no_loss(self) -> None:
        loop = Loop(terms(attainment=0.99), lambda at: 20.0 if at % 3000 < 1500 else 2.0, serving=9)
        loop.run(4 * HOUR_SECONDS)
        assert any(after < before for before, after in itertools.pairwise(loop.numbers))
        assert loop.state.losses.share == 0.0
