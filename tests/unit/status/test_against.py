"""What pods say against their plan."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gemma4_operator.planner.replan import Wrong
from gemma4_operator.status.against import against_plan
from gemma4_operator.status.evidence import gather
from gemma4_operator.status.pods import pod_view
from gemma4_operator.status.rollout import Rollout

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
OUT_OF_MEMORY = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.10 GiB."
NO_CACHE = "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`."
IN_USE = "ValueError: Free memory on device (9.1/79.1 GiB) on startup is less than desired GPU memory utilization"
SERVES = {"metadata": {"name": "chat-0"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}


def running(*, ready: int = 0, updated: int = 1, current: bool = True) -> Rollout:
    return Rollout(current=current, replicas=1, updated=updated, ready=ready)


def crashed(restarts: int) -> dict[str, Any]:
    container = {
        "name": "vllm",
        "ready": False,
        "restartCount": restarts,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
    }
    return {"metadata": {"name": "chat-1"}, "status": {"phase": "Running", "containerStatuses": [container]}}


def unplaced(seconds: int) -> dict[str, Any]:
    since = (NOW - timedelta(seconds=seconds)).isoformat()
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no GPU"}
    return {"metadata": {"name": "chat-1"}, "status": {"conditions": [{**condition, "lastTransitionTime": since}]}}


CASES: dict[str, tuple[dict[str, Any], Rollout, str, Wrong | None]] = {
    "out of memory again and again": (crashed(2), running(), OUT_OF_MEMORY, Wrong.MEMORY),
    "once may be chance": (crashed(1), running(), OUT_OF_MEMORY, None),
    "another cause": (crashed(2), running(), "ValueError: unknown flag", None),
    "no room for the cache": (crashed(2), running(), NO_CACHE, Wrong.MEMORY),
    "memory that something else holds": (crashed(2), running(), IN_USE, None),
    "the Deployment is not seen yet": (crashed(2), running(current=False), OUT_OF_MEMORY, None),
    "no node for ten minutes": (unplaced(601), running(), "", Wrong.UNPLACED),
    "no node for less": (unplaced(599), running(), "", None),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong(case: str) -> None:
    raw, found, log, wrong = CASES[case]
    pod = pod_view(raw)
    evidence = {pod.name: gather(pod, (), log)}
    assert against_plan((pod,), found, evidence, planned=(pod,), patience_seconds=600, now=NOW) is wrong


def test_pods_of_the_plan_before_say_nothing_about_this_one() -> None:
    pod = pod_view(crashed(2))
    evidence = {pod.name: gather(pod, (), OUT_OF_MEMORY)}
    assert against_plan((pod,), running(), evidence, planned=(), patience_seconds=600, now=NOW) is None


def test_nor_do_they_keep_one_that_does_not_fit_while_they_serve() -> None:
    """A change that is brought in beside them would else fail for ever."""
    old, new = pod_view(SERVES), pod_view(crashed(2))
    evidence = {new.name: gather(new, (), OUT_OF_MEMORY)}
    found = against_plan((old, new), running(ready=1), evidence, planned=(new,), patience_seconds=600, now=NOW)
    assert found is Wrong.MEMORY


def test_where_a_replica_of_the_plan_serves_it_fits() -> None:
    one, other = pod_view(SERVES), pod_view(crashed(2))
    evidence = {other.name: gather(other, (), OUT_OF_MEMORY)}
    found = against_plan((one, other), running(ready=1), evidence, planned=(one, other), patience_seconds=600, now=NOW)
    assert found is None


def test_who_waits_for_a_node_waits_on_while_others_serve() -> None:
    old, new = pod_view(SERVES), pod_view(unplaced(6000))
    assert against_plan((new,), running(), {}, planned=(new,), patience_seconds=600, now=NOW) is Wrong.UNPLACED
    found = against_plan((old, new), running(ready=1), {}, planned=(new,), patience_seconds=600, now=NOW)
    assert found is None


EVICTED = {
    "metadata": {"name": "chat-0"},
    "spec": {"nodeName": "gpu-1"},
    "status": {
        "phase": "Failed",
        "reason": "Evicted",
        "conditions": [{"type": "PodScheduled", "status": "True"}],
        "containerStatuses": crashed(7)["status"]["containerStatuses"],
    },
}


def test_a_pod_that_ended_days_ago_keeps_nobody_from_another_plan() -> None:
    pods = (pod_view(EVICTED), pod_view(unplaced(601)))
    assert against_plan(pods, running(), {}, planned=pods, patience_seconds=600, now=NOW) is Wrong.UNPLACED


def test_nor_do_its_restarts_count_for_the_one_in_its_place() -> None:
    pod = pod_view(crashed(1))
    evidence = {pod.name: gather(pod, (), OUT_OF_MEMORY)}
    pods = (pod_view(EVICTED), pod)
    assert against_plan(pods, running(), evidence, planned=pods, patience_seconds=600, now=NOW) is None


def test_nothing_is_read_into_what_nobody_said() -> None:
    pods = (pod_view(crashed(2)),)
    assert against_plan(pods, running(), {}, planned=pods, patience_seconds=600, now=NOW) is None
