"""From pods to the replicas that a scaler knows: how far each is, since when, and what it said last.

The API server tells times of day, and the scaler's clock never goes back; so times are taken over by their age.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gemma4_operator.scaling.sample import Replica, Sample, Stage
from gemma4_operator.status.pods import PodView

_FAILED_WAITING = frozenset({"CrashLoopBackOff", "CreateContainerConfigError", "InvalidImageName", "RunContainerError"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Both clocks at one moment."""

    now: datetime
    monotonic_seconds: float

    def seconds(self, moment: datetime) -> float:
        """Return a time of day by the other clock; one that is yet to come, by a clock ahead of ours, is now."""
        return self.monotonic_seconds - max(0.0, (self.now - moment).total_seconds())


def replicas_of(
    pods: Iterable[PodView],
    samples: Mapping[str, Sample],
    *,
    clock: Clock,
    coming: Container[str] = frozenset(),
) -> tuple[Replica, ...]:
    """Return the replicas that stand; pods that have ended are none.

    Args:
        pods: Of one resource.
        samples: What their engines said last, by pod.
        clock: Says how late it is.
        coming: The pods for which a node is being added.
    """
    return tuple(
        Replica(
            name=pod.name,
            stage=stage_of(pod, node_comes=pod.name in coming),
            since_seconds=clock.seconds(pod.created_at) if pod.created_at is not None else clock.monotonic_seconds,
            serving_since_seconds=clock.seconds(pod.ready_at) if pod.ready and pod.ready_at is not None else None,
            sample=samples.get(pod.name),
        )
        for pod in pods
        if not pod.ended
    )


def stage_of(pod: PodView, *, node_comes: bool = False) -> Stage:
    """Return how far a pod is; one that has no node yet and gets one is on its way."""
    if pod.deleting:
        return Stage.LEAVING
    if pod.ready:
        return Stage.SERVING
    if pod.unschedulable:
        return Stage.LOADING if node_comes else Stage.UNPLACED
    if any(container.waiting in _FAILED_WAITING for container in pod.containers):
        return Stage.FAILED
    return Stage.LOADING
