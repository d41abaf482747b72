"""The course of one Deployment: what is read off its pods, and what is said of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gemma4_operator.api.common import TEMPLATE_LABEL
from gemma4_operator.planner.node_view import node_view
from gemma4_operator.planner.uses import Use
from gemma4_operator.render.template import template_of
from gemma4_operator.rollout.course import course, is_rolling, of_template, standing
from gemma4_operator.rollout.leaving import OVERDUE_SECONDS
from gemma4_operator.rollout.strategy import Standing
from gemma4_operator.status.pods import PodView, pod_view
from tests.cluster.fakenodes import fake_gpu_node
from tests.rendering import VLLM, spec_of, walk, with_fields

GPU = "nvidia.com/gpu"
TWO = with_fields(VLLM, replicas=2)
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
NODES = (node_view(fake_gpu_node("a", product="NVIDIA-H200", count=4)),)


def pod(name: str, *, of: str = "", node: str = "a", ready: bool = True, **more: Any) -> PodView:
    """Return a pod of the current template, or of another, on a node unless that is empty."""
    raw: dict[str, Any] = {
        "metadata": {
            "name": name,
            "labels": {TEMPLATE_LABEL: of or template_of(walk(TWO).deployment)},
            **({"deletionTimestamp": more.get("gone_by", NOON).isoformat()} if more.get("deleting") else {}),
        },
        "spec": {
            "nodeName": node or None,
            "containers": [{"name": "vllm", "resources": {"limits": {GPU: str(more.get("gpus", 1))}}}],
        },
        "status": {
            "phase": more.get("phase", "Running"),
            "conditions": [
                {"type": "Ready", "status": str(ready)},
                {
                    "type": "PodScheduled",
                    "status": str(bool(node)),
                    "reason": more.get("why", "Unschedulable"),
                    "message": "no node",
                },
            ],
        },
    }
    return pod_view(raw)


def stands(*pods: PodView, data: dict[str, Any] = TWO, others: tuple[Use, ...] = (), refused: str = "") -> Standing:
    return standing(
        walk(data).deployment, spec=spec_of(data), pods=pods, nodes=NODES, others=others, refused=refused, now=NOON
    )


def now(**facts: int | None) -> Standing:
    usual = {
        "replicas": 2,
        "max_unavailable": 1,
        "most": None,
        "old": 2,
        "old_serving": 2,
        "placed": 0,
        "unplaced": 0,
        "leaving": 0,
    }
    return Standing(**{**usual, "room": 0, "room_without_old": 2, **facts})


def going(where: Standing, data: dict[str, Any] = TWO) -> Any:
    rendered = walk(data)
    return course(rendered.deployment, where, spec=spec_of(data), plan=rendered.plan)


class TestStanding:
    def test_pods_are_told_apart_by_their_template(self) -> None:
        found = stands(pod("a", of="old"), pod("b", of="old", ready=False), pod("c"), pod("d", node="", ready=False))
        assert (found.old, found.old_serving, found.placed, found.unplaced) == (2, 1, 1, 1)

    def test_of_a_pod_with_scheduling_gates_the_scheduler_has_not_said_that_no_node_is_free(self) -> None:
        found = stands(pod("a", of="old"), pod("b", node="", ready=False, why="SchedulingGated"))
        assert (found.placed, found.unplaced) == (0, 0)

    def test_so_many_are_wanted_as_the_deployment_says_whoever_decided(self) -> None:
        """With autoscaling the spec shows 1, and means nothing by it."""
        found = stands(data=with_fields(VLLM, autoscaling={"minReplicas": 6, "maxReplicas": 9}))
        assert (found.replicas, found.max_unavailable) == (6, 3)

    def test_room_is_what_nobody_holds_and_what_would_be_left_without_the_old(self) -> None:
        found = stands(pod("a", of="old"), pod("b"), others=(Use("a", GPU, 1),))
        assert (found.room, found.room_without_old) == (1, 2)

    def test_a_budget_of_gpus_is_one_of_pods(self) -> None:
        assert stands().most is None
        assert stands(data=with_fields(TWO, placement={"maximumGPUs": 5})).most == 5
        double = with_fields(TWO, placement={"maximumGPUs": 5, "gpusPerReplica": 2})
        assert stands(data=double).most == 2

    def test_one_that_goes_holds_its_place_until_it_is_gone(self) -> None:
        found = stands(pod("a", of="old", deleting=True), pod("b", deleting=True))
        assert (found.old, found.placed, found.leaving, found.room) == (0, 0, 2, 2)

    @pytest.mark.parametrize(
        ("late_seconds", "leaving"),
        [(-150, 1), (0, 1), (OVERDUE_SECONDS - 1, 1), (OVERDUE_SECONDS, 0), (86400, 0)],
    )
    def test_one_that_does_not_go_is_waited_for_no_longer_than_its_time_and_a_minute(
        self, late_seconds: float, leaving: int
    ) -> None:
        """Such as a pod whose node is gone: it is Terminating until somebody removes it, and its GPU is nobody's."""
        lost = pod("a", of="old", deleting=True, gone_by=NOON - timedelta(seconds=late_seconds))
        found = stands(lost, pod("b", of="old"))
        assert found.leaving == leaving
        assert (found.room, found.room_without_old) == (2, 4 if leaving else 3)

    def test_one_whose_containers_have_ended_has_given_its_place_up(self) -> None:
        found = stands(pod("a", of="old", deleting=True, phase="Succeeded"))
        assert (found.leaving, found.room) == (0, 4)

    def test_one_that_has_ended_holds_nothing(self) -> None:
        found = stands(pod("a", of="old", phase="Failed"))
        assert (found.old, found.room) == (0, 4)

    def test_pods_without_gpus_fit_as_far_as_we_can_see(self) -> None:
        """As on the real node of the demo, whose patch takes the GPU away."""
        no_gpus = {"limits": {GPU: None}, "requests": {GPU: None}}
        patch = {"spec": {"containers": [{"name": "vllm", "resources": no_gpus}]}}
        found = stands(pod("a", of="old", gpus=0), data=with_fields(TWO, podTemplatePatch=patch))
        assert (found.room, found.room_without_old) == (2, 2)

    @pytest.mark.parametrize(
        ("cache", "is_exclusive"),
        [
            ({}, False),
            ({"cache": {"claim": {"size": "70Gi"}}}, True),
            ({"cache": {"claim": {"size": "70Gi", "accessModes": ["ReadWriteOncePod"]}}}, True),
            ({"cache": {"claim": {"size": "70Gi", "accessModes": ["ReadWriteOnce", "ReadWriteMany"]}}}, False),
        ],
    )
    def test_a_cache_that_one_node_alone_can_mount_is_not_shared_with_a_new_pod(
        self, cache: dict[str, Any], *, is_exclusive: bool
    ) -> None:
        assert stands(data=with_fields(VLLM, **cache)).is_exclusive is is_exclusive


