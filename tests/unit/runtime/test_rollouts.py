"""What is applied of a Deployment now, as a pass sees it: upgrades, rollouts, and the scheduler's pauses."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gemma4_operator.planner.uses import Use
from gemma4_operator.render.hash import HASH_ANNOTATION, stamped
from gemma4_operator.render.template import template_of
from gemma4_operator.rollout.leaving import OVERDUE_SECONDS
from gemma4_operator.runtime.desire import Desire
from gemma4_operator.runtime.rollouts import KEPT, SCHEDULER_SECONDS, Rollouts, Steered
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.world import empty_world
from tests.cluster.fakenodes import fake_gpu_node
from tests.rendering import OWNER, VLLM, spec_of, walk, with_fields
from tests.unit.rollout.test_keep import of_another_release

CHAT = Key(OWNER.namespace, OWNER.name)
GPU = "nvidia.com/gpu"
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
GRACE_SECONDS = 150


class Situation:
    """A world with one deployment, an operator's memory and a clock."""

    def __init__(self, data: dict[str, Any] = VLLM, *, gpus: int = 4) -> None:
        self.world = empty_world()
        self.seconds = 0.0
        self.looks = 0
        self.others: tuple[Use, ...] = ()
        self.data = data
        self._version = 0
        self.rollouts = Rollouts(
            world=self.world,
            taken=self,  # type: ignore[arg-type]
            monotonic=lambda: self.seconds,
            now=lambda: NOON + timedelta(seconds=self.seconds),
        )
        node = fake_gpu_node("a", product="NVIDIA-H200", count=gpus)
        node["metadata"] |= {"uid": "a", "resourceVersion": "1"}
        self.world.nodes.put(node)

    async def by_others(self, key: Key) -> tuple[Use, ...]:
        self.looks += 1
        return self.others

    def stored(self, deployment: dict[str, Any]) -> None:
        """Have the Deployment in the cluster."""
        self._version += 1
        stored = {"uid": "d", "resourceVersion": str(self._version)}
        self.world.children["Deployment"].put({**deployment, "metadata": {**deployment["metadata"], **stored}})

    def pod(self, name: str, template: str, *, placed: bool = True, deleting: bool = False) -> None:
        self._version += 1
        gone_by = (NOON + timedelta(seconds=GRACE_SECONDS)).isoformat()
        labels = {"gemma4.dev/deployment": CHAT.name, "gemma4.dev/template": template}
        scheduled = {"type": "PodScheduled", "status": str(placed), "reason": "Unschedulable", "message": "none"}
        self.world.pods.put(
            {
                "metadata": {
                    "namespace": CHAT.namespace,
                    "name": name,
                    "uid": name,
                    "resourceVersion": str(self._version),
                    "labels": labels,
                    **({"deletionTimestamp": gone_by} if deleting else {}),
                    "ownerReferences": [{"kind": "ReplicaSet", "name": f"{CHAT.name}-1", "controller": True}],
                },
                "spec": {
                    "nodeName": "a" if placed else None,
                    "containers": [{"name": "vllm", "resources": {"limits": {GPU: "1"}}}],
                },
                "status": {"conditions": [scheduled, {"type": "Ready", "status": str(placed)}]},
            }
        )

    async def steer(self) -> Steered:
        rendered = walk(self.data)
        wanted = Desire(spec=spec_of(self.data), plan=rendered.plan, objects=tuple(rendered.objects.values()))
        return await self.rollouts.steer(CHAT, wanted)


def numbers(steered: Steered) -> dict[str, int]:
    rolling: dict[str, int] = steered.objects[0]["spec"]["strategy"]["rollingUpdate"]
    return rolling


async def test_at_rest_everything_is_as_it_was_rendered_and_nobody_is_asked() -> None:
    one = Situation()
    one.stored(walk(VLLM).deployment)
    one.pod("chat-1", template_of(walk(VLLM).deployment))
    steered = await one.steer()
    assert list(steered.objects) == list(walk(VLLM).objects.values())
    assert (steered.told, steered.remark, steered.blocked, steered.again_seconds) == ("", "", None, None)
    assert one.looks == 0


async def test_the_first_deployment_is_no_rollout() -> None:
    assert (await Situation().steer()).told == ""


async def test_a_rollout_asks_what_others_hold() -> None:
    one = Situation(gpus=2)
    one.stored(walk(VLLM).deployment)
    one.pod("chat-1", "old")
    assert numbers(await one.steer()) == {"maxSurge": 1, "maxUnavailable": 0}
    one.others = (Use("a", GPU, 1),)
    assert numbers(await one.steer()) == {"maxSurge": 0, "maxUnavailable": 1}
    assert one.looks == 2


async def test_where_a_quota_lets_no_new_pod_in_beside_the_old_one_that_one_goes_first() -> None:
    """A new pod that is refused is never made, so nobody else says that it finds no place."""
    one = Situation(gpus=2)
    all_of_it = f"requests.{GPU}=1"
    refused = f"is forbidden: exceeded quota: gpus, requested: {all_of_it}, used: {all_of_it}, limited: {all_of_it}"
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": refused}
    one.stored({**walk(VLLM).deployment, "status": {"conditions": [failure]}})
    one.pod("chat-1", "old")
    assert numbers(await one.steer()) == {"maxSurge": 0, "maxUnavailable": 1}


