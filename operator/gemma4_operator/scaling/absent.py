"""Replicas that do not serve for so long that nobody waits for them any more: others are asked for in their place.

A pod whose GPU is broken, or that crashes each time, counts as one that was asked for and carries nothing. Whoever
counted it as supply would leave the others overloaded for as long as it is there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gemma4_operator.scaling.sample import Replica, Stage

LOADING_SECONDS = 1800.0
"""How long one that has not failed is waited for at least: on a new node it may have to fetch its weights first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A replica that does not serve.

    Attributes:
        since_seconds: When that was first seen.
        has_failed: Whether it has failed since, be it that it tries again.
    """

    since_seconds: float
    has_failed: bool


Absent = Mapping[str, Missing]
"""Those that do not serve, by name."""


def missed(absent: Absent, replicas: Sequence[Replica], *, coming: Collection[str] = (), now_seconds: float) -> Absent:
    """Return those that do not serve now although they have a node.

    Args:
        absent: From the last time.
        replicas: All that are not gone.
        coming: Those of them for which a node is being added.
        now_seconds: By the clock of the samples.
    """
    found: dict[str, Missing] = {}
    for one in replicas:
        if one.stage not in (Stage.LOADING, Stage.FAILED) or one.name in coming:
            continue
        before = absent.get(one.name, Missing(since_seconds=now_seconds, has_failed=False))
        has_failed = before.has_failed or one.stage is Stage.FAILED
        found[one.name] = Missing(since_seconds=before.since_seconds, has_failed=has_failed)
    return found


def given_up(absent: Absent, *, overdue_seconds: float, now_seconds: float) -> int:
    """Return how many are not waited for any more."""
    return sum(
        now_seconds - one.since_seconds
        >= (overdue_seconds if one.has_failed else max(overdue_seconds, LOADING_SECONDS))
        for one in absent.values()
    )


def replaced(lost: int, *, serving: int) -> int:
    """Return for how many of those that are lost others are asked for.

    No more than serve: where most fail, what they have in common will fail those in their place too, and each that does
    serve allows one more.
    """
    return min(lost, serving)
