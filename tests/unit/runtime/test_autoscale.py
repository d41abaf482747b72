"""The autoscaler at work, without a cluster: rounds of samples lead to decisions, and those to news."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from gemma4_operator.api.autoscaling import MetricsSource
from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.api.status import AutoscalingStatus
from gemma4_operator.engines.dialects import VLLM as DIALECT
from gemma4_operator.planner.choose import choose
from gemma4_operator.planner.plan import Plan
from gemma4_operator.runtime.autoscale import ASKED_AT, Autoscaler
from gemma4_operator.runtime.prometheus import Unconfigured
from gemma4_operator.runtime.sampler import Target
from gemma4_operator.runtime.store import Key
from gemma4_operator.scaling.latencies import Latencies
from gemma4_operator.scaling.sample import Counts, Sample
from gemma4_operator.status.pods import PodView
from tests.rendering import CATALOG, ENGINES, VLLM, gpus, spec_of, with_fields
from tests.scaling import counts as said
from tests.scaling import histogram

CHAT = Key("team-a", "chat")
PERIOD = 0.02
LONG_AGO = datetime(2026, 11, 29, tzinfo=UTC)


def spec(**autoscaling: Any) -> Gemma4DeploymentSpec:
    return spec_of(with_fields(VLLM, autoscaling={"maxReplicas": 8, **autoscaling}))


def planned() -> Plan:
    plan = choose(spec(), catalog=CATALOG, engines=ENGINES, classes=(gpus("NVIDIA-H100-80GB-HBM3"),))
    assert isinstance(plan, Plan), plan
    return plan


PLAN = planned()


@dataclass
class Cluster:
    """Pods, what their engines say, and how often somebody was told."""

    pods: list[PodView] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)
    counts: Callable[[str], Counts | None] = lambda _: said(finished=0.0)
    news: list[Key] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    forgotten: list[Key] = field(default_factory=list)
    gone: bool = False

    async def read(self, key: Key, targets: Sequence[Target]) -> Mapping[str, Sample]:
        self.asked.append(tuple(target.name for target in targets))
        said = {target.name: self.counts(target.name) for target in targets}
        return {name: Sample(at_seconds=time.monotonic(), counts=counts) for name, counts in said.items() if counts}

    def trouble(self, key: Key) -> str:
        return "Prometheus is on holiday."

    def forget(self, key: Key) -> None:
        self.forgotten.append(key)

    def serve(self, count: int) -> None:
        """Have so many pods serve, for long."""
        self.pods = [
            PodView(name=f"p{n}", ready=True, address=f"127.0.0.{n}", created_at=LONG_AGO, ready_at=LONG_AGO)
            for n in range(count)
        ]

    def autoscaler(self, *, prometheus: Any = None) -> Autoscaler:
        return Autoscaler(
            pods=lambda _: self.pods,
            resource=lambda _: None if self.gone else {"metadata": {"annotations": self.annotations}},
            sources={MetricsSource.PODS: self, MetricsSource.PROMETHEUS: prometheus or Unconfigured()},
            on_decision=self.news.append,
            now=lambda: datetime.now(UTC),
            monotonic=time.monotonic,
            period_seconds=PERIOD,
        )


def attend(
    scaler: Autoscaler,
    *,
    live: int | None = 1,
    told: dict[str, Any] | None = None,
    coming: frozenset[str] = frozenset(),
    **autoscaling: Any,
) -> None:
    scaler.attend(
        CHAT, spec=spec(**autoscaling), plan=PLAN, dialects=(DIALECT,), live=live, told=told or {}, coming=coming
    )


class Outcome(NamedTuple):
    decided: int | None
    said: AutoscalingStatus | None


def decided(cluster: Cluster, until: Callable[[Autoscaler], bool], **autoscaling: Any) -> Outcome:
    """Run an autoscaler until something is so; return what it then has decided and says."""

    async def run() -> Outcome:
        scaler = cluster.autoscaler()
        attend(scaler, **autoscaling)
        async with asyncio.timeout(60):
            while not until(scaler):
                await asyncio.sleep(PERIOD / 2)
        found = Outcome(scaler.decided(CHAT), scaler.told(CHAT))
        scaler.close()
        return found

    return asyncio.run(run())


def test_each_round_leads_to_a_decision_and_the_first_is_news() -> None:
    cluster = Cluster()
    cluster.serve(2)
    found = decided(cluster, lambda one: one.decided(CHAT) is not None, live=2)
    assert cluster.news[0] == CHAT
    assert cluster.asked[0] == ("p0", "p1")
    assert found.said is not None
    assert found.said.desired_replicas == 2


def test_new_bounds_move_what_was_decided_and_wider_ones_do_not_bring_it_back() -> None:
    """However soon one edit follows the other: what runs between the bounds stays."""
    cluster = Cluster(counts=lambda _: None)
    cluster.serve(2)

    async def run() -> list[int | None]:
        scaler = cluster.autoscaler()
        attend(scaler, live=2, minReplicas=2)
        async with asyncio.timeout(60):
            while scaler.decided(CHAT) is None:
                await asyncio.sleep(PERIOD / 2)
        found = [scaler.decided(CHAT)]
        for least, most in ((3, 5), (1, 5), (0, 2)):
            attend(scaler, live=2, minReplicas=least, maxReplicas=most)
            found.append(scaler.decided(CHAT))
            rounds = len(cluster.asked)
            async with asyncio.timeout(60):
                while len(cluster.asked) < rounds + 2:
                    await asyncio.sleep(PERIOD / 2)
            found.append(scaler.decided(CHAT))
        scaler.close()
        return found

    assert asyncio.run(run()) == [2, 3, 3, 3, 3, 2, 2]


def test_only_pods_that_serve_are_asked_and_those_without_an_address_are_not() -> None:
    cluster = Cluster()
    cluster.serve(1)
    cluster.pods += [
        PodView(name="loads", ready=False, address="127.0.0.9"),
        PodView(name="lost", ready=True, address=""),
        PodView(name="leaves", ready=False, deleting=True, address="127.0.0.8"),
    ]
    decided(cluster, lambda one: one.decided(CHAT) is not None)
    assert set(cluster.asked) == {("p0", "leaves")}


def test_many_requests_that_wait_raise_the_number_at_once() -> None:
    cluster = Cluster()
    cluster.serve(1)
    begun = time.monotonic()

    def counts(_: str) -> Counts:
        seconds = time.monotonic() - begun
        return said(50, 2000 * seconds, finished=10 * seconds, prompt_tokens=1e4 * seconds)

    cluster.counts = counts
    found = decided(cluster, lambda one: (one.decided(CHAT) or 0) == 8)
    assert found.said is not None
    assert found.said.limited_by == "spec.autoscaling.maxReplicas"
    assert found.said.last_scale_time is not None


@pytest.mark.parametrize(
    ("coming", "reason", "most"), [((), "Unplaceable", 3), (("p1",), "Unplaceable", 3), (("p1", "p2"), "Limited", 8)]
)
def test_pods_without_a_node_hold_the_number_until_one_is_being_added_for_each(
    coming: tuple[str, ...], reason: str, most: int
) -> None:
    cluster = Cluster()
    cluster.serve(1)
    minutes_ago = datetime.now(UTC) - timedelta(minutes=4)
    cluster.pods += [
        PodView(name=name, ready=False, unschedulable="0/3 nodes are available", created_at=minutes_ago)
        for name in ("p1", "p2")
    ]
    begun = time.monotonic()

    def counts(_: str) -> Counts:
        seconds = time.monotonic() - begun
        return said(50, 2000 * seconds, finished=10 * seconds, prompt_tokens=1e4 * seconds)

    cluster.counts = counts

    def is_told(one: Autoscaler) -> bool:
        said = one.told(CHAT)
        return said is not None and said.reason == reason

    found = decided(cluster, is_told, live=3, coming=frozenset(coming))
    assert found.decided == most


def test_what_does_not_change_is_told_once() -> None:
    cluster = Cluster()
    cluster.serve(1)
    found = decided(cluster, lambda _: len(cluster.asked) > 20)
    assert found.said is not None
    assert (found.said.reason, found.said.requests_per_minute) == ("Demand", 0)
    assert len(cluster.news) == 2, "the first look, which can only begin, and what the next one found"


def test_engines_without_a_word_leave_the_number_and_the_source_says_why() -> None:
    cluster = Cluster(counts=lambda _: None)
    cluster.serve(2)
    found = decided(cluster, lambda one: one.decided(CHAT) is not None, live=2)
    said = found.said
    assert said is not None
    assert (said.desired_replicas, said.reason) == (2, "NoData")
    assert said.message.endswith("Prometheus is on holiday.")


def test_without_a_prometheus_it_is_said_what_to_set() -> None:
    cluster = Cluster()
    cluster.serve(1)
    found = decided(cluster, lambda one: one.decided(CHAT) is not None, metricsSource="Prometheus")
    assert found.said is not None
    assert "GEMMA4_PROMETHEUS_URL" in found.said.message


def test_what_engines_count_is_kept_against_the_objectives_until_the_resource_goes() -> None:
    cluster = Cluster()
    cluster.serve(1)
    rounds = iter(range(1000))

    def counts(_: str) -> Counts:
        n = 10.0 * next(rounds)
        quick, slow = histogram(0.8 * n, n, bounds=(0.5, math.inf)), histogram(0.0, n, bounds=(0.1, math.inf))
        return said(1, finished=n, first_token=quick, output_token=slow)

    cluster.counts = counts
    wishes = with_fields(VLLM, autoscaling={"maxReplicas": 2}, objectives={"timeToFirstTokenMilliseconds": 500})

    async def run() -> Latencies | None:
        scaler = cluster.autoscaler()
        assert scaler.latencies(CHAT) is None
        scaler.attend(CHAT, spec=spec_of(wishes), plan=PLAN, dialects=(DIALECT,), live=1, told={})
        async with asyncio.timeout(60):
            while (found := scaler.latencies(CHAT)) is None or found.first_token.count < 20:
                await asyncio.sleep(PERIOD)
        scaler.forget(CHAT)
        assert scaler.latencies(CHAT) is None
        return found

    found = asyncio.run(run())
    assert found is not None
    assert found.first_token.in_time == pytest.approx(0.8 * found.first_token.count)
    assert found.output_token.count == found.first_token.count
    assert found.output_token.in_time is None, "no objective was set for it"


class TestSleep:
    def test_who_is_idle_goes(self) -> None:
        cluster = Cluster()
        cluster.serve(1)
        found = decided(cluster, lambda one: one.decided(CHAT) == 0, minReplicas=0, idleSeconds=1)
        assert found.said is not None
        assert found.said.reason == "Asleep"

    def test_and_comes_when_somebody_asks(self) -> None:
        cluster = Cluster(annotations={ASKED_AT: datetime.now(UTC).isoformat()})
        told = {"desiredReplicas": 0, "lastScaleTime": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
        found = decided(cluster, lambda one: one.decided(CHAT) == 1, live=0, told=told, minReplicas=0)
        assert found.said is not None
        assert found.said.reason in ("Waking", "Starting"), "by the next look the one that was asked for starts"

    @pytest.mark.parametrize("asked", ["", "soon", "2026-11-29", LONG_AGO.isoformat()])
    def test_but_not_for_a_wish_that_was_heard_before_or_cannot_be_read(self, asked: str) -> None:
        cluster = Cluster(annotations={ASKED_AT: asked})
        told = {"desiredReplicas": 0, "lastScaleTime": (LONG_AGO + timedelta(hours=1)).isoformat()}
        found = decided(cluster, lambda _: len(cluster.asked) > 5, live=0, told=told, minReplicas=0)
        assert found.said is not None
        assert found.said.reason == "Asleep"


class TestLife:
    def test_another_plan_makes_what_was_learned_of_the_one_before_worth_nothing(self) -> None:
        told = {"desiredReplicas": 3, "bootSeconds": 77, "speedPercent": 80}
        faster = replace(PLAN, predicted=replace(PLAN.predicted, step_microseconds=1))
        same = replace(PLAN, notes=("Something to know.",), hourly_cost="9.99")

        async def learned(plan: Plan) -> AutoscalingStatus:
            cluster = Cluster()
            cluster.serve(3)
            scaler = cluster.autoscaler()
            attend(scaler, live=3, told=told)
            scaler.attend(CHAT, spec=spec(), plan=plan, dialects=(DIALECT,), live=3, told=told)
            async with asyncio.timeout(60):
                while (said := scaler.told(CHAT)) is None:
                    await asyncio.sleep(PERIOD)
            scaler.close()
            return said

        kept = asyncio.run(learned(same))
        assert (kept.desired_replicas, kept.boot_seconds, kept.speed_percent) == (3, 77, 80)
        new = asyncio.run(learned(faster))
        assert (new.desired_replicas, new.speed_percent) == (3, 100)
        assert new.boot_seconds != 77

    def test_what_was_learned_before_a_restart_is_told_on(self) -> None:
        cluster = Cluster()
        cluster.serve(3)
        told = {"desiredReplicas": 3, "bootSeconds": 77, "speedPercent": 80, "lastScaleTime": "2026-11-29T00:00:00Z"}
        found = decided(cluster, lambda one: one.decided(CHAT) is not None, live=3, told=told)
        said = found.said
        assert said is not None
        assert (said.desired_replicas, said.boot_seconds, said.speed_percent) == (3, 77, 80)
        assert said.last_scale_time == "2026-11-29T00:00:00Z"

    def test_who_has_no_plan_or_does_not_want_it_is_not_scaled(self) -> None:
        async def run() -> None:
            cluster = Cluster()
            scaler = cluster.autoscaler()
            for wish, plan in ((spec(), None), (spec_of(VLLM), PLAN), (None, PLAN)):
                attend(scaler)
                scaler.attend(CHAT, spec=wish, plan=plan, dialects=(), live=1, told={})
                assert scaler.decided(CHAT) is None
                assert cluster.forgotten.pop() == CHAT
            scaler.forget(CHAT)
            assert cluster.forgotten == []

        asyncio.run(run())

    def test_a_resource_that_is_gone_is_not_decided_on(self) -> None:
        cluster = Cluster(gone=True)
        cluster.serve(1)
        found = decided(cluster, lambda _: len(cluster.asked) > 3)
        assert found == Outcome(None, None)
        assert cluster.news == []
