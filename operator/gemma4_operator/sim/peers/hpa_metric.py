"""How many replicas Kubernetes' HorizontalPodAutoscaler makes of a metric, before it looks at behaviour and limits.

A metric of pods is averaged over those that have one. Those that have none are taken to be at the target when that
average asks for fewer, and at 0 when it asks for more, where pods that are not placed yet count as 0 too; and nothing
happens if that turns the direction round. A metric of the whole is divided by the target. Within the tolerance nothing
happens.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """A metric of pods: its values, how many run and have none, and how many are not placed yet."""

    values: tuple[float, ...]
    missing: int
    unplaced: int


def by_pods(pods: Pods, *, target: float, tolerance: float, current: int) -> int:
    """Return how many replicas an average value of a target asks for; without any value: as many as there are."""
    if not pods.values:
        return current
    ratio = sum(pods.values) / len(pods.values) / target
    unplaced = pods.unplaced if ratio > 1 else 0
    if not unplaced and not pods.missing:
        return current if _close(ratio, tolerance) else math.ceil(ratio * len(pods.values))
    supposed = pods.missing * target if ratio < 1 else 0.0
    counted = len(pods.values) + pods.missing + unplaced
    corrected = (sum(pods.values) + supposed) / counted / target
    if _close(corrected, tolerance) or (ratio - 1) * (corrected - 1) < 0:
        return current
    wanted = math.ceil(corrected * counted)
    if (corrected - 1) * (wanted - current) < 0:
        return current
    return wanted


def by_total(total: float, *, target: float, tolerance: float, current: int) -> int:
    """Return how many replicas a total asks for of which each may have a target."""
    if current and _close(total / (target * current), tolerance):
        return current
    return math.ceil(total / target)


def _close(ratio: float, tolerance: float) -> bool:
    return abs(ratio - 1) <= tolerance
