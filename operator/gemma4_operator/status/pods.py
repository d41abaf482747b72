"""A pod, reduced to what a status needs: small enough to keep thousands of them in memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerTrouble:
    """Why one container does not run, in the kubelet's words."""

    container: str
    reason: str
    message: str
    last_reason: str = ""
    last_exit_code: int | None = None
    restarts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PodView:
    """What is known of one pod.

    Attributes:
        unschedulable: The scheduler's message while no node can take the pod.
        unschedulable_since: When it first said so.
        running: Whether the engine's container runs, ready or not.
    """

    name: str
    ready: bool
    deleting: bool = False
    unschedulable: str = ""
    unschedulable_since: datetime | None = None
    running: bool = False
    trouble: ContainerTrouble | None = None


def pod_view(pod: Mapping[str, Any]) -> PodView:
    """Reduce a raw Pod."""
    status = pod.get("status", {})
    conditions = {condition["type"]: condition for condition in status.get("conditions", ())}
    scheduled = conditions.get("PodScheduled", {})
    blocked = scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable"
    main = status.get("containerStatuses", ())
    return PodView(
        name=pod["metadata"]["name"],
        ready=conditions.get("Ready", {}).get("status") == "True",
        deleting="deletionTimestamp" in pod["metadata"],
        unschedulable=scheduled.get("message", "") if blocked else "",
        unschedulable_since=_moment(scheduled.get("lastTransitionTime")) if blocked else None,
        running=any("running" in container.get("state", {}) for container in main),
        trouble=next(_troubles([*status.get("initContainerStatuses", ()), *main]), None),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _troubles(containers: list[Mapping[str, Any]]) -> Iterator[ContainerTrouble]:
    """Yield what keeps containers from running; starting for the first time is no trouble."""
    for container in containers:
        state = container.get("state", {})
        last = container.get("lastState", {}).get("terminated", {})
        waiting, ended = state.get("waiting"), state.get("terminated")
        if ended is not None and ended.get("exitCode", 0) != 0:
            last = ended
        elif waiting is None or (waiting.get("reason") in {"ContainerCreating", "PodInitializing"} and not last):
            continue
        yield ContainerTrouble(
            container=container["name"],
            reason=(waiting or ended or {}).get("reason", ""),
            message=(waiting or ended or {}).get("message", ""),
            last_reason=last.get("reason", ""),
            last_exit_code=last.get("exitCode"),
            restarts=container.get("restartCount", 0),
        )
