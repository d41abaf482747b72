"""One pass over a world in memory, where a pod without a node speaks against the plan and a child is somebody's own."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.engines.registry import engines
from gemma4_operator.kube.api import Listing, Object
from gemma4_operator.kube.errors import Conflict
from gemma4_operator.kube.events import Recorder
from gemma4_operator.kube.kinds import Kind
from gemma4_operator.planner.record import record
from gemma4_operator.render.template import template_of
from gemma4_operator.runtime.contest import Contests
from gemma4_operator.runtime.desire import Desires, desire
from gemma4_operator.runtime.reconcile import Reconciler
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.taken import Taken
from gemma4_operator.runtime.witness import Witness
from gemma4_operator.runtime.worker import Again
from gemma4_operator.runtime.world import World, empty_world
from tests.cluster.fakenodes import fake_gpu_node

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
CHAT = Key("team", "chat")
PATIENCE_SECONDS = 600
L4 = fake_gpu_node("small", product="NVIDIA-L4", count=1, memory_mib=23034, compute=(8, 9))
H100 = fake_gpu_node("big", product="NVIDIA-H100-80GB-HBM3", count=4)


def seconds() -> float:
    return 0.0


class Api:
    """Takes what is written and remembers it; there is nothing to list."""

    def __init__(self) -> None:
        self.version = 1000
        self.statuses: list[Object] = []
        self.applied: list[str] = []

    async def list(self, kind: Kind, **_: Any) -> Listing:
        return Listing(items=(), resource_version=self.version)

    async def pages(self, kind: Kind, **_: Any) -> AsyncIterator[tuple[Object, ...]]:
        yield ()

    async def apply(self, kind: Kind, obj: Object, **_: Any) -> Object:
        self.applied.append(kind.kind)
        return self._stored(obj)

    async def apply_status(self, kind: Kind, obj: Object, **_: Any) -> Object:
        self.statuses.append(obj["status"])
        return self._stored(obj)

    async def create(self, kind: Kind, obj: Object) -> Object:
        return self._stored(obj)

    def _stored(self, obj: Object) -> Object:
        self.version += 1
        return {
            **obj,
            "metadata": {"uid": "u", "generation": 1, **obj["metadata"], "resourceVersion": str(self.version)},
        }


class Nobody:
    """Stands for the autoscaler and for what asks engines: both know nothing."""

    def decided(self, *_: Any) -> None:
        return None

    def told(self, *_: Any) -> None:
        return None

    def blocks(self, *_: Any) -> None:
        return None

    def attend(self, *_: Any, **__: Any) -> None:
        return None


def a_world(*, unplaced_seconds: float, service_is_ours: bool) -> World:
    """Return a world in which a resource has its children, and its one pod has found no node for so long."""
    world = empty_world()
    for number, node in enumerate((L4, H100)):
        world.nodes.put({**node, "metadata": {**node["metadata"], "uid": f"n{number}", "resourceVersion": "1"}})
    metadata = {"namespace": "team", "name": "chat", "uid": "u", "generation": 1, "resourceVersion": "1"}
    resource: Object = {
        "apiVersion": "gemma4.dev/v1alpha1",
        "kind": "Gemma4Deployment",
        "metadata": metadata,
        "spec": {"model": {"variant": "E2B", "quantization": "Q4_K_M"}},
    }
    wanted = desire(resource, catalog=builtin_catalog(), engines=engines(), nodes=world.node_views())
    assert wanted.plan is not None
    world.custom_resources.put({**resource, "status": {"plan": record(wanted.plan).to_json()}})
    for child in wanted.objects:
        about = {**child["metadata"], "uid": child["kind"], "resourceVersion": "3", "generation": 1}
        if child["kind"] == "Service" and not service_is_ours:
            del about["ownerReferences"]
        world.children[child["kind"]].put({**child, "metadata": about, "status": {"observedGeneration": 1}})
        if child["kind"] == "Deployment":
            world.pods.put(a_pod(template_of(child), unplaced_seconds=unplaced_seconds))
    return world


def a_pod(template: str, *, unplaced_seconds: float) -> Object:
    waits = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/2 nodes are available: 2 Insufficient nvidia.com/gpu.",
        "lastTransitionTime": (NOW - timedelta(seconds=unplaced_seconds)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    labels = {"gemma4.dev/deployment": "chat", "gemma4.dev/template": template}
    owner = {"kind": "ReplicaSet", "name": "chat-1", "controller": True}
    about = {"namespace": "team", "name": "chat-1-a", "uid": "p", "resourceVersion": "4", "labels": labels}
    return {
        "metadata": {**about, "ownerReferences": [owner]},
        "spec": {},
        "status": {"phase": "Pending", "conditions": [waits]},
    }


def reconciler(world: World, api: Any) -> Reconciler:
    nobody: Any = Nobody()
    return Reconciler(
        api=api,
        world=world,
        recorder=Recorder(
            api, controller="c", instance="i", monotonic=seconds, now=lambda: NOW, on_drop=lambda why: None
        ),
        desires=Desires(catalog=builtin_catalog(), engines=engines(), nodes=world.node_views),
        taken=Taken(api, monotonic=seconds),
        witness=Witness(api, monotonic=seconds, now=lambda: NOW),
        contests=Contests(monotonic=seconds),
        gauge=nobody,
        autoscaler=nobody,
        unplaced_seconds=PATIENCE_SECONDS,
        now=lambda: NOW,
        monotonic=seconds,
    )


def ready_of(api: Api) -> str:
    (status,) = api.statuses
    return next(str(one["reason"]) for one in status["conditions"] if one["type"] == "Ready")


@pytest.mark.parametrize(
    ("unplaced_seconds", "service_is_ours", "reason"),
    [
        (30, True, "InsufficientGPU"),
        (30, False, "NameConflict"),
        (PATIENCE_SECONDS + 100, False, "NameConflict"),
    ],
)
async def test_a_child_that_is_somebodys_own_is_told_whatever_pods_say(
    unplaced_seconds: float, service_is_ours: bool, reason: str
) -> None:
    """A tool that restores objects without their owners must not end the pass, nor hide behind a pod without a node."""
    api = Api()
    world = a_world(unplaced_seconds=unplaced_seconds, service_is_ours=service_is_ours)
    await reconciler(world, api)(CHAT)
    assert ready_of(api) == reason


class AtABadMoment(Api):
    """A ResourceQuota is counted anew by another write at the same time, as where many objects are made at once."""

    async def apply(self, kind: Kind, obj: Object, **_: Any) -> Object:
        raise Conflict('Operation cannot be fulfilled on resourcequotas "team": the object has been modified')


async def test_a_write_at_a_bad_moment_is_tried_again_and_told_to_nobody() -> None:
    """Told as a refusal it would stall the resource, page somebody and stay in `status.lastFailure`."""
    api, world = AtABadMoment(), a_world(unplaced_seconds=30, service_is_ours=True)
    service = world.children["Service"].get(CHAT)
    assert service is not None
    service["spec"]["ports"] = []
    with pytest.raises(Conflict):
        await reconciler(world, api)(CHAT)
    assert api.statuses == []


E4B = {"model": {"variant": "E4B", "quantization": "Q4_K_M"}}


class EditedMeanwhile(Api):
    """The user's edit is stored between the read that a pass is about and the status that it writes."""

    async def apply_status(self, kind: Kind, obj: Object, **_: Any) -> Object:
        stored = await super().apply_status(kind, obj)
        return {**stored, "spec": E4B, "metadata": {**stored["metadata"], "generation": 2}}


async def test_an_edit_that_a_status_write_overtakes_is_followed_at_once() -> None:
    """The watch tells of it later, as something older than what is known, so that nobody is woken."""
    world, api = a_world(unplaced_seconds=30, service_is_ours=True), EditedMeanwhile()
    passes = reconciler(world, api)
    assert await passes(CHAT) == Again(after_seconds=0.0)
    edit = {"namespace": "team", "name": "chat", "uid": "u", "generation": 2, "resourceVersion": "2"}
    assert world.custom_resources.put({"metadata": edit, "spec": E4B}) is None
    await passes(CHAT)
    assert [status["observedGeneration"] for status in api.statuses] == [1, 2]
    assert "Deployment" in api.applied
