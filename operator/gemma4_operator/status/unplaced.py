"""Whether a plan's pods find a node at all, for how long they have not, and for which one is on its way."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from gemma4_operator.status.diagnosis.scheduling import node_coming
from gemma4_operator.status.evidence import Evidence
from gemma4_operator.status.pods import PodView

_NEVER = datetime.max.replace(tzinfo=UTC)


def unplaced_seconds(pods: Sequence[PodView], *, now: datetime) -> float:
    """Return for how long no node has taken any of the pods; 0: there are none, or one has found its node.

    One that has ended is none: it needs no node any more, and the one in its place may find none. The pod that waits
    for the shortest time counts, so that pods of a plan that is new get their time as well.
    """
    waits = [_waited(pod, now) for pod in pods if not pod.deleting and not pod.ended]
    return max(0.0, min(waits, default=0.0))


def without_node(pods: Sequence[PodView]) -> list[PodView]:
    """Return the pods that no node takes, that which has waited longest first."""
    found = [pod for pod in pods if pod.unschedulable and not pod.deleting]
    return sorted(found, key=lambda pod: (_since(pod) or _NEVER, pod.name))


def placing_seconds(pods: Sequence[PodView], *, now: datetime) -> float | None:
    """Return for how long that pod has had no node which waits for the shortest time; None: each has one."""
    waits = [(now - (_since(pod) or now)).total_seconds() for pod in without_node(pods)]
    return max(0.0, min(waits)) if waits else None


def nodes_coming(evidence: Mapping[str, Evidence]) -> frozenset[str]:
    """Return the names of the pods for which a node is being added, as far as is known."""
    return frozenset(name for name, known in evidence.items() if node_coming(known))


def _waited(pod: PodView, now: datetime) -> float:
    return (now - pod.unschedulable_since).total_seconds() if pod.unschedulable_since is not None else 0.0


def _since(pod: PodView) -> datetime | None:
    return pod.unschedulable_since or pod.created_at
