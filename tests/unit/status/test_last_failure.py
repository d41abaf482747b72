"""The last failure stays when it is over, with the time when it began."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gemma4_operator.api.status import FailureStatus
from gemma4_operator.status.conditions import Condition
from gemma4_operator.status.last_failure import last_failure
from gemma4_operator.status.reasons import Reason

NIGHT = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
MORNING = NIGHT + timedelta(hours=5)
SINCE_NIGHT = "2026-11-29T03:00:00Z"


def ready(reason: Reason, message: str = "Because.", *, status: bool = False) -> Condition:
    return Condition(type="Ready", status=status, reason=reason, message=message)


def told(reason: Reason, **failure: Any) -> dict[str, Any]:
    """Return a status that says this and remembers a failure of the night."""
    before = {"reason": "HostOutOfMemory", "message": "It was killed.", "time": SINCE_NIGHT, **failure}
    return {"conditions": [{"type": "Ready", "reason": reason.value}], "lastFailure": before}


def test_a_failure_is_kept_with_its_time() -> None:
    found = last_failure([ready(Reason.HOST_OUT_OF_MEMORY)], previous={}, now=NIGHT)
    assert found == FailureStatus(reason="HostOutOfMemory", message="Because.", time=SINCE_NIGHT)


@pytest.mark.parametrize("reason", [Reason.READY, Reason.PROGRESSING, Reason.STILL_STARTING, Reason.SUSPENDED])
def test_it_stays_when_it_is_over(reason: Reason) -> None:
    found = last_failure([ready(reason, status=reason is Reason.READY)], previous=told(reason), now=MORNING)
    assert found == FailureStatus(reason="HostOutOfMemory", message="It was killed.", time=SINCE_NIGHT)


def test_one_that_goes_on_keeps_its_first_time_and_takes_the_latest_words() -> None:
    previous = told(Reason.HOST_OUT_OF_MEMORY)
    found = last_failure([ready(Reason.HOST_OUT_OF_MEMORY, "Two pods.")], previous=previous, now=MORNING)
    assert found == FailureStatus(reason="HostOutOfMemory", message="Two pods.", time=SINCE_NIGHT)


def test_one_that_comes_back_begins_anew() -> None:
    found = last_failure([ready(Reason.HOST_OUT_OF_MEMORY)], previous=told(Reason.READY), now=MORNING)
    assert found is not None
    assert found.time == "2026-11-29T08:00:00Z"


def test_another_takes_its_place() -> None:
    previous = told(Reason.HOST_OUT_OF_MEMORY)
    found = last_failure([ready(Reason.IMAGE_NOT_FOUND)], previous=previous, now=MORNING)
    assert found is not None
    assert (found.reason, found.time) == ("ImageNotFound", "2026-11-29T08:00:00Z")


@pytest.mark.parametrize("reason", [Reason.INVALID_SPEC, Reason.PROGRESSING, Reason.ROLLOUT_BLOCKED_NO_SPARE_GPU])
def test_what_is_no_failure_of_pods_leaves_no_trace(reason: Reason) -> None:
    assert last_failure([ready(reason)], previous={}, now=NIGHT) is None


@pytest.mark.parametrize("written", [None, 5, {}, {"reason": "X"}, {"reason": 1, "message": "a", "time": "b"}])
def test_what_cannot_be_read_back_is_forgotten(written: Any) -> None:
    assert last_failure([ready(Reason.READY, status=True)], previous={"lastFailure": written}, now=NIGHT) is None
