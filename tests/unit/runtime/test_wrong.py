"""What pods say against their plan, as a pass sees it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gemma4_operator.planner.replan import Wrong
from gemma4_operator.runtime.reconcile import Reconciler
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.world import World, empty_world
from gemma4_operator.status.evidence import gather

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
CHAT = Key("team", "chat")
OUT_OF_MEMORY = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.10 GiB."
LABELS = {"app.kubernetes.io/managed-by": "gemma4-operator", "gemma4.dev/deployment": "chat"}


class FakeWitness:
    def __init__(self, log: str) -> None:
        self.log = log

    async def evidence(self, namespace: str, pods: Any) -> Any:
        return {pod.name: gather(pod, (), self.log) for pod in pods}


def metadata(name: str, **more: Any) -> dict[str, Any]:
    return {"namespace": "team", "name": name, "uid": name, "resourceVersion": "1", "labels": LABELS, **more}


def deployment(*, ready: int = 0, updated: int = 1, observed: int = 2) -> dict[str, Any]:
    status = {"observedGeneration": observed, "replicas": 1, "updatedReplicas": updated, "readyReplicas": ready}
    return {"kind": "Deployment", "metadata": metadata("chat", generation=2), "status": status}


def crashed(restarts: int) -> dict[str, Any]:
    container = {
        "name": "vllm",
        "ready": False,
        "restartCount": restarts,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
    }
    return {"metadata": metadata("chat-1"), "status": {"phase": "Running", "containerStatuses": [container]}}


def unplaced(seconds: int) -> dict[str, Any]:
    since = (NOW - timedelta(seconds=seconds)).isoformat()
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no GPU"}
    return {"metadata": metadata("chat-1"), "status": {"conditions": [{**condition, "lastTransitionTime": since}]}}


async def wrong(pod: dict[str, Any], found: dict[str, Any], *, log: str = OUT_OF_MEMORY) -> Wrong | None:
    world: World = empty_world()
    world.children["Deployment"].put(found)
    world.pods.put(pod)
    nothing: Any = None
    reconciler = Reconciler(
        api=nothing,
        world=world,
        recorder=nothing,
        desires=nothing,
        taken=nothing,
        witness=FakeWitness(log),  # type: ignore[arg-type]
        contests=nothing,
        unplaced_seconds=600,
        now=lambda: NOW,
    )
    return await reconciler._wrong(CHAT)


@pytest.mark.parametrize(
    ("pod", "found", "log", "said"),
    [
        (crashed(2), deployment(), OUT_OF_MEMORY, Wrong.MEMORY),
        (crashed(1), deployment(), OUT_OF_MEMORY, None),
        (crashed(2), deployment(), "ValueError: unknown flag", None),
        (crashed(2), deployment(ready=1), OUT_OF_MEMORY, None),
        # Pods of the plan before say nothing about this one.
        (crashed(2), deployment(updated=0), OUT_OF_MEMORY, None),
        (crashed(2), deployment(observed=1), OUT_OF_MEMORY, None),
        (unplaced(601), deployment(), "", Wrong.UNPLACED),
        (unplaced(599), deployment(), "", None),
    ],
    ids=[
        "out of memory again and again",
        "once may be chance",
        "another cause",
        "a replica serves",
        "an old pod",
        "the Deployment is not seen yet",
        "no node for ten minutes",
        "no node for less",
    ],
)
async def test_what_is_wrong(pod: dict[str, Any], found: dict[str, Any], log: str, said: Wrong | None) -> None:
    assert await wrong(pod, found, log=log) is said
