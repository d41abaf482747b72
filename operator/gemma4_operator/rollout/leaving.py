"""Pods that were told to go and still hold their places: whether a place is being given up, or is lost.

A pod whose kubelet is gone stays *Terminating* until somebody removes it or its node, so nothing may wait for it longer
than a pod that ends takes.
"""

from datetime import datetime, timedelta

from gemma4_operator.status.pods import PodView

OVERDUE_SECONDS = 60.0
"""How long beyond the time it was given a pod may take to be gone: it is killed only then, and volumes come off."""


def leaving_seconds(pod: PodView, *, now: datetime) -> float:
    """Return for how long a pod may still be about to give up its place; 0: it is not, or not any more."""
    if not _holds_on(pod) or pod.gone_by is None:
        return 0.0
    return max(0.0, (pod.gone_by + timedelta(seconds=OVERDUE_SECONDS) - now).total_seconds())


def is_leaving(pod: PodView, *, now: datetime) -> bool:
    """Whether a pod is about to give up its place."""
    return leaving_seconds(pod, now=now) > 0


def is_overdue(pod: PodView, *, now: datetime) -> bool:
    """Whether a pod should have given up its place by now, and has not: nobody knows when it will."""
    return _holds_on(pod) and not is_leaving(pod, now=now)


def _holds_on(pod: PodView) -> bool:
    """Whether a pod was told to go and has its place; one whose containers have ended has given it up."""
    return pod.deleting and bool(pod.scheduled) and not pod.ended
