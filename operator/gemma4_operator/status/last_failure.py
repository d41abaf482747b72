"""The last failure, kept when it is over: who looks in the morning sees what happened at night."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from gemma4_operator.api.status import ConditionType, FailureStatus
from gemma4_operator.status.conditions import Condition, sentence, written
from gemma4_operator.status.reasons import Reason


def last_failure(
    conditions: Sequence[Condition], *, previous: Mapping[str, Any], now: datetime
) -> FailureStatus | None:
    """Return what last kept pods from serving: what does now, or what the status holds already.

    One failure keeps its first time and takes the latest words, as long as Ready gives its reason in each pass.
    """
    kept, ready = _kept(previous), next(one for one in conditions if one.type == ConditionType.READY.value)
    if not _is_failure(ready):
        return kept
    goes_on = kept is not None and kept.reason == ready.reason.value == _ready_reason(previous)
    return FailureStatus(
        reason=ready.reason.value,
        message=sentence(ready.message),
        time=kept.time if kept is not None and goes_on else written(now),
    )


def _is_failure(ready: Condition) -> bool:
    """Whether a cause is told; a spec that makes no sense, or a rollout that goes on, is none."""
    return not ready.status and ready.reason.fixable_by is not None and ready.reason is not Reason.STILL_STARTING


def _ready_reason(status: Mapping[str, Any]) -> str:
    told = (one["reason"] for one in status.get("conditions", ()) if one["type"] == ConditionType.READY.value)
    return next(told, "")


def _kept(status: Mapping[str, Any]) -> FailureStatus | None:
    try:
        return FailureStatus.model_validate(status["lastFailure"])
    except (KeyError, ValidationError):
        return None
