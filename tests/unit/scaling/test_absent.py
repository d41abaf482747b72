"""Replicas that never serve: they are asked for, carry nothing, and others come in their place."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from gemma4_operator.scaling.absent import LOADING_SECONDS, Missing, given_up, missed, replaced
from gemma4_operator.scaling.decide import decide
from gemma4_operator.scaling.decision import Decision
from gemma4_operator.scaling.sample import Replica, Stage
from gemma4_operator.scaling.state import State
from tests.scaling import Loop, replica, terms

BOOT_SECONDS = 100.0
OVERDUE_SECONDS = 300.0


def since(seconds: float, *, has_failed: bool = False) -> Missing:
    return Missing(since_seconds=seconds, has_failed=has_failed)


class TestWhoIsMissed:
    @pytest.mark.parametrize("stage", [Stage.LOADING, Stage.FAILED])
    def test_are_those_that_have_a_node_and_do_not_serve(self, stage: Stage) -> None:
        found = missed({}, [replica("a", stage), replica("b")], now_seconds=7.0)
        assert found == {"a": since(7.0, has_failed=stage is Stage.FAILED)}

    @pytest.mark.parametrize("stage", [Stage.UNPLACED, Stage.LEAVING, Stage.SERVING])
    def test_are_no_others(self, stage: Stage) -> None:
        assert missed({"a": since(1.0)}, [replica("a", stage)], now_seconds=7.0) == {}

    def test_are_none_for_which_a_node_is_being_added_and_their_time_begins_when_they_have_it(self) -> None:
        """Nodes with GPUs take ten minutes, and then the pod has to load."""
        loading = [replica("a", Stage.LOADING)]
        absent = missed({}, loading, coming={"a"}, now_seconds=10.0)
        assert absent == {}
        assert missed(absent, loading, now_seconds=600.0) == {"a": since(600.0)}

    def test_since_they_were_first_seen_so_however_often_one_crashes_and_is_started_again(self) -> None:
        absent = missed({}, [replica("a", Stage.LOADING)], now_seconds=10.0)
        absent = missed(absent, [replica("a", Stage.FAILED)], now_seconds=50.0)
        assert missed(absent, [replica("a", Stage.LOADING)], now_seconds=90.0) == {"a": since(10.0, has_failed=True)}

    def test_anew_once_they_have_served_and_not_at_all_once_they_are_gone(self) -> None:
        served = missed({"a": since(10.0)}, [replica("a")], now_seconds=50.0)
        assert missed(served, [replica("a", Stage.LOADING)], now_seconds=90.0) == {"a": since(90.0)}
        assert missed({"a": since(10.0)}, [], now_seconds=90.0) == {}

    @pytest.mark.parametrize(("now", "count"), [(299.0, 0), (300.0, 1), (310.0, 2)])
    def test_who_has_failed_is_waited_for_as_long_as_a_boot_may_take(self, now: float, count: int) -> None:
        absent = {"a": since(0.0, has_failed=True), "b": since(10.0, has_failed=True)}
        assert given_up(absent, overdue_seconds=300.0, now_seconds=now) == count

    @pytest.mark.parametrize(
        ("overdue", "waited"), [(300.0, LOADING_SECONDS), (2 * LOADING_SECONDS, 2 * LOADING_SECONDS)]
    )
    def test_who_loads_is_waited_for_for_longer(self, overdue: float, waited: float) -> None:
        """On a node that has never had the weights, they come over the network first."""
        for now, count in ((waited - 1, 0), (waited, 1)):
            assert given_up({"a": since(0.0)}, overdue_seconds=overdue, now_seconds=now) == count

    @pytest.mark.parametrize(("lost", "serving", "count"), [(0, 5, 0), (1, 5, 1), (2, 1, 1), (4, 3, 3)])
    def test_no_more_are_replaced_than_serve(self, lost: int, serving: int, count: int) -> None:
        assert replaced(lost, serving=serving) == count


@dataclass
class Broken(Loop):
    """A loop in which some replicas never serve: the first ones, or all but some."""

    breaks: Callable[[int], bool] = lambda number: number == 0
    stage: Stage = Stage.FAILED

    def pass_time(self, seconds: float) -> None:
        """Let the rest work."""
        for engine in self.engines:
            if self.is_broken(engine.name):
                engine.since_seconds, engine.serving_since_seconds = math.inf, None
        super().pass_time(seconds)

    def replicas(self) -> tuple[Replica, ...]:
        """Return what the scaler sees."""
        return tuple(
            replace(one, stage=self.stage, since_seconds=-1000.0, sample=None) if self.is_broken(one.name) else one
            for one in super().replicas()
        )

    def is_broken(self, name: str) -> bool:
        """Whether one is."""
        return self.breaks(int(name.rpartition("-")[2]))

    @property
    def serving_now(self) -> int:
        """How many serve."""
        return sum(one.stage is Stage.SERVING for one in self.replicas())


def of(rate: float, **changes: object) -> Broken:
    return Broken(terms(boot_seconds=BOOT_SECONDS), lambda at: rate, serving=3, **changes)  # type: ignore[arg-type]


def needed(rate: float) -> int:
    return Loop(terms(boot_seconds=BOOT_SECONDS), lambda at: rate, serving=3).run(3600).replicas


class TestThoseInTheirPlace:
    @pytest.mark.parametrize("stage", [Stage.FAILED, Stage.LOADING])
    def test_carry_what_comes_however_the_broken_one_looks(self, stage: Stage) -> None:
        loop = of(9.0, stage=stage)
        decision = loop.run(3600)
        assert decision.replicas == needed(9.0) + 1
        assert loop.serving_now == needed(9.0)
        assert "1 replica more than that, in the place of as many that do not serve and are overdue." in (
            decision.message
        )

    def test_are_not_asked_for_before_a_boot_is_overdue(self) -> None:
        loop = of(9.0)
        loop.run(OVERDUE_SECONDS - 20.0)
        assert "in the place of" not in loop.last.message
        loop.run(100.0)
        assert "in the place of" in loop.last.message

    def test_come_one_after_the_other_where_most_are_broken(self) -> None:
        """With two of three broken one more is asked for; once it serves, the second."""
        loop = of(9.0, breaks=lambda number: number in (0, 1))
        assert loop.run(7200).replicas == needed(9.0) + 2
        assert loop.serving_now == needed(9.0)

    def test_are_bounded_where_each_new_one_fails_as_well(self) -> None:
        loop = of(9.0, breaks=lambda number: number != 1)
        loop.run(7200)
        assert loop.serving_now == 1
        assert "in the place of" in loop.last.message
        without = Broken(
            terms(boot_seconds=BOOT_SECONDS, replaces=False),
            lambda at: 9.0,
            serving=3,
            breaks=lambda number: number != 1,
        )
        without.run(7200)
        assert max(loop.numbers) <= max(without.numbers) + 1

    def test_are_not_asked_for_while_a_rollout_goes_on(self) -> None:
        loop = Broken(terms(boot_seconds=BOOT_SECONDS, replaces=False), lambda at: 9.0, serving=3)
        assert "in the place of" not in loop.run(3600).message

    def test_go_again_with_what_they_were_for(self) -> None:
        loop = of(9.0)
        loop.run(3600)
        loop.breaks = lambda number: False
        for engine in loop.engines:
            engine.since_seconds = min(engine.since_seconds, loop.now_seconds)
        assert loop.run(3600).replicas == needed(9.0)

    def test_do_not_keep_the_others_from_learning(self) -> None:
        """As many serve as are wanted, but for those that nobody waits for: what is late then has another reason."""
        loop = of(9.0)
        decision: Decision = loop.run(3600)
        assert decision.state.at_work_seconds is not None


def test_one_that_has_failed_for_a_moment_is_waited_for() -> None:
    both = [replica("a", Stage.FAILED), replica("b")]
    assert decide(terms(), both, State(wanted=2), now_seconds=0.0).state.absent == {"a": since(0.0, has_failed=True)}
