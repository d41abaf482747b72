"""Replicas that are lost: how much of their time those that have served do not, and how many more that is worth.

A GPU breaks, a node is taken back, an engine crashes. Until another has booted the rest carry what all carried, and are
late with most of it. Once in a while that is within the promise. Where it takes more of the time than may be late, one
that is kept for it is the only remedy: what is asked for then comes when it is over.

Who is told to go is not lost, be it for a lower number, a rollout or a drain.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from gemma4_operator.scaling.sample import Replica, Stage

MEMORY_SECONDS = 6 * 3600.0
"""After which a third of a loss is remembered: one boot of 100 s within it is half a percent."""
MOST_SHARE = 0.5
"""Of their time that replicas are taken to be lost at most, whatever a status says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """What is known of losses.

    Attributes:
        share: Of the time of a replica that has served, in which it was lost.
        serving: Names of those that served a moment ago.
        since: When each loss was seen that is not made good yet, the oldest first.
        at_seconds: When that was; None: nothing was looked at yet.
    """

    share: float = 0.0
    serving: frozenset[str] = frozenset()
    since: tuple[float, ...] = ()
    at_seconds: float | None = None


def noticed(
    losses: Losses, replicas: Sequence[Replica], *, wanted: int, overdue_seconds: float, now_seconds: float
) -> Losses:
    """Return what is known of losses after one more look.

    Args:
        losses: From the last time.
        replicas: All that are not gone.
        wanted: How many there should be.
        overdue_seconds: After which a loss counts no more: that it is not made good has another cause.
        now_seconds: By the clock of the samples.
    """
    serving = frozenset(one.name for one in replicas if one.stage is Stage.SERVING)
    told_to_go = {one.name for one in replicas if one.stage is Stage.LEAVING}
    lost = len(losses.serving - serving - told_to_go)
    # Whoever comes makes up for one, be it the same or another.
    come = len(serving - losses.serving)
    since = _open((*losses.since, *[now_seconds] * lost)[come:], wanted - len(serving), now_seconds - overdue_seconds)
    return replace(
        losses,
        share=_share(losses, now_seconds),
        serving=serving,
        since=since,
        at_seconds=now_seconds,
    )


def spare(share: float, *, load: int, attainment: float) -> int:
    """Return how many more than a load needs keep the promise although some of them are lost, at most as many again.

    Each is lost for itself; while more are lost than are spare, all requests count as late.

    Args:
        share: Of its time in which each is lost.
        load: Replicas that the load needs.
        attainment: The share of requests that must be in time.
    """
    more = 0
    while more < load and _more_lost(load + more, share, more) > 1 - attainment:
        more += 1
    return more


def _open(since: Collection[float], places: int, oldest_seconds: float) -> tuple[float, ...]:
    """Return the losses that are not made good: no more than are wanted and do not serve, and none that is overdue."""
    return tuple(one for one in since if one > oldest_seconds)[: max(0, places)]


def _share(losses: Losses, now_seconds: float) -> float:
    """Return the share with the time since the last look, in which things were as they were seen then."""
    there = len(losses.serving) + len(losses.since)
    if losses.at_seconds is None or there == 0:
        return losses.share
    gain = 1 - math.exp(-max(0.0, now_seconds - losses.at_seconds) / MEMORY_SECONDS)
    return min(MOST_SHARE, losses.share + (len(losses.since) / there - losses.share) * gain)


def _more_lost(replicas: int, share: float, spare: int) -> float:
    """Return for what share of the time more of so many are lost than are spare."""
    return 1 - sum(
        math.comb(replicas, lost) * share**lost * (1 - share) ** (replicas - lost) for lost in range(spare + 1)
    )
