"""From pods to the replicas that a scaler knows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gemma4_operator.runtime.replicas import Clock, replicas_of, stage_of
from gemma4_operator.scaling.sample import Counts, Sample, Stage
from gemma4_operator.status.pods import ContainerView, PodView

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
CLOCK = Clock(now=NOW, monotonic_seconds=1000.0)


def pod(**fields: Any) -> PodView:
    return PodView(**{"name": "chat-1", "ready": False, "phase": "Pending", **fields})


def waits(reason: str) -> tuple[ContainerView, ...]:
    return (ContainerView(name="vllm", waiting=reason),)


@pytest.mark.parametrize(
    ("fields", "stage"),
    [
        ({"ready": True, "phase": "Running"}, Stage.SERVING),
        ({"ready": True, "phase": "Running", "deleting": True}, Stage.LEAVING),
        ({"unschedulable": "0/3 nodes are available", "deleting": True}, Stage.LEAVING),
        ({"unschedulable": "0/3 nodes are available"}, Stage.UNPLACED),
        ({}, Stage.LOADING),
        ({"phase": "Running", "running": True}, Stage.LOADING),
        ({"containers": waits("ContainerCreating")}, Stage.LOADING),
        ({"containers": waits("ImagePullBackOff")}, Stage.LOADING),
        ({"phase": "Running", "containers": waits("CrashLoopBackOff")}, Stage.FAILED),
        ({"containers": waits("CreateContainerConfigError")}, Stage.FAILED),
    ],
)
def test_how_far_a_pod_is(fields: dict[str, Any], stage: Stage) -> None:
    assert stage_of(pod(**fields)) is stage


def test_a_pod_without_a_node_is_on_its_way_where_one_is_being_added() -> None:
    pods = [pod(name=name, unschedulable="0/3 nodes are available") for name in ("gets-one", "gets-none")]
    gets, none = replicas_of(pods, {}, clock=CLOCK, coming={"gets-one", "another"})
    assert (gets.stage, none.stage) == (Stage.LOADING, Stage.UNPLACED)


def test_times_of_day_become_those_of_the_scalers_clock() -> None:
    made, serves = NOW - timedelta(seconds=90), NOW - timedelta(seconds=10)
    (replica,) = replicas_of([pod(ready=True, created_at=made, ready_at=serves)], {}, clock=CLOCK)
    assert (replica.since_seconds, replica.serving_since_seconds) == (910.0, 990.0)


def test_a_clock_ahead_of_ours_makes_nobody_serve_in_the_future() -> None:
    ahead = NOW + timedelta(minutes=5)
    (replica,) = replicas_of([pod(ready=True, created_at=ahead, ready_at=ahead)], {}, clock=CLOCK)
    assert (replica.since_seconds, replica.serving_since_seconds) == (1000.0, 1000.0)


def test_a_pod_without_times_is_new_and_serves_not_yet() -> None:
    (replica,) = replicas_of([pod()], {}, clock=CLOCK)
    assert (replica.since_seconds, replica.serving_since_seconds) == (1000.0, None)


def test_readiness_that_was_lost_is_no_serving() -> None:
    (replica,) = replicas_of([pod(ready=False, ready_at=NOW)], {}, clock=CLOCK)
    assert replica.serving_since_seconds is None


def test_each_has_its_own_sample_and_those_that_have_ended_are_none() -> None:
    said = Sample(at_seconds=999.0, counts=Counts(running=1.0, waiting=0.0))
    pods = [pod(name="a", ready=True), pod(name="b", ready=True), pod(name="c", phase="Failed")]
    found = replicas_of(pods, {"a": said, "c": said}, clock=CLOCK)
    assert [(replica.name, replica.sample) for replica in found] == [("a", said), ("b", None)]
