"""Pods to one cause: what keeps them from serving, in a sentence that says what to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from gemma4_operator.status.conditions import written
from gemma4_operator.status.diagnosis.cause import find_cause
from gemma4_operator.status.diagnosis.rules import Diagnosis
from gemma4_operator.status.diagnosis.scheduling import COMING
from gemma4_operator.status.evidence import Evidence
from gemma4_operator.status.meanings import FixableBy
from gemma4_operator.status.pods import PodView, loader, of_now
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.unready import is_up

_MESSAGE_LIMIT: Final = 1000
_URGENCY: Final = {FixableBy.USER: 0, FixableBy.CLUSTER_ADMIN: 0, FixableBy.OPERATOR: 1, FixableBy.WAIT: 2, None: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One cause, and how many pods share it."""

    reason: Reason
    message: str


def diagnose(
    pods: Sequence[PodView],
    evidence: Mapping[str, Evidence] = MappingProxyType({}),
    *,
    now: datetime | None = None,
) -> Finding | None:
    """Return the cause that most needs a person, or None when no pod is in trouble.

    What a person must mend comes before what mends itself, what no new attempt helps before what one may, and a pod
    that fails before one that waits for a node. One that has ended counts only where no other has begun.

    Args:
        pods: All of one resource.
        evidence: What more is known of some of them, by their names.
        now: The time, by which the others are judged.
    """
    waiting = of_now(pods)
    found = [
        (pod, cause)
        for pod in waiting
        if (cause := find_cause(evidence.get(pod.name) or Evidence(pod=pod, read_at=now))) is not None
    ]
    failing = [(pod, cause) for pod, cause in found if cause.reason is not Reason.STILL_STARTING]
    if failing:
        living = [(pod, cause) for pod, cause in failing if not pod.ended]
        failing = living or failing
        pod, cause = min(failing, key=lambda item: _rank(*item))
        alike = sum(other.reason is cause.reason for _, other in failing)
        return _finding(pod, cause, alike=alike, waiting=len(waiting))
    return _starting([pod for pod in waiting if not pod.ended], [cause for _, cause in found])


def max_restarts(pods: Sequence[PodView]) -> int:
    """Return how often the container that was started anew most often was, of the pods that are still to serve."""
    standing = (pod for pod in pods if not pod.deleting and not pod.ended)
    return max((one.restarts for pod in standing for one in pod.containers), default=0)


def _rank(pod: PodView, cause: Diagnosis) -> tuple[int, bool, bool, str]:
    return _URGENCY[cause.reason.fixable_by], cause.reason.retryable, _without_node(pod), pod.name


def _without_node(pod: PodView) -> bool:
    return pod.scheduled is False or bool(pod.unschedulable and not pod.containers)


def _finding(pod: PodView, cause: Diagnosis, *, alike: int, waiting: int) -> Finding:
    said = _closed(cause.message[:_MESSAGE_LIMIT])
    if _without_node(pod) and not pod.gated:
        message = f"{alike} of {waiting} waiting pods fit on no node: {said}"
    else:
        others = f" ({alike} pods)" if alike > 1 else ""
        message = f"Pod '{pod.name}'{others}: {said}"
    return Finding(reason=cause.reason, message=f"{message} {cause.reason.advice}")


def _closed(said: str) -> str:
    """Return what others said with an end, so that the advice does not run on from it."""
    text = said.rstrip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _starting(pods: Sequence[PodView], causes: Sequence[Diagnosis]) -> Finding | None:
    up = [pod for pod in pods if is_up(pod)]
    loading = [(pod, loader(pod)) for pod in pods if pod not in up and (pod.running or loader(pod) is not None)]
    # How far one is stands in its log, which is read of those that take long.
    far = next((cause.message for cause in causes if "is starting: " in cause.message), "")
    if up and not loading:
        message = f"{len(up)} of {len(pods)} waiting pods have started and are not ready yet. {_closed(far)}"
        return Finding(reason=Reason.STILL_STARTING, message=message)
    if not loading:
        return _placing(len(pods), [cause.message for cause in causes if cause.message.startswith(COMING)])
    starts = (pod.started_at or (container and container.since) for pod, container in loading)
    began = [start for start in starts if start]
    since = f", the first of them since {written(min(began))}" if began else ""
    message = f"{len(loading)} of {len(pods)} waiting pods load the weights{since}."
    return Finding(reason=Reason.STILL_STARTING, message=f"{message} {_closed(far)}" if far else message)


def _placing(waiting: int, coming: Sequence[str]) -> Finding | None:
    if not coming:
        return None
    message = f"{len(coming)} of {waiting} waiting pods have no node yet. {_closed(coming[0][:_MESSAGE_LIMIT])}"
    return Finding(reason=Reason.STILL_STARTING, message=f"{message} Once it is there, they load the weights.")
