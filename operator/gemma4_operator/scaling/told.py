"""A decision as the status tells it, and what is read back of it after a restart."""

from collections.abc import Mapping

from pydantic import ValidationError

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.api.status import AutoscalingStatus
from gemma4_operator.planner.ask import ask_of
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.reachable import TYPICAL
from gemma4_operator.scaling.decision import Decision
from gemma4_operator.scaling.learning import FASTEST, SLOWEST
from gemma4_operator.scaling.planned import service_of
from gemma4_operator.scaling.state import Remembered, remembered

_LONGEST_BOOT_SECONDS = 86_400


def told(
    decision: Decision, plan: Plan, spec: Gemma4DeploymentSpec, *, last_scale_time: str | None
) -> AutoscalingStatus:
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
        requests_per_minute=round(expected.now * 60),
        expected_requests_per_minute=round(expected.then * 60),
        peak_requests_per_minute=round(learned.peak / _work_seconds(plan, spec) * 60),
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


def recalled(written: object, plan: Plan, spec: Gemma4DeploymentSpec) -> Remembered:
    """Return what a status has kept; what makes no sense was not kept."""
    status = kept(written)
    boot, speed = status.boot_seconds, status.speed_percent
    return Remembered(
        wanted=status.desired_replicas,
        boot_seconds=boot if boot is not None and 0 < boot <= _LONGEST_BOOT_SECONDS else None,
        slowness=min(SLOWEST, max(FASTEST, 100 / speed)) if speed else 1.0,
        peak=(status.peak_requests_per_minute or 0) / 60 * _work_seconds(plan, spec),
    )


def _work_seconds(plan: Plan, spec: Gemma4DeploymentSpec) -> float:
    """Return what a usual request takes of a replica."""
    load = ask_of(spec).load or TYPICAL
    service = service_of(plan, input_tokens=load.uncached_input_tokens)
    return service.work_seconds(input_tokens=load.uncached_input_tokens, output_tokens=load.output_tokens)
