"""What traffic teaches of replicas: how fast they really are, how long one takes to come, whether promises are kept."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gemma4_operator.scaling.flow import Flow
from gemma4_operator.scaling.quantile import quantile
from gemma4_operator.scaling.sample import Replica, Stage

SLOWEST, FASTEST = 2.0, 0.5
"""How far off a plan's times are taken to be at most."""
_LEARNING_SECONDS = 300.0
"""In which two thirds of a difference are learned."""
_FEWEST_TOKENS_PER_SECOND = 5.0
"""Below which a mean time per token says more about chance."""
MOST_CAUTION = 1 / 0.7
_TIGHTEN, _RELAX = 1 / 0.97, 1 / 1.002
_STEP_SECONDS = 5.0
"""In which caution grows or eases by one such factor."""
_FEWEST_FIRST_TOKENS = 20.0
"""In the time that attainment is measured over, for it to mean something."""
_BEYOND_CHANCE = 2.0
"""Standard deviations by which attainment must fall short."""
_ONE_BY_CHANCE = 1.0
"""Late request beside that: where less than one is allowed, a single one would be beyond any share."""
BOOTS = 8
"""How many of the last are remembered."""
_BOOT_SHARE = 0.8
OVERDUE = 3.0
"""Of the usual time: a replica that takes longer is not counted on any more."""
_LEAST_OVERDUE_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Boots:
    """How long the last replicas took to come.

    Attributes:
        seconds: Of the last ones.
        coming: Those that were seen before they had ever served.
        known: Those that have served: what befalls them later is no boot.
    """

    seconds: tuple[float, ...] = ()
    coming: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()

    def usual_seconds(self, planned_seconds: float) -> float:
        """Return what one takes that is quicker than only one of five; as planned as long as few were seen."""
        if not self.seconds:
            return planned_seconds
        seen = quantile(sorted(self.seconds), _BOOT_SHARE)
        return seen if len(self.seconds) > 2 else max(seen, planned_seconds)

    def overdue_seconds(self, planned_seconds: float) -> float:
        """Return after what time a replica that does not serve has failed."""
        return max(_LEAST_OVERDUE_SECONDS, OVERDUE * self.usual_seconds(planned_seconds))


def booted(boots: Boots, replicas: Sequence[Replica], *, planned_seconds: float, now_seconds: float) -> Boots:
    """Return what is known of boots with those that have ended since.

    Time is taken only of those that were seen coming: of one that serves already when it is first seen, nobody knows
    whether it came then or has come back. And one boot counts as overdue at most, lest one that waited half a day for a
    node be believed of all; where all take so long, a few of them tell.
    """
    alive = {replica.name for replica in replicas}
    most = boots.overdue_seconds(planned_seconds)
    taken = tuple(
        min(most, replica.serving_since_seconds - replica.since_seconds)
        for replica in replicas
        if replica.name in boots.coming
        and replica.serving_since_seconds is not None
        and replica.serving_since_seconds > replica.since_seconds
        and replica.stage in (Stage.SERVING, Stage.LEAVING)
    )
    known = (boots.known & alive) | {one.name for one in replicas if one.serving_since_seconds is not None}
    coming = {one.name for one in replicas if one.stage is not Stage.LEAVING} - known
    if not boots.coming and not boots.known:
        # Of one that is old when the first look falls on it, nobody knows whether it has ever served.
        coming = {one.name for one in replicas if now_seconds - one.since_seconds < most and one.name in coming}
    return Boots(seconds=(*boots.seconds, *taken)[-BOOTS:], coming=frozenset(coming), known=frozenset(known))


def slowness(now: float, flow: Flow, *, serving: int, waiting: float, elapsed_seconds: float) -> float:
    """Return how many times as long as planned everything takes, with what the last minute shows.

    Where requests wait, engines are full: that they are slower than was believed shows all the more, and that they are
    faster does not, since what they do then is hardly ever what was planned.

    Args:
        now: As it was believed until now.
        flow: In each second of the last minute.
        serving: Replicas that it flowed through.
        waiting: Requests that wait.
        elapsed_seconds: Since the last time.
    """
    if serving < 1 or flow.timed_tokens < _FEWEST_TOKENS_PER_SECOND:
        return now
    if flow.timed_seconds <= 0 or flow.planned_seconds <= 0:
        return now
    gain = 1 - math.exp(-elapsed_seconds / _LEARNING_SECONDS)
    found = flow.timed_seconds / flow.planned_seconds
    if waiting > serving and found <= now:
        return now
    return min(SLOWEST, max(FASTEST, now * math.pow(found / now, gain)))


def caution(now: float, flow: Flow, *, attainment: float, over_seconds: float, elapsed_seconds: float) -> float:
    """Return by how much replicas are taken to be slower still, because requests were late although all were there.

    Args:
        now: As it was until now.
        flow: In each second of the time that attainment is measured over, `over_seconds`.
        attainment: The share that must be in time.
        over_seconds: How long that time is.
        elapsed_seconds: Since the last time.
    """
    if flow.first_token.count * over_seconds < _FEWEST_FIRST_TOKENS:
        return now
    if is_late(flow, attainment=attainment, over_seconds=over_seconds):
        return min(MOST_CAUTION, now * math.pow(_TIGHTEN, elapsed_seconds / _STEP_SECONDS))
    return eased(now, elapsed_seconds)


def is_late(flow: Flow, *, attainment: float, over_seconds: float) -> bool:
    """Whether more first tokens are late than the objective allows and chance explains; few tell nothing.

    Args:
        flow: In each second of the time that it is measured over, `over_seconds`.
        attainment: The share that must be in time.
        over_seconds: How long that time is.
    """
    tail = flow.first_token.scaled(over_seconds)
    if tail.count < _FEWEST_FIRST_TOKENS:
        return False
    chance = _BEYOND_CHANCE * math.sqrt(attainment * (1 - attainment) / tail.count)
    return tail.late > (1 - attainment + chance) * tail.count + _ONE_BY_CHANCE


def eased(now: float, elapsed_seconds: float) -> float:
    """Return the caution that is left after some time without a reason for it."""
    return max(1.0, now * math.pow(_RELAX, elapsed_seconds / _STEP_SECONDS))
