"""Further failures, in words that `tests/data/pod-failures.json` does not have: other versions, other programs.

Each is written from the message form in the program's source or from a public report. A case is a function of names
and numbers only through its text, so the tests can change those.
"""

from dataclasses import dataclass, field
from typing import Any

from gemma4_operator.status.reasons import Reason


@dataclass(frozen=True)
class Failure:
    """A pod that fails, in raw form."""

    reason: Reason
    mention: tuple[str, ...] = ()
    status: dict[str, Any] | None = field(default_factory=dict)
    events: tuple[dict[str, Any], ...] = ()
    log: tuple[str, ...] = ()

    @property
    def pod(self) -> dict[str, Any] | None:
        return None if self.status is None else {"metadata": {"name": "chat-1"}, "status": self.status}


def event(reason: str, message: str, kind: str = "Pod", name: str = "chat-1") -> dict[str, Any]:
    return {"reason": reason, "message": message, "involvedObject": {"kind": kind, "name": name}}


def _conditions(**answers: bool) -> list[dict[str, Any]]:
    return [{"type": name, "status": str(answer)} for name, answer in answers.items()]


def pending(message: str, *events: dict[str, Any], reason: Reason, mention: tuple[str, ...] = ()) -> Failure:
    """A pod without a node."""
    scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return Failure(reason, mention, {"phase": "Pending", "conditions": [scheduled]}, events)


def refused(message: str, reason: Reason, *mention: str, kind: str = "ReplicaSet") -> Failure:
    """A pod that was never made."""
    return Failure(reason, mention, None, (event("FailedCreate", f"Error creating: {message}", kind, "chat-5d8c"),))


def image(message: str, reason: Reason, *mention: str, waiting: str = "ErrImagePull", by: str = "") -> Failure:
    """A container that waits for its image; `by` tells the message in an event, as older kubelets do."""
    text = message if not by else 'Back-off pulling image "vllm/vllm-openai:v0.32.0"'
    state = {"waiting": {"reason": waiting, "message": text}}
    told = (event("Failed", f'Failed to pull image "vllm/vllm-openai:v0.32.0": {message}'),) if by else ()
    return Failure(reason, mention, _status(state), told)


def _status(state: dict[str, Any], *, last: dict[str, Any] | None = None, restarts: int = 0, **more: Any) -> Any:
    item = {"name": "engine", "image": "vllm/vllm-openai:v0.32.0", "ready": False, "restartCount": restarts}
    item |= {"state": state} | ({"lastState": {"terminated": last}} if last else {})
    return {
        "phase": "Pending",
        "conditions": _conditions(PodScheduled=True, Ready=False),
        "containerStatuses": [item],
    } | more


def unmade(message: str, reason: Reason, *mention: str, waiting: str = "CreateContainerError") -> Failure:
    """A container that cannot be created."""
    return Failure(reason, mention, _status({"waiting": {"reason": waiting, "message": message}}))


def unprepared(kind: str, message: str, reason: Reason, *mention: str) -> Failure:
    """A pod whose volumes or sandbox are not there."""
    status = _status({"waiting": {"reason": "ContainerCreating"}})
    return Failure(
        reason, mention, status, (event("Scheduled", "Successfully assigned a/b to c"), event(kind, message))
    )


def crash(reason: Reason, *log: str, mention: tuple[str, ...] = (), code: int = 1, why: str = "Error") -> Failure:
    """A container that ends again and again."""
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container=engine"}}
    last = {"exitCode": code, "reason": why}
    events = (event("BackOff", "Back-off restarting failed container engine in pod chat-1"),)
    return Failure(reason, mention, _status(state, last=last, restarts=5, phase="Running"), events, log)


def running(reason: Reason, *log: str, mention: tuple[str, ...] = (), events: tuple[Any, ...] = ()) -> Failure:
    """A container that runs and is not ready."""
    return Failure(reason, mention, _status({"running": {}}, phase="Running"), events, log)


def failed(why: str, message: str, reason: Reason, *mention: str) -> Failure:
    """A pod that its kubelet or Kubernetes itself has ended."""
    status = {"phase": "Failed", "reason": why, "message": message, "conditions": _conditions(PodScheduled=True)}
    return Failure(reason, mention, status)


def job(reason: Reason, *log: str, mention: tuple[str, ...] = (), why: str = "BackoffLimitExceeded") -> Failure:
    """The last pod of a Job that has given up."""
    status = _status({"terminated": {"exitCode": 1, "reason": "Error"}}, phase="Failed")
    return Failure(reason, mention, status, (event(why, "Job has given up", "Job", "weights"),), log)
