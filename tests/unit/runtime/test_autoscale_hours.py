"""The autoscaler over hours: what the status says is so, and is not said again while it stays so."""

import itertools
import random
from typing import Any

import pytest

from gemma4_operator.runtime import autoscale
from gemma4_operator.scaling import mixed
from gemma4_operator.scaling.decision import Decision
from gemma4_operator.scaling.terms import Terms
from tests.scaling import Rate
from tests.unit.runtime.played import GPU_LIMIT, ROUND_SECONDS, Played


class TestNewLimits:
    """They make the number at once, so it is they that are told, and not what was decided before."""

    @pytest.mark.parametrize(
        ("edit", "replicas", "reason", "message", "limited_by"),
        [
            ({"minReplicas": 20}, 20, "AtMinimum", "`spec.autoscaling.minReplicas` is 20.", None),
            (
                {"maxReplicas": 2},
                2,
                "Limited",
                "`spec.autoscaling.maxReplicas` allows 2.",
                "spec.autoscaling.maxReplicas",
            ),
            ({"gpu_limit": 2}, 2, "Limited", f"`{GPU_LIMIT}` allows 2.", GPU_LIMIT),
        ],
        ids=["more are the fewest", "fewer are the most", "a budget for fewer"],
    )
    async def test_are_told_with_the_number_that_they_make(
        self, edit: dict[str, Any], replicas: int, reason: str, message: str, limited_by: str | None
    ) -> None:
        async with Played(lambda _: 6.0, serving=4) as chat:
            before = await chat.play(900)
            assert before.desired_replicas not in (None, replicas)
            chat.edit(**edit)
            chat.be_told()
            said, at = chat.said, chat.now
        assert (said.desired_replicas, said.reason, said.limited_by) == (replicas, reason, limited_by)
        assert said.message == message
        assert said.last_scale_time == f"{at:%FT%TZ}"
        assert chat.events[-1] == f"From {before.desired_replicas} to {replicas} replicas. {message}"

    async def test_are_told_until_the_next_decision_which_moves_nothing(self) -> None:
        async with Played(lambda _: 6.0, serving=4) as chat:
            await chat.play(900)
            chat.edit(maxReplicas=5, minReplicas=5)
            chat.be_told()
            bound, events = chat.said, len(chat.events)
            said = await chat.play(2 * ROUND_SECONDS)
            assert said.message != bound.message
            assert "requests a minute come" in (said.message or "")
            assert (await chat.play(900)).last_scale_time == bound.last_scale_time
        assert len(chat.events) == events

    async def test_that_change_nothing_are_no_news(self) -> None:
        async with Played(lambda _: 6.0, serving=4) as chat:
            before = await chat.play(1800)
            news = len(chat.news)
            chat.edit(maxReplicas=39)
            assert await chat.play(60) == before
        assert len(chat.news) == news

    async def test_wake_who_may_sleep_no_more(self) -> None:
        async with Played(lambda _: 0.0, serving=0, told={"desiredReplicas": 0}, minReplicas=0) as chat:
            assert (await chat.play(60)).reason == "Asleep"
            chat.edit(minReplicas=2)
            chat.be_told()
            assert (chat.said.reason, chat.said.last_scale_time) == ("AtMinimum", f"{chat.now:%FT%TZ}")
        assert chat.events == ["From 0 to 2 replicas. `spec.autoscaling.minReplicas` is 2."]

    async def test_that_came_while_nobody_worked_are_told_as_well(self) -> None:
        async with Played(lambda _: 6.0, serving=4) as chat:
            status = (await chat.play(900)).model_dump(mode="json", by_alias=True, exclude_none=True)
        async with Played(lambda _: 6.0, serving=chat.replicas, told=status, minReplicas=6) as chat:
            chat.be_told()
            assert (chat.said.reason, chat.said.last_scale_time) == ("AtMinimum", f"{chat.now:%FT%TZ}")
            assert chat.said.speed_percent == status["speedPercent"]
        assert chat.events == [f"From {status['desiredReplicas']} to 6 replicas. `spec.autoscaling.minReplicas` is 6."]


class TestSteadyTraffic:
    """It is no reason to say nothing: what follows from it goes on to change."""

    async def test_what_is_said_becomes_what_is_so_and_then_is_not_said_again(self) -> None:
        async with Played(lambda _: 6.0, serving=6, slowness=1.5) as chat:
            said = await chat.play(3600)
            news = len(chat.news)
            assert await chat.play(1800) == said
        assert said.reason == "Demand"
        assert said.speed_percent == pytest.approx(100 / 1.5, rel=0.06)
        assert len(chat.news) == news

    async def test_a_restart_goes_on_with_what_was_learned(self) -> None:
        async with Played(lambda _: 6.0, serving=6, slowness=1.5) as chat:
            await chat.play(3600)
            chat.scaler.close()
            chat.restart()
            said = await chat.play(ROUND_SECONDS)
        assert said.speed_percent == pytest.approx(100 / 1.5, rel=0.06)

    async def test_reasons_that_take_turns_are_not_told_in_turn(self) -> None:
        """Traffic that swings about the edge of one more replica, by less than is told for itself."""
        async with Played(lambda at: 6.0 if at % 40 < 20 else 5.4, serving=6, slowness=1.5) as chat:
            await chat.play(3600)
            news = len(chat.news)
            await chat.play(3600)
        assert len(chat.news) - news <= 2


