"""What has piled up, and how many replicas work it off in time, those counted that are on their way already."""

import math
from collections.abc import Sequence

from gemma4_operator.scaling.sample import Replica, Stage

USED = 0.95
"""Of a replica's time, while it works off a backlog."""
_STEP_SECONDS = 5.0
_LEAST_SECONDS = 30.0
_SHARE_OF_BOOT = 0.6
_MOST_TIMES = 2
"""Of what is there or expected: more arrive too late to matter for what has piled up."""


def ready_at(
    replicas: Sequence[Replica], *, boot_seconds: float, overdue_seconds: float, now_seconds: float
) -> list[float]:
    """Return in how many seconds each replica is there that serves or is on its way, those that serve first."""
    serving = [0.0 for replica in replicas if replica.stage is Stage.SERVING]
    coming = [
        max(_STEP_SECONDS, replica.since_seconds + boot_seconds - now_seconds)
        for replica in replicas
        if replica.stage is Stage.LOADING and now_seconds - replica.since_seconds < overdue_seconds
    ]
    return serving + sorted(coming)


def left_seconds(work_seconds: float, *, coming: float, ready: Sequence[float], boot_seconds: float) -> float:
    """Return the work that is left when a replica that is asked for now serves.

    Args:
        work_seconds: What waits now, in seconds of one replica.
        coming: More of it in each second.
        ready: In how many seconds each replica is there.
        boot_seconds: Until one more is.
    """
    left, passed = work_seconds, 0.0
    while passed < boot_seconds:
        seconds = min(_STEP_SECONDS, boot_seconds - passed)
        there = sum(at <= passed for at in ready)
        left = max(0.0, left + (coming - USED * there) * seconds)
        passed += seconds
    return left


def for_backlog(left: float, *, coming: float, boot_seconds: float, most: int) -> int:
    """Return how many replicas work off what is left within about a boot, beside what comes.

    Args:
        left: In seconds of one replica.
        coming: In each second.
        boot_seconds: Of one more.
        most: What is there or expected without a backlog.
    """
    if left <= 0:
        return 0
    within = max(_LEAST_SECONDS, _SHARE_OF_BOOT * boot_seconds)
    return min(_MOST_TIMES * most, math.ceil(coming / USED + left / (USED * within)))
