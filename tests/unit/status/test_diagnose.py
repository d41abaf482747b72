"""Raw pods, as the kubelet and the scheduler write them, to the one cause a person should read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gemma4_operator.status.diagnose import Finding, diagnose
from gemma4_operator.status.diagnosis.cause import find_cause
from gemma4_operator.status.diagnosis.scheduling import NODE_SECONDS
from gemma4_operator.status.evidence import gather
from gemma4_operator.status.pods import pod_view
from gemma4_operator.status.reasons import Reason

NO_GPU = "0/4 nodes are available: 4 Insufficient nvidia.com/gpu. preemption: 0/4 nodes are available."


def pod(name: str = "chat-1", *, init: Any = None, deleting: bool = False, **status: Any) -> dict[str, Any]:
    metadata = {"name": name} | ({"deletionTimestamp": "2026-11-25T12:00:00Z"} if deleting else {})
    conditions = status.pop("conditions", [{"type": "Ready", "status": "False"}])
    containers = [{"name": "engine", "restartCount": 0, **status}] if status else []
    initial = [{"name": "fetch", "restartCount": 0, **init}] if init else []
    return {
        "metadata": metadata,
        "status": {"conditions": conditions, "containerStatuses": containers, "initContainerStatuses": initial},
    }


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"state": {"waiting": {"reason": reason, "message": message}}}


def crashed(code: int, reason: str = "Error", *, restarts: int = 3) -> dict[str, Any]:
    return {
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
        "lastState": {"terminated": {"exitCode": code, "reason": reason}},
        "restartCount": restarts,
    }


MADE = datetime(2026, 11, 30, 12, tzinfo=UTC)


def of_node(reason: str, seconds: int, note: str = "Node gpu-1 status is now so") -> dict[str, Any]:
    """Return an event of a pod's node, so long after the pod was made."""
    at = (MADE + timedelta(seconds=seconds)).isoformat()
    return {"reason": reason, "note": note, "eventTime": at, "regarding": {"kind": "Node", "name": "gpu-1"}}


XID = "NVRM: Xid (PCI:0000:17:00): 79, GPU has fallen off the bus."


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([of_node("NodeNotReady", 60)], Reason.NODE_NOT_READY),
        ([of_node("NodeNotReady", -60)], None),
        ([of_node("NodeNotReady", 60), of_node("NodeReady", 90)], None),
        ([of_node("NodeReady", 60), of_node("NodeNotReady", 90)], Reason.NODE_NOT_READY),
        ([of_node("XidError", 60, XID)], Reason.GPU_HARDWARE_FAULT),
        ([of_node("XidError", -60, XID)], None),
    ],
    ids=["goes", "had gone before", "is back", "goes again", "its GPU fails", "had failed before"],
)
def test_what_happened_to_a_node_counts_from_the_pods_making_on(events: Any, expected: Reason | None) -> None:
    """The operator reads a node's events of the last hour: most are of other pods' times."""
    one = pod(conditions=[{"type": "Ready", "status": "False"}], **waiting("ContainerCreating"))
    one["metadata"]["creationTimestamp"] = MADE.isoformat()
    found = find_cause(gather(one, events))
    assert (found.reason if found is not None else None) is expected