def by_chance(rate: float) -> Rate:
    """Return traffic of so many requests a second on average, which come when they like."""
    chance, counts = random.Random(3), []
    for _ in range(2000):
        came, at = 0, chance.expovariate(rate)
        while at < ROUND_SECONDS:
            came, at = came + 1, at + chance.expovariate(rate)
        counts.append(came / ROUND_SECONDS)
    return lambda seconds: counts[int(seconds / ROUND_SECONDS) % len(counts)]


class TestTrafficAboutALimit:
    """It needs one more than is allowed at some moments, and not at others."""

    async def test_is_told_as_limited_all_the_time_so_that_an_alert_can_wait_for_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        decisions: list[Decision] = []

        def watched(*given: Any, **more: Any) -> Decision:
            decisions.append(decide(*given, **more))
            return decisions[-1]

        decide = autoscale.decide
        monkeypatch.setattr(autoscale, "decide", watched)
        async with Played(by_chance(4.0), serving=2, maxReplicas=2) as chat:
            await chat.play(1800)
            decisions.clear()
            chat.news.clear()
            await chat.play(3600)
        assert sum(one.limited_by != other.limited_by for one, other in itertools.pairwise(decisions)) > 10
        assert {said.limited_by for said in chat.news} == {"spec.autoscaling.maxReplicas"}
        assert {said.reason for said in chat.news} == {"Limited"}

    async def test_that_no_gpu_sets_is_told_until_there_is_one(self) -> None:
        """The pod that waits stays there for a while when fewer would do, and is no reason once it has a node."""
        async with Played(by_chance(4.0), serving=2, maxReplicas=9) as chat:
            chat.places = 2
            await chat.play(1200)
            chat.news.clear()
            await chat.play(1200)
            assert {said.limited_by for said in chat.news} == {"no GPU"}
            chat.places = 9
            said = await chat.play(3 * ROUND_SECONDS)
        assert said.limited_by is None

    async def test_that_has_become_less_is_limited_no_more(self) -> None:
        async with Played(lambda at: 4.6 if at < 1800 else 3.6, serving=2, maxReplicas=2) as chat:
            assert (await chat.play(1800)).limited_by == "spec.autoscaling.maxReplicas"
            said = await chat.play(900)
        assert (said.desired_replicas, said.limited_by) == (2, None)

    async def test_is_not_limited_by_what_the_spec_says_no_more(self) -> None:
        async with Played(lambda at: 4.6, serving=2, maxReplicas=2) as chat:
            assert (await chat.play(1800)).reason == "Limited"
            chat.edit(maxReplicas=9)
            said = await chat.play(2 * ROUND_SECONDS)
        assert said.limited_by is None
        assert "allows 2" not in (said.message or "")


