"""Whether a plan's pods find a node at all, and for how long they have not."""

from collections.abc import Sequence
from datetime import datetime

from gemma4_operator.status.pods import PodView


def unplaced_seconds(pods: Sequence[PodView], *, now: datetime) -> float:
    """Return for how long no node has taken any of the pods; 0: there are none, or one has found its node.

    The pod that waits for the shortest time counts, so that pods of a plan that is new get their time as well.
    """
    waits = [_waited(pod, now) for pod in pods if not pod.deleting]
    return max(0.0, min(waits, default=0.0))


def _waited(pod: PodView, now: datetime) -> float:
    return (now - pod.unschedulable_since).total_seconds() if pod.unschedulable_since is not None else 0.0
