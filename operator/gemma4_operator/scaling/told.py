"""A decision as the status tells it, and what is read back of it after a restart."""

from collections.abc import Mapping

from pydantic import ValidationError

from gemma4_operator.api.status import AutoscalingStatus
from gemma4_operator.scaling.decision import Decision
from gemma4_operator.scaling.forecast import HIGHEST_RAISE, LOWEST_RAISE
from gemma4_operator.scaling.learning import FASTEST, MOST_CAUTION, SLOWEST
from gemma4_operator.scaling.losses import MOST_SHARE
from gemma4_operator.scaling.state import Remembered, remembered

_LONGEST_BOOT_SECONDS = 86_400


def told(decision: Decision, *, last_scale_time: str | None) -> AutoscalingStatus:
    """Return what the status says of a decision."""
    learned = remembered(decision.state)
    expected = decision.expected
    return AutoscalingStatus(
        desired_replicas=decision.replicas,
        reason=decision.reason.value,
        message=decision.message,
        last_scale_time=last_scale_time,
        boot_seconds=round(learned.boot_seconds) if learned.boot_seconds is not None else None,
        speed_percent=round(100 / learned.slowness),
        caution_percent=round(100 * learned.caution),
        imbalance_percent=round(100 * learned.imbalance),
        requests_per_minute=round(expected.now * 60) if expected is not None else None,
        expected_requests_per_minute=round(expected.then * 60) if expected is not None else None,
        peak_requests_per_minute=round(expected.peak * 60) if expected is not None else None,
        peak_load_percent=round(100 * learned.peak) or None,
        forecast_percent=round(100 * learned.raised) if learned.raised is not None else None,
        jump_replicas=learned.jump_replicas or None,
        lost_permille=round(1000 * learned.lost) or None,
        limited_by=decision.limited_by or None,
    )


def kept(written: object) -> AutoscalingStatus:
    """Return what a status says of its autoscaler, as far as it makes sense."""
    if not isinstance(written, Mapping):
        return AutoscalingStatus()
    try:
        return AutoscalingStatus.model_validate(written)
    except ValidationError:
        return AutoscalingStatus()


def recalled(written: object) -> Remembered:
    """Return what a status has kept; what makes no sense was not kept."""
    status = kept(written)
    boot, speed, imbalance = status.boot_seconds, status.speed_percent, status.imbalance_percent
    return Remembered(
        wanted=status.desired_replicas,
        boot_seconds=boot if boot is not None and 0 < boot <= _LONGEST_BOOT_SECONDS else None,
        slowness=min(SLOWEST, max(FASTEST, 100 / speed)) if speed else 1.0,
        caution=min(MOST_CAUTION, max(1.0, (status.caution_percent or 100) / 100)),
        imbalance=min(1.0, imbalance / 100) if imbalance is not None else 1.0,
        jump_replicas=status.jump_replicas or 0,
        lost=min(MOST_SHARE, (status.lost_permille or 0) / 1000),
        peak=(status.peak_load_percent or 0) / 100,
        raised=min(HIGHEST_RAISE, max(LOWEST_RAISE, percent / 100)) if (percent := status.forecast_percent) else None,
    )
