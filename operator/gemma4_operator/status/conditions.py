"""Conditions by the API conventions: computed afresh, their transition time kept while their status stays."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.redact import one_line

_SENTENCE_LETTERS = 32768  # metav1.Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of this pass; `status` is True, False, or None for Unknown."""

    type: str
    status: bool | None
    reason: Reason
    message: str


def render_conditions(
    conditions: Iterable[Condition], *, previous: Iterable[Mapping[str, Any]], generation: int, now: datetime
) -> list[dict[str, Any]]:
    """Return the conditions as the API has them; only a change of status moves `lastTransitionTime`."""
    before = {condition["type"]: condition for condition in previous}
    moment = written(now)
    return [_render(condition, before.get(condition.type), generation, moment) for condition in conditions]


def written(moment: datetime) -> str:
    """Return a time as the API has it: UTC, in whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sentence(text: str) -> str:
    """Return a message as the API takes it: words of others without secrets, in one line, and not too many."""
    return one_line(text, most=_SENTENCE_LETTERS)


def _render(condition: Condition, before: Mapping[str, Any] | None, generation: int, moment: str) -> dict[str, Any]:
    status = {True: "True", False: "False", None: "Unknown"}[condition.status]
    unmoved = before is not None and before["status"] == status
    return {
        "type": condition.type,
        "status": status,
        "reason": condition.reason.value,
        "message": sentence(condition.message),
        "observedGeneration": generation,
        "lastTransitionTime": before["lastTransitionTime"] if before is not None and unmoved else moment,
    }
