"""What a scaler answers: a number, and the reason for it that a person can read."""

from dataclasses import dataclass, replace
from enum import StrEnum

from gemma4_operator.scaling import words
from gemma4_operator.scaling.state import State
from gemma4_operator.scaling.terms import Terms


class Why(StrEnum):
    """Why the number is what it is, in one word."""

    DEMAND = "Demand"
    """It is what the traffic needs that is there or expected."""
    CHANGE = "ChangeDetected"
    """Traffic has just risen beyond chance, and the number is for where that leads."""
    BACKLOG = "Backlog"
    """Requests wait, and the number works them off."""
    JUMP = "JumpRemembered"
    """Less is needed now, but traffic jumped so high within the last hour, faster than a replica comes."""
    LOSSES = "LossesRemembered"
    """Less is needed now, but replicas that served were lost so often that one more must be there when the next is."""
    STABILIZING = "Stabilizing"
    """Less is needed now, but more was within the stabilization time."""
    LOWERING = "Lowering"
    """Less has been needed for long enough; the number goes down step by step."""
    NO_DATA = "NoData"
    """No replica says what it does, so the number stays."""
    PARTIAL_DATA = "PartialData"
    """Some replicas do not say what they do, so the number does not go down."""
    STARTING = "Starting"
    """No replica serves yet, or the scaler has just begun to look, so nothing is measured."""
    UNPLACEABLE = "Unplaceable"
    """More are needed, and no node takes those that were asked for."""
    LIMITED = "Limited"
    """More are needed than a limit allows."""
    MINIMUM = "AtMinimum"
    """Fewer would do, and none fewer are allowed."""
    ASLEEP = "Asleep"
    """Nobody has asked for a while."""
    WAKING = "Waking"
    """Somebody asked while none ran."""


_ORDINARY = frozenset(
    {Why.DEMAND, Why.CHANGE, Why.BACKLOG, Why.JUMP, Why.LOSSES, Why.STABILIZING, Why.LOWERING, Why.MINIMUM}
)
"""The reasons that take turns while all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The traffic in requests per second: now, when a replica that is asked for now serves, and at most of late."""

    now: float = 0.0
    then: float = 0.0
    peak: float = 0.0
    horizon_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A number before limits are put on it.

    Attributes:
        valid: Whether it rests on what all replicas say.
        limited_by: What keeps it from being more; empty: nothing.
        expected: The traffic; None: nothing was measured.
    """

    replicas: int
    reason: Why
    message: str
    valid: bool = True
    limited_by: str = ""
    expected: Expected | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How many replicas there should be.

    Attributes:
        message: The reason in a few sentences.
        valid: Whether it rests on what all replicas say.
        limited_by: The field that keeps it from being more, or `no GPU`; empty: nothing.
        state: For the next decision.
        expected: The traffic; None: nothing was measured.
    """

    replicas: int
    reason: Why
    message: str
    valid: bool
    state: State
    limited_by: str
    expected: Expected | None

    @property
    def standing(self) -> tuple[int, Why | None, str]:
        """What a change of is news at once: reasons that take turns while all is well are none."""
        return self.replicas, None if self.reason in _ORDINARY else self.reason, self.limited_by


def within(terms: Terms, answer: Answer, state: State) -> Decision:
    """Return the decision within all limits; a budget goes before a minimum."""
    most, by = terms.maximum, "spec.autoscaling.maxReplicas"
    if terms.ceiling is not None and terms.ceiling.replicas < most:
        most, by = terms.ceiling.replicas, terms.ceiling.field
    least = terms.minimum if answer.reason is Why.ASLEEP else max(1, terms.minimum)
    wished = max(least, answer.replicas)
    replicas = min(most, wished)
    why, message, limited_by = answer.reason, answer.message, answer.limited_by
    if wished > most:
        why, message, limited_by = Why.LIMITED, f"{message} {words.limited(wished, most, by)}", by
        # Those that are missing are not there: that requests are late teaches nothing of those that are. And what a
        # budget of nothing has ended has not gone to sleep: one comes back with it.
        state = replace(state, at_work_seconds=None, wanted=max(1, replicas))
    else:
        state = replace(state, wanted=replicas)
    return Decision(
        replicas=replicas,
        reason=why,
        message=message,
        valid=answer.valid,
        state=state,
        limited_by=limited_by,
        expected=answer.expected,
    )
