"""The choice at the heart of a rollout: new pods first, in place, or not at all for now.

The Deployment's controller does the replacing; what is decided here are its two numbers, `maxSurge` and
`maxUnavailable`, afresh in each pass. A surge that finds no GPU would wait for ever (the default of Kubernetes), and
replacing in place takes away who serves, so neither is right always.
"""

from dataclasses import dataclass
from enum import Enum, auto

from gemma4_operator.api.update import UpdateStrategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a rollout stands.

    Attributes:
        replicas: How many pods are wanted.
        max_unavailable: How many of them may be away.
        most: How many pods may stand at once, by what their GPUs add up to; None: any number.
        old: Pods of earlier templates that have not been told to go; `old_serving` of them serve.
        placed: Pods of the new template that have a node.
        unplaced: Those for which the scheduler found none, although it has had the time to look at what is free.
        leaving: Pods that have been told to go, still hold their place, and can be expected to give it up.
        room: For how many more pods of the new template there are GPUs now.
        room_without_old: And for how many if those of earlier templates were gone.
        is_exclusive: Whether a new pod starts only once the old ones are gone, since one node alone can mount their
            claim.
    """

    replicas: int
    max_unavailable: int
    most: int | None
    old: int
    old_serving: int
    placed: int
    unplaced: int
    leaving: int
    room: int
    room_without_old: int
    is_exclusive: bool = False


class Way(Enum):
    """How pods are replaced."""

    SURGE = auto()
    """A new pod comes before an old one goes."""
    IN_PLACE = auto()
    """An old pod makes room for a new one."""
    BLOCKED = auto()
    """No new pod has room, and no old one may go: one new pod waits for a GPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The two numbers of a rolling update."""

    way: Way
    max_surge: int
    max_unavailable: int


def decide(now: Standing, strategy: UpdateStrategy) -> Decision:
    """Return how to go on, so that as many serve as must and nothing waits for what cannot come.

    Pods that do not serve may always go, however many must stay: they keep a GPU and nothing else.
    """
    if strategy is UpdateStrategy.RECREATE:
        return _in_place(max(1, now.max_unavailable))
    dispensable = now.max_unavailable if strategy is UpdateStrategy.AUTO else 0
    beyond = min(now.replicas, _places(now) - now.replicas, _within_budget(now, must_surge=not dispensable))
    if beyond > 0 and not now.is_exclusive:
        return Decision(way=Way.SURGE, max_surge=beyond, max_unavailable=0)
    may_go = max(now.old - now.old_serving, dispensable)
    if may_go and (now.room_without_old > 0 or (now.is_exclusive and now.placed)):
        return _in_place(may_go)
    return Decision(way=Way.BLOCKED, max_surge=1, max_unavailable=0)


def _within_budget(now: Standing, *, must_surge: bool) -> int:
    """Return how many pods beyond the replicas the budget has; one more than it has, where nothing else moves."""
    left = now.replicas if now.most is None else now.most - now.replicas
    return max(1, left) if must_surge else left


def _places(now: Standing) -> int:
    """Return for how many pods, old and new, there are places: those taken, and those free.

    The scheduler's verdict goes before our own count, unless a pod is about to give up its place.
    """
    free = 0 if is_doubted(now) else now.room
    return now.old + now.placed + now.leaving + free


def is_doubted(now: Standing) -> bool:
    """Whether the scheduler finds no place where we count some: it knows more, or has not looked yet."""
    return bool(now.unplaced and now.room and not now.leaving)


def _in_place(count: int) -> Decision:
    return Decision(way=Way.IN_PLACE, max_surge=0, max_unavailable=count)
