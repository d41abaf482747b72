"""What in the status is no longer so, and what it says where limits and no decision have made the number.

Figures never stand still, so each has a distance from which on it is another; it counts from what was said, and not
from the last moment, or a figure could creep away unsaid.
"""

from dataclasses import dataclass

from gemma4_operator.api.status import AutoscalingStatus
from gemma4_operator.planner.replicas import Count
from gemma4_operator.scaling import words
from gemma4_operator.scaling.decision import Why


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figure:
    """A figure of the status, and the distance up to which what was said still stands: the larger of both."""

    field: str
    share: float = 0.0
    least: float = 0.0

    def is_other(self, said: AutoscalingStatus, now: AutoscalingStatus) -> bool:
        """Whether it is another than was said, or is said for the first time or no more."""
        before, after = getattr(said, self.field), getattr(now, self.field)
        if before is None or after is None:
            return before is not after
        return bool(abs(after - before) > max(self.least, self.share * before))


_TRAFFIC = (
    _Figure(field="requests_per_minute", share=0.1, least=1),
    _Figure(field="expected_requests_per_minute", share=0.1, least=1),
)
_LEARNED = (
    _Figure(field="speed_percent", share=0.05),
    _Figure(field="caution_percent", least=5),
    _Figure(field="boot_seconds", share=0.05),
    # A quarter of what is measured makes all of it, so that it swings by some points when nothing changes.
    _Figure(field="imbalance_percent", least=15),
    _Figure(field="peak_requests_per_minute", share=0.1, least=1),
    _Figure(field="peak_load_percent", share=0.1, least=10),
    _Figure(field="forecast_percent", least=15),
    _Figure(field="jump_replicas"),
    _Figure(field="lost_permille", share=0.1, least=1),
)


def differs(said: AutoscalingStatus, now: AutoscalingStatus, *, stands: bool) -> bool:
    """Whether what was said is not so any more, reasons and figures that swing all the time aside.

    Args:
        said: In the status.
        now: What is so.
        stands: Whether the reason has been the same for a while.
    """
    if stands and said.reason != now.reason:
        return True
    # Where nothing is measured, there is no figure in the message that swings.
    if now.requests_per_minute is None and said.message != now.message:
        return True
    return any(figure.is_other(said, now) for figure in (*_TRAFFIC, *_LEARNED))


def moved(said: AutoscalingStatus, allowed: Count, *, minimum: int, last_scale_time: str) -> AutoscalingStatus:
    """Return what is said once limits have moved the number, until the next decision says more.

    Args:
        said: Before that.
        allowed: The number that they make it.
        minimum: The fewest that are allowed.
        last_scale_time: When it was moved.
    """
    reason, message = Why.MINIMUM, words.at_minimum(minimum)
    if allowed.limited_by:
        reason, message = Why.LIMITED, words.at_most(allowed.replicas, allowed.limited_by)
    return said.model_copy(
        update={
            "desired_replicas": allowed.replicas,
            "reason": reason.value,
            "message": message,
            "limited_by": allowed.limited_by or None,
            "last_scale_time": last_scale_time,
        }
    )