class TestAPlanForAFasterGpuThatIsNotThereYet:
    """The pods of the plan before go on alone, and the number that the new one would need is too low for them."""

    async def test_leaves_them_as_many_as_they_were_and_says_why(self) -> None:
        async with Played(lambda _: 12.0, serving=9) as chat:
            before = (await chat.play(3600)).desired_replicas
            assert before is not None
            chat.plan_anew(times_as_fast=4.0)
            said = await chat.play(1800)
            assert chat.replicas >= before
            assert not any(engine.waiting > 1 for engine in chat.engines)
            assert "minReplicas" not in (said.message or "")

    async def test_says_that_they_are_why_it_does_not_go_down(self) -> None:
        """Once little comes, it is no longer that they are slow."""
        async with Played(lambda at: 12.0 if at < 3600 else 1.0, serving=9) as chat:
            before = (await chat.play(3600)).desired_replicas
            chat.plan_anew(times_as_fast=4.0)
            said = await chat.play(3600)
            assert (said.desired_replicas, said.reason) == (before, "AtMinimum")
            assert (said.message or "").endswith(mixed.MIXED)
            chat.earlier = set()
            after = await chat.play(3600)
        assert before is not None
        assert (after.desired_replicas or 0) < before

    async def test_teaches_nothing_of_the_new_ones_by_how_slow_they_are(self) -> None:
        """Four times slower than the plan says is true of those that go, and of none that comes in their place."""
        async with Played(lambda _: 12.0, serving=9) as chat:
            await chat.play(3600)
            chat.plan_anew(times_as_fast=4.0)
            assert (await chat.play(1800)).speed_percent == 50
            chat.arrive()
            chat.be_told()
            assert (await chat.play(120)).speed_percent in range(
                85, 111
            )  # A minute of the old ones is in the mean still.

    async def test_leaves_what_was_learned_where_the_new_ones_are_of_the_same_kind(self) -> None:
        """As where an annotation of the pods changed: each restart would otherwise be a lesson of five minutes."""
        async with Played(lambda _: 12.0, serving=9, slowness=1.4) as chat:
            before = (await chat.play(3600)).speed_percent
            chat.earlier = {engine.name for engine in chat.engines}
            await chat.play(300)
            chat.earlier = set()
            chat.be_told()
            after = await chat.play(60)
        assert before is not None
        assert before < 80
        assert after.speed_percent in range(before - 4, before + 5)

    async def test_has_none_asked_for_in_the_place_of_pods_that_fail(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Those of a new plan may all fail for one reason, and more of them would take GPUs for nothing."""
        bound: list[Terms] = []

        def watched(terms: Terms, *given: Any, **more: Any) -> Decision:
            bound.append(terms)
            return decide(terms, *given, **more)

        decide = autoscale.decide
        monkeypatch.setattr(autoscale, "decide", watched)
        async with Played(lambda _: 12.0, serving=9) as chat:
            await chat.play(60)
            assert bound[-1].replaces
            chat.plan_anew(times_as_fast=4.0)
            await chat.play(60)
            assert not bound[-1].replaces

    async def test_neither_overrides_a_limit_nor_keeps_awake_whom_nobody_asks(self) -> None:
        async with Played(lambda at: 12.0 if at < 5400 else 0.0, serving=9, minReplicas=0, idleSeconds=600) as chat:
            await chat.play(3600)
            chat.plan_anew(times_as_fast=4.0)
            await chat.play(600)
            chat.edit(maxReplicas=4, minReplicas=0, idleSeconds=600)
            chat.be_told()
            said = await chat.play(1200)
            assert said.desired_replicas == 4
            said = await chat.play(1800)
            assert (said.desired_replicas, said.reason) == (0, "Asleep")

    async def test_nor_does_a_restart_in_between_make_them_fewer(self) -> None:
        async with Played(lambda _: 12.0, serving=9) as chat:
            before = (await chat.play(3600)).desired_replicas
            assert before is not None
            chat.plan_anew(times_as_fast=4.0)
            await chat.play(60)
            chat.scaler.close()
            chat.restart()
            await chat.play(1800)
            assert chat.replicas >= before


class TestPodsThatGetANode:
    async def test_are_known_to_the_scaler_which_begins_to_wait_for_them_when_they_have_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        coming: list[frozenset[str]] = []

        def watched(*given: Any, **more: Any) -> Decision:
            coming.append(more["coming"])
            return decide(*given, **more)

        decide = autoscale.decide
        monkeypatch.setattr(autoscale, "decide", watched)
        async with Played(lambda _: 4.0, serving=2) as chat:
            chat.coming = frozenset({"pod-7"})
            chat.be_told()
            await chat.play(ROUND_SECONDS)
        assert coming[-1] == {"pod-7"}


class TestAWishOfLater:
    """A clock that is ahead by a little is heard; a year too many would keep a resource awake for a year."""

    async def test_wakes_nobody_and_the_status_says_so(self) -> None:
        async with Played(lambda _: 0.0, serving=0, told={"desiredReplicas": 0}, minReplicas=0) as chat:
            assert (await chat.play(600)).message == "Nobody asks, so none runs."
            chat.ask(ahead_seconds=3600)
            said, news = await chat.play(2 * ROUND_SECONDS), len(chat.news)
            assert (said.desired_replicas, said.reason) == (0, "Asleep")
            assert said.message is not None
            assert said.message.endswith(
                "more than 5 minutes ahead, so it is not heard: set it to the time of the wish."
            )
            assert await chat.play(1800) == said
            assert len(chat.news) == news
            chat.ask(ahead_seconds=0)
            assert (await chat.play(2 * ROUND_SECONDS)).desired_replicas == 1

    async def test_keeps_nobody_awake_and_the_status_says_so(self) -> None:
        async with Played(lambda _: 0.0, serving=1, minReplicas=0, idleSeconds=600) as chat:
            chat.ask(ahead_seconds=86_400)
            said = await chat.play(1200)
        assert (said.desired_replicas, said.reason) == (0, "Asleep")
        assert "gemma4.dev/asked-at" in (said.message or "")

    async def test_is_heard_where_a_clock_is_ahead_by_a_little(self) -> None:
        async with Played(lambda _: 0.0, serving=0, told={"desiredReplicas": 0}, minReplicas=0) as chat:
            await chat.play(600)
            chat.ask(ahead_seconds=60)
            assert (await chat.play(2 * ROUND_SECONDS)).desired_replicas == 1
