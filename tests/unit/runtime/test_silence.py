"""When pods are looked at that make no news."""

from datetime import UTC, datetime, timedelta

import pytest

from gemma4_operator.runtime.silence import LOADING_SECONDS, PLACING_SECONDS, silent_seconds
from gemma4_operator.status.pods import ContainerView, Ended, PodView

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
SERVES = PodView(name="a", ready=True, has_started=True)
LOADS = PodView(name="b", ready=False, containers=(ContainerView(name="engine", running=True),))
HELD = PodView(name="d", ready=False, readiness_gates=("example.com/lb",), gated_since=NOW)
CRASHED = ContainerView(name="engine", running=True, ended=Ended(exit_code=1))
STARTED = PodView(name="e", ready=False, has_started=True, containers=(CRASHED,))


def unplaced(seconds: float) -> PodView:
    since = NOW - timedelta(seconds=seconds)
    return PodView(name="c", ready=False, unschedulable="no", unschedulable_since=since)


@pytest.mark.parametrize(
    ("pods", "after_seconds"),
    [
        ((), None),
        ((SERVES,), None),
        ((SERVES, LOADS), LOADING_SECONDS),
        ((SERVES, HELD), LOADING_SECONDS),
        ((STARTED,), LOADING_SECONDS),
        ((LOADS, unplaced(0)), PLACING_SECONDS),
        ((unplaced(250),), PLACING_SECONDS),
        ((unplaced(1000),), 100),
        ((LOADS, unplaced(1000)), LOADING_SECONDS),
        ((unplaced(1e6),), 300),
    ],
    ids=[
        "none",
        "one serves",
        "one loads",
        "one waits for a readiness gate",
        "one has started again and is not ready yet",
        "one has no node",
        "and has had none for minutes",
        "what has not come for long is expected less soon",
        "the earliest counts",
        "but for ever",
    ],
)
def test_after_what_time_they_are_looked_at(pods: tuple[PodView, ...], after_seconds: float | None) -> None:
    assert silent_seconds(pods, now=NOW) == after_seconds
