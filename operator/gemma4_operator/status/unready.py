"""Pods that have started and are not ready: which of them are past the moment that this usually takes."""

from datetime import datetime
from typing import Final

from gemma4_operator.status.pods import ContainerView, PodView

MOMENT_SECONDS: Final = 60.0
"""Beyond what its readiness probe may take, for a container whose start is over."""
GATE_SECONDS: Final = 300.0
"""Which others may take to meet a readiness gate: a load balancer asks a new pod a few times before it trusts it."""


def silent(pod: PodView, *, now: datetime | None, is_refused: bool = False) -> tuple[ContainerView, ...]:
    """Return the containers that run, have started, and should answer by now; none of a pod that goes or has ended.

    One that was ready before should in any case. One that never was has no time of its own: when its startup probe
    passed stands nowhere, but it was no later than its kubelet's last news of the pod.

    Args:
        pod: Any.
        now: The time; None: nobody knows.
        is_refused: Whether a readiness probe is known to have failed, which counts where nobody knows the time.
    """
    if pod.ready or pod.deleting or pod.ended:
        return ()
    patience_seconds = MOMENT_SECONDS + pod.answer_seconds
    late = is_refused if now is None else _passed(pod.told_at, now) >= patience_seconds
    return tuple(one for one in pod.containers if one.running and (one.has_served or (late and pod.has_started)))


def is_held(pod: PodView, *, now: datetime | None) -> bool:
    """Whether readiness gates keep a pod whose containers are ready from serving for longer than they usually do.

    Where nobody knows the time they are what there is to tell.
    """
    if pod.deleting or pod.ended or not pod.readiness_gates:
        return False
    return now is None or _passed(pod.gated_since, now) >= GATE_SECONDS


def is_up(pod: PodView) -> bool:
    """Whether a pod that does not serve has started all the same, and loads nothing any more."""
    return pod.has_started or bool(pod.readiness_gates)


def _passed(since: datetime | None, now: datetime) -> float:
    return (now - since).total_seconds() if since is not None else 0.0
