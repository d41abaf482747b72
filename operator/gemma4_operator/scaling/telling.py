"""Which decision is told: the last one, or one from before by whose limit the number stands still.

Traffic swings about a limit, and would end it each time, for the status and for who waits until it has lasted.
"""

import math
from dataclasses import dataclass, replace

from gemma4_operator.scaling import words
from gemma4_operator.scaling.decision import Decision, Why

LIMITED_SECONDS = 120.0
"""For how long a limit must not have been met to be over: twice the time over which the load is a mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What is told.

    Attributes:
        decision: As it is told.
        limited_seconds: When the number was limited last.
    """

    decision: Decision
    limited_seconds: float = -math.inf

    def under_others(self) -> "Telling":
        """Return what is told once limits may be others: what held is not waited for."""
        return replace(self, limited_seconds=-math.inf)


def telling(before: Telling | None, decision: Decision, *, has_place: bool, now_seconds: float) -> Telling:
    """Return what to tell of a decision: a limit ends once it has not been met for a while.

    Args:
        before: What was told; None: nothing yet.
        decision: What was decided now.
        has_place: Whether each pod has a node, or gets one.
        now_seconds: By the clock of the samples.
    """
    if before is None or decision.limited_by:
        return Telling(decision=decision, limited_seconds=now_seconds if decision.limited_by else -math.inf)
    stood, now = before.decision, replace(before, decision=decision)
    if not stood.limited_by or stood.replicas != decision.replicas:
        return now
    is_over = now_seconds - before.limited_seconds >= LIMITED_SECONDS
    if is_over or (stood.limited_by == words.NO_GPU and has_place) or not _is_quiet(decision):
        return now
    still = replace(decision, reason=stood.reason, message=stood.message, limited_by=stood.limited_by)
    return replace(before, decision=still)


def _is_quiet(decision: Decision) -> bool:
    """Whether a decision has a reason that says less than a limit does."""
    return decision.standing[1] in (None, Why.PARTIAL_DATA)