class TestPods:
    def test_a_rollout_is_there_as_long_as_an_old_pod_stands(self) -> None:
        deployment = walk(TWO).deployment
        assert is_rolling(deployment, [pod("a", of="old"), pod("b")])
        assert not is_rolling(deployment, [pod("a", of="old", deleting=True), pod("b")])
        assert not is_rolling(deployment, [])

    def test_only_pods_of_the_template_speak_for_the_plan(self) -> None:
        mine = pod("b")
        assert of_template(walk(TWO).deployment, [pod("a", of="old"), mine]) == (mine,)


class TestWords:
    @pytest.mark.parametrize(
        ("where", "told", "numbers"),
        [
            (now(room=1), "New pods come first: there are GPUs for 1 more than are wanted.", (1, 0)),
            (now(), "Pods are replaced in place, 1 at a time.", (0, 1)),
            (
                now(replicas=1, old=1, old_serving=1),
                "Pods are replaced in place, and none serves until a new one has started.",
                (0, 1),
            ),
            (now(room_without_old=0), "The rollout waits for a free GPU.", (1, 0)),
        ],
    )
    def test_how_pods_are_replaced_is_told_and_done(self, where: Standing, told: str, numbers: tuple[int, int]) -> None:
        found = going(where)
        assert found.told == told
        rolling = found.deployment["spec"]["strategy"]["rollingUpdate"]
        assert (rolling["maxSurge"], rolling["maxUnavailable"]) == numbers

    @pytest.mark.parametrize(
        ("fields", "where", "because", "instead"),
        [
            ({}, now(room_without_old=0), "no node that fits would have room even without them", "`spec.placement`"),
            ({"update": {"strategy": "Surge"}}, now(), "`spec.update.strategy` is 'Surge'", "set it to 'Auto'"),
            (
                {"disruption": {"minAvailablePercent": 100}},
                now(max_unavailable=0),
                "`spec.disruption.minAvailablePercent` is 100",
                "lower it, or set `spec.update.strategy` to 'Recreate'",
            ),
        ],
    )
    def test_what_it_waits_for_is_told_with_a_way_out(
        self, fields: dict[str, Any], where: Standing, because: str, instead: str
    ) -> None:
        blocked = going(where, with_fields(TWO, **fields)).blocked
        assert blocked.reason == "RolloutBlockedNoSpareGPU"
        assert blocked.message.startswith("No node has 1x NVIDIA-H200 free for a new pod, and none of the 2 old ones")
        assert because in blocked.message
        assert instead in blocked.message

    def test_nothing_else_of_the_deployment_changes(self) -> None:
        before = walk(TWO).deployment
        after = going(now(room=1)).deployment
        assert {**after["spec"], "strategy": None} == {**before["spec"], "strategy": None}
        assert after["metadata"] == before["metadata"]