READY = [{"type": "Ready", "status": "True"}]
BLOCKED = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": NO_GPU}]
GATED = [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": "Scheduling is blocked"}]

CASES: dict[str, tuple[list[dict[str, Any]], Reason | None, str]] = {
    "no pods yet": ([], None, ""),
    "all serve": ([pod(conditions=READY, state={"running": {}})], None, ""),
    "no node has a GPU": ([pod(conditions=BLOCKED)], Reason.INSUFFICIENT_GPU, "4 Insufficient nvidia.com/gpu"),
    "nobody has taken the scheduling gates away": (
        [{**pod(conditions=GATED), "spec": {"schedulingGates": [{"name": "queue.test/admission"}, {"name": "b"}]}}],
        Reason.SCHEDULING_GATED,
        "Pod 'chat-1': no node is looked for as long as it has scheduling gates ('queue.test/admission', 'b'). Wait",
    ),
    "one of two waits for a node": (
        [pod("a", conditions=READY), pod("b", conditions=BLOCKED)],
        Reason.INSUFFICIENT_GPU,
        "1 of 1 waiting pods fit on no node",
    ),
    "the image is not there": (
        [pod(**waiting("ImagePullBackOff", 'Back-off pulling image "x"'))],
        Reason.IMAGE_PULL_FAILED,
        'Back-off pulling image "x"',
    ),
    "the image's name is wrong": ([pod(**waiting("InvalidImageName"))], Reason.IMAGE_NOT_FOUND, "InvalidImageName"),
    "a secret is missing": (
        [pod(**waiting("CreateContainerConfigError", 'secret "hf" not found'))],
        Reason.SECRET_OR_CONFIG_MISSING,
        'secret "hf" not found',
    ),
    "killed for memory again and again": ([pod(**crashed(137, "OOMKilled"))], Reason.HOST_OUT_OF_MEMORY, "4 times"),
    "killed for memory this moment": (
        [pod(state={"terminated": {"exitCode": 137, "reason": "OOMKilled"}})],
        Reason.HOST_OUT_OF_MEMORY,
        "killed for memory",
    ),
    "ends with an error": ([pod(**crashed(1))], Reason.ENGINE_CRASHED, "exit code 1, restarted 3 times"),
    "the container before the engine fails": ([pod(init=crashed(2))], Reason.ENGINE_CRASHED, "'fetch'"),
    "being created for the first time": ([pod(**waiting("ContainerCreating"))], None, ""),
    "waits for what runs before it": ([pod(**waiting("PodInitializing"))], None, ""),
    "created anew after a crash": (
        [pod(**waiting("ContainerCreating"), lastState={"terminated": {"exitCode": 1}})],
        Reason.ENGINE_CRASHED,
        "exit code 1",
    ),
    "loads the weights": ([pod(state={"running": {}})], Reason.STILL_STARTING, "1 of 1 waiting pods load the weights"),
    "a container that did its work is no failure": (
        [pod(init={"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}, state={"running": {}})],
        Reason.STILL_STARTING,
        "",
    ),
    "a failure says more than a lack of nodes": (
        [pod("a", conditions=BLOCKED), pod("b", **crashed(1))],
        Reason.ENGINE_CRASHED,
        "Pod 'b'",
    ),
    "a lack of nodes says more than loading": (
        [pod("a", state={"running": {}}), pod("b", conditions=BLOCKED)],
        Reason.INSUFFICIENT_GPU,
        "1 of 2",
    ),
    "several fail alike": ([pod("a", **crashed(1)), pod("b", **crashed(1))], Reason.ENGINE_CRASHED, "(2 pods)"),
    "a pod on its way out does not count": ([pod(deleting=True, **crashed(1))], None, ""),
    "a pod of which nothing is known yet": ([{"metadata": {"name": "a"}, "status": {}}], None, ""),
    "a pod without a status": ([{"metadata": {"name": "a"}}], None, ""),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_cause(case: tuple[list[dict[str, Any]], Reason | None, str]) -> None:
    pods, reason, part = case
    finding = diagnose([pod_view(raw) for raw in pods])
    assert (finding.reason if finding else None) is reason
    assert part in (finding.message if finding else "")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_failure_says_what_to_do(case: tuple[list[dict[str, Any]], Reason | None, str]) -> None:
    pods, reason, _ = case
    if reason in {None, Reason.STILL_STARTING}:
        return
    finding = diagnose([pod_view(raw) for raw in pods])
    assert finding is not None
    assert finding.message.endswith(reason.advice)


def ended(reason: str = "Evicted", message: str = "The node was low on resource: ephemeral-storage.") -> dict[str, Any]:
    """A pod that its Deployment has replaced and left lying; its node's kubelet may never have said that it stopped."""
    status = {"phase": "Failed", "reason": reason, "message": message}
    container = {"name": "engine", "ready": False, "restartCount": 9, "state": {"running": {}}}
    return {"metadata": {"name": "a"}, "status": {**status, "containerStatuses": [container]}}


REFUSED = ended("UnexpectedAdmissionError", "Allocate failed due to no healthy devices present")
SANDBOX = "PodReadyToStartContainers"
TAKEN = pod("b", **waiting("ContainerCreating"), conditions=[{"type": SANDBOX, "status": "False"}])
PULLS = pod("b", **waiting("ContainerCreating"), conditions=[{"type": SANDBOX, "status": "True"}])
NEW = {"metadata": {"name": "b"}, "status": {"phase": "Pending"}}

AFTERWARDS: dict[str, tuple[list[dict[str, Any]], Reason | None, str]] = {
    "nothing has come in its place": ([ended()], Reason.EVICTED, "Pod 'a': Evicted"),
    "the one in its place has only just been made": ([ended(), NEW], Reason.EVICTED, "Pod 'a': Evicted"),
    "a kubelet has only just taken the one in its place": ([ended(), TAKEN], Reason.EVICTED, "Pod 'a': Evicted"),
    "it loads": ([ended(), pod("b", state={"running": {}})], Reason.STILL_STARTING, "1 of 1 waiting pods load"),
    "it pulls its image": ([ended(), PULLS], None, ""),
    "it finds no node": ([ended(), pod("b", conditions=BLOCKED)], Reason.INSUFFICIENT_GPU, "1 of 1 waiting pods"),
    "it crashes": ([ended(), REFUSED, pod("b", **crashed(1))], Reason.ENGINE_CRASHED, "Pod 'b'"),
    "it serves and another is refused": ([REFUSED, pod("b", conditions=READY)], Reason.KUBELET_REJECTED_POD, "Pod 'a'"),
    "its node was lost without a word": ([ended("", "")], None, ""),
}


def test_one_that_an_event_alone_tells_of_goes_before_one_that_has_ended() -> None:
    event = {"reason": "FailedMount", "message": "MountVolume.SetUp failed: stale NFS file handle"}
    about = {**event, "involvedObject": {"kind": "Pod", "name": "b"}}
    finding = diagnose([pod_view(REFUSED), pod_view(TAKEN)], {"b": gather(TAKEN, [about])})
    assert finding is not None
    assert finding.reason is Reason.VOLUME_ATTACH_FAILED
    assert finding.message.startswith("Pod 'b': ")


@pytest.mark.parametrize("case", AFTERWARDS)
def test_a_pod_that_has_ended_is_told_until_another_has_begun(case: str) -> None:
    pods, reason, part = AFTERWARDS[case]
    finding = diagnose([pod_view(raw) for raw in pods])
    assert (finding.reason if finding else None) is reason
    assert part in (finding.message if finding else "")


def abandoned(**ready: Any) -> dict[str, Any]:
    """A pod whose containers are ready, as its kubelet said last, and which is not."""
    container = {"name": "engine", "ready": True, "restartCount": 0, "state": {"running": {}}}
    conditions = [{"type": "Ready", "status": "False", **ready}, {"type": "ContainersReady", "status": "True"}]
    status = {"phase": "Running", "conditions": conditions, "containerStatuses": [container]}
    return {"metadata": {"name": "chat-1"}, "spec": {"nodeName": "gpu-7"}, "status": status}


def test_a_pod_whose_node_fell_silent_does_not_load() -> None:
    finding = diagnose([pod_view(abandoned())])
    assert finding is not None
    assert finding.reason is Reason.NODE_NOT_READY
    assert finding.message.startswith(
        "Pod 'chat-1': node 'gpu-7' no longer reports, so its pods count as not ready. Bring the node back"
    )


def test_a_pod_that_waits_for_a_gate_of_others_is_not_lost() -> None:
    finding = diagnose([pod_view(abandoned(reason="ReadinessGatesNotReady"))])
    assert finding is not None
    assert finding.reason is Reason.STILL_STARTING


@pytest.mark.parametrize(
    "said", ["Volume is already used by pod(s) store-0", "Volume is already used by pod(s) store-0."]
)
def test_what_others_said_and_the_advice_are_two_sentences(said: str) -> None:
    found = {"metadata": {"name": "chat-1"}, "status": {"containerStatuses": [{"name": "engine"}]}}
    event = {"reason": "FailedAttachVolume", "message": said, "involvedObject": {"kind": "Pod", "name": "chat-1"}}
    finding = diagnose([pod_view(found)], {"chat-1": gather(found, [event])})
    assert finding is not None
    assert f"store-0. {finding.reason.advice}" in finding.message


class TestANodeThatIsBeingAdded:
    """A scaler of nodes says so in an event about the pod, and says no more until the node is there."""

    AT = datetime(2026, 11, 25, 12, tzinfo=UTC)

    def found(self, *events: tuple[str, float], read_at: datetime | None = AT) -> Finding | None:
        """Return what is said of a pod without a node, after events of so many seconds ago."""
        said = [
            {
                "reason": reason,
                "message": "pod triggered scale-up: [{gpus 1->2 (max: 4)}]",
                "involvedObject": {"kind": "Pod", "name": "b"},
                "lastTimestamp": (self.AT - timedelta(seconds=seconds)).isoformat(),
            }
            for reason, seconds in events
        ]
        raw = pod("b", conditions=BLOCKED)
        return diagnose([pod_view(raw)], {"b": gather(raw, said, read_at=read_at)})

    def test_is_told_as_a_start_and_not_as_a_lack_of_nodes(self) -> None:
        found = self.found(("TriggeredScaleUp", 300))
        assert found is not None
        assert found.reason is Reason.STILL_STARTING
        assert found.message.startswith("1 of 1 waiting pods have no node yet. A node is being added: pod triggered")
        assert found.message.endswith("Once it is there, they load the weights.")

    @pytest.mark.parametrize(
        "events",
        [
            (("TriggeredScaleUp", NODE_SECONDS + 1),),
            (("TriggeredScaleUp", 300), ("NotTriggerScaleUp", 60)),
            (("FailedScheduling", 10),),
        ],
        ids=["it should be there by now", "it was given up since", "nobody has ever said so"],
    )
    def test_is_none(self, events: tuple[tuple[str, float], ...]) -> None:
        found = self.found(*events)
        assert found is not None
        assert found.reason is Reason.INSUFFICIENT_GPU

    def test_is_believed_anew_when_another_is_asked_for(self) -> None:
        found = self.found(("TriggeredScaleUp", 3000), ("NotTriggerScaleUp", 2000), ("TriggeredScaleUp", 60))
        assert found is not None
        assert found.reason is Reason.STILL_STARTING

    def test_is_no_matter_of_time_where_nobody_knows_when_the_events_were_read(self) -> None:
        found = self.found(("TriggeredScaleUp", 3000), read_at=None)
        assert found is not None
        assert found.reason is Reason.STILL_STARTING
