"""Replicas that do not serve for so long that nobody waits for them any more: others are asked for in their place.

A pod whose GPU is broken, or that crashes each time, counts as one that was asked for and carries nothing. Whoever
counted it as supply would leave the others overloaded for as long as it is there.
"""

from collections.abc import Mapping, Sequence

from gemma4_operator.scaling.sample import Replica, Stage

Absent = Mapping[str, float]
"""Replicas by name that do not serve, with when that was first seen."""


def missed(absent: Absent, replicas: Sequence[Replica], *, now_seconds: float) -> Absent:
    """Return those that do not serve now although they have a node, each with when that was first seen."""
    return {
        one.name: absent.get(one.name, now_seconds) for one in replicas if one.stage in (Stage.LOADING, Stage.FAILED)
    }


def given_up(absent: Absent, *, overdue_seconds: float, now_seconds: float) -> int:
    """Return how many are not waited for any more."""
    return sum(now_seconds - since >= overdue_seconds for since in absent.values())


def replaced(lost: int, *, serving: int) -> int:
    """Return for how many of those that are lost others are asked for.

    No more than serve: where most fail, what they have in common will fail those in their place too, and each that does
    serve allows one more.
    """
    return min(lost, serving)