@pytest.mark.parametrize(
    ("old", "is_mixed"),
    [
        ({}, True),
        ({"deleting": True}, False),
        ({"placed": False}, False),
        ({"template": template_of(walk(VLLM).deployment)}, False),
    ],
    ids=["serves", "is going", "does not serve", "is of the current template"],
)
async def test_whether_pods_of_an_earlier_plan_serve_is_known(old: dict[str, Any], is_mixed: bool) -> None:
    one = Situation()
    one.stored(walk(VLLM).deployment)
    one.pod("chat-1", **{"template": "old", **old})
    one.pod("chat-2", template_of(walk(VLLM).deployment))
    assert (await one.steer()).is_mixed is is_mixed


async def test_what_is_applied_bears_the_hash_of_what_it_is() -> None:
    """Or the next pass would take its own numbers for somebody else's edit."""
    one = Situation()
    one.stored(walk(VLLM).deployment)
    one.pod("chat-1", "old")
    deployment = (await one.steer()).objects[0]
    assert deployment == stamped(deployment)
    assert (
        deployment["metadata"]["annotations"][HASH_ANNOTATION]
        != walk(VLLM).deployment["metadata"]["annotations"][HASH_ANNOTATION]
    )


async def test_pods_of_another_release_stay_and_it_is_said() -> None:
    one = Situation()
    before = of_another_release(walk(VLLM).deployment)
    one.stored(before)
    one.pod("chat-1", template_of(before))
    steered = await one.steer()
    assert steered.objects[0]["spec"]["template"] == before["spec"]["template"]
    assert steered.remark == KEPT
    assert steered.told == ""


async def test_those_of_a_resource_that_wants_the_new_ones_are_rolled() -> None:
    one = Situation(with_fields(VLLM, update={"onOperatorUpgrade": "Roll"}))
    before = of_another_release(walk(VLLM).deployment)
    one.stored(before)
    one.pod("chat-1", template_of(before))
    steered = await one.steer()
    assert steered.objects[0]["spec"]["template"] == walk(VLLM).deployment["spec"]["template"]
    assert steered.told.startswith("New pods come first")


async def test_a_gpu_that_was_given_up_a_moment_ago_is_left_to_the_scheduler() -> None:
    """It looks at a pod that found no place again within ten seconds; to take an old pod away meanwhile is wrong."""
    one = Situation(with_fields(VLLM, replicas=2), gpus=3)
    one.stored(walk(one.data).deployment)
    one.pod("chat-1", "old")
    one.pod("chat-2", template_of(walk(one.data).deployment))
    one.pod("chat-3", template_of(walk(one.data).deployment), placed=False)
    first = await one.steer()
    assert (numbers(first), first.again_seconds) == ({"maxSurge": 1, "maxUnavailable": 0}, SCHEDULER_SECONDS)
    one.seconds = SCHEDULER_SECONDS
    later = await one.steer()
    assert (numbers(later), later.again_seconds) == ({"maxSurge": 0, "maxUnavailable": 1}, None)


async def test_its_pause_begins_anew_with_each_doubt() -> None:
    one = Situation(with_fields(VLLM, replicas=2), gpus=3)
    one.stored(walk(one.data).deployment)
    one.pod("chat-1", "old")
    one.pod("chat-2", template_of(walk(one.data).deployment))
    one.pod("chat-3", template_of(walk(one.data).deployment), placed=False)
    await one.steer()
    one.seconds = SCHEDULER_SECONDS
    one.others = (Use("a", GPU, 1),)
    assert (await one.steer()).again_seconds is None
    one.others = ()
    assert (await one.steer()).again_seconds == SCHEDULER_SECONDS


class TestAPodThatDoesNotGo:
    """One of an earlier template is Terminating, and nobody else will bring news of it."""

    ALL = GRACE_SECONDS + OVERDUE_SECONDS

    def stuck(self, *, old: bool, gpus: int = 0) -> Situation:
        """Have a pod of the template without a node, perhaps an old one that serves, and no more GPUs than that."""
        one = Situation(gpus=gpus or 1 + old)
        one.stored(walk(VLLM).deployment)
        one.pod("chat-0", "old", deleting=True)
        if old:
            one.pod("chat-1", "old")
        one.pod("chat-2", template_of(walk(VLLM).deployment), placed=False)
        return one

    async def test_it_is_looked_at_again_when_its_time_is_up(self) -> None:
        one = self.stuck(old=True)
        first = await one.steer()
        assert (first.leaving, first.overdue, first.again_seconds) == (1, 0, self.ALL)
        assert numbers(first) == {"maxSurge": 1, "maxUnavailable": 0}
        one.seconds = self.ALL - 10
        assert (await one.steer()).again_seconds == 10

    async def test_then_the_rollout_goes_on_without_it(self) -> None:
        one = self.stuck(old=True)
        one.seconds = self.ALL
        later = await one.steer()
        assert numbers(later) == {"maxSurge": 0, "maxUnavailable": 1}
        assert (later.leaving, later.overdue, later.again_seconds) == (0, 1, None)

    async def test_so_does_what_is_said_where_nothing_is_rolled_out(self) -> None:
        one = self.stuck(old=False)
        first = await one.steer()
        assert (first.leaving, first.overdue, first.again_seconds, first.told) == (1, 0, self.ALL, "")
        one.seconds = self.ALL
        later = await one.steer()
        assert (later.leaving, later.overdue, later.again_seconds) == (0, 1, None)

    async def test_the_schedulers_word_counts_again(self) -> None:
        """While a place was about to be given up, its word might have been a moment old."""
        one = self.stuck(old=True, gpus=3)
        assert (await one.steer()).again_seconds == self.ALL
        one.seconds = self.ALL
        assert (await one.steer()).again_seconds == SCHEDULER_SECONDS
        one.seconds = self.ALL + SCHEDULER_SECONDS
        assert numbers(await one.steer()) == {"maxSurge": 0, "maxUnavailable": 1}
