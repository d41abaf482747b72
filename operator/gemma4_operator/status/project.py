"""The whole status from what is: one pure function, called in every pass."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.api.status import (
    AutoscalingStatus,
    ConditionType,
    EndpointStatus,
    Gemma4DeploymentStatus,
    PlanStatus,
)
from gemma4_operator.planner.cache_size import CacheSize
from gemma4_operator.planner.plan import Plan, Rejection
from gemma4_operator.planner.record import record, record_rejection
from gemma4_operator.planner.replan import MOST_TRIES
from gemma4_operator.status.against import RESTARTS_THAT_TELL, TOO_LARGE, may_be_too_large
from gemma4_operator.status.conditions import Condition, render_conditions
from gemma4_operator.status.diagnose import Finding, diagnose
from gemma4_operator.status.diagnosis.admission import refusal
from gemma4_operator.status.evidence import Evidence
from gemma4_operator.status.last_failure import last_failure
from gemma4_operator.status.observed import observed
from gemma4_operator.status.pods import PodView, of_now
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.redact import clean
from gemma4_operator.status.rollout import Rollout
from gemma4_operator.status.unready import is_up

_CHOSEN = ("plan", "endpoint", "autoscaling")
"""What a spec that makes no sense takes nothing from: pods go on as they were chosen, and are kept once it makes sense
again, as where a GitOps pipeline brings a field to an operator that does not know it yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a pass stopped before the children were as they should be.

    `planned` says whether it stopped after the plan was made.
    """

    reason: Reason
    message: str
    planned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """All that one status is computed from.

    Attributes:
        spec: None when it makes no sense; then so are `plan` and `wanted`.
        wanted: How many replicas should run.
        pods: Of the current plan; what those of an earlier one say is no matter of it.
        evidence: What more than its own status is known of a pod, by its name.
        rolling: How pods of an earlier plan are replaced, in one sentence; empty while none is left.
        blocked: Why that waits, if it does.
        leaving: How many pods are about to give up their places.
        overdue: How many should have done so by now, and have not.
        remark: What is worth knowing of pods that serve.
        cache: How large the engine's cache is, where that is known.
        autoscaling: What decides how many should, where it is the operator.
        pending: Kinds of the children that differ from the plan and are left alone, because of `spec.suspend`.
    """

    namespace: str
    name: str
    generation: int
    previous: Mapping[str, Any]
    spec: Gemma4DeploymentSpec | None
    wanted: int | None
    plan: Plan | None
    problem: Problem | None
    rollout: Rollout
    pods: Sequence[PodView]
    selector: str
    pending: Sequence[str] = ()
    rejection: Rejection | None = None
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    rolling: str = ""
    blocked: Finding | None = None
    leaving: int = 0
    overdue: int = 0
    remark: str = ""
    cache: CacheSize | None = None
    autoscaling: AutoscalingStatus | None = None


def project(subject: Subject, *, now: datetime) -> dict[str, Any]:
    """Return the status as the API has it."""
    wanted, running = subject.wanted, subject.rollout
    conditions = tuple(_conditions(subject, now=now))
    status = Gemma4DeploymentStatus(
        observed_generation=subject.generation,
        plan=_plan_status(subject),
        replicas=running.replicas,
        ready_replicas=running.ready,
        updated_replicas=running.updated,
        serving=f"{running.ready}/{wanted if wanted is not None else running.replicas}",
        selector=subject.selector,
        endpoint=_endpoint(subject) if subject.spec is not None else None,
        autoscaling=subject.autoscaling,
        observed=observed(subject.pods, previous=subject.previous, cache=subject.cache),
        last_failure=last_failure(conditions, previous=subject.previous, now=now),
    )
    body: dict[str, Any] = status.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"conditions"})
    if subject.spec is None:
        body |= {name: subject.previous[name] for name in _CHOSEN if name in subject.previous}
    body["conditions"] = render_conditions(
        conditions,
        previous=subject.previous.get("conditions", ()),
        generation=subject.generation,
        now=now,
    )
    return body


def _endpoint(subject: Subject) -> EndpointStatus:
    assert subject.spec is not None
    endpoint = subject.spec.endpoint
    return EndpointStatus(
        url=f"http://{subject.name}.{subject.namespace}.svc:{endpoint.port}/v1", model=endpoint.served_model_name
    )


def _plan_status(subject: Subject) -> PlanStatus | None:
    if subject.plan is not None:
        return record(subject.plan)
    return record_rejection(subject.rejection) if subject.rejection is not None else None


def _conditions(subject: Subject, *, now: datetime) -> Iterator[Condition]:
    """Yield what is true now; Reconciling and Stalled only while they are (kstatus)."""
    yield _planned(subject)
    yield _available(subject)
    ready, stalled = _ready(subject, now=now)
    yield ready
    if stalled:
        yield _of(ConditionType.STALLED, True, ready.reason, ready.message)
    elif not ready.status and ready.reason is not Reason.SUSPENDED:
        yield _of(ConditionType.RECONCILING, True, ready.reason, ready.message)


def _of(kind: ConditionType, status: bool | None, reason: Reason, message: str) -> Condition:
    return Condition(type=kind.value, status=status, reason=reason, message=message)


def _planned(subject: Subject) -> Condition:
    problem = subject.problem
    if problem is not None and not problem.planned:
        return _of(ConditionType.PLANNED, False, problem.reason, problem.message)
    assert subject.plan is not None
    return _of(ConditionType.PLANNED, True, Reason.PLANNED, subject.plan.why)


def _available(subject: Subject) -> Condition:
    ready = subject.rollout.ready
    if subject.spec is None or subject.wanted is None:
        return _of(ConditionType.AVAILABLE, ready > 0, _serving_reason(ready > 0), f"{ready} replicas serve.")
    wanted = subject.wanted
    if wanted == 0:
        return _of(ConditionType.AVAILABLE, False, Reason.SCALED_TO_ZERO, Reason.SCALED_TO_ZERO.sentence)
    minimum = max(1, -(-wanted * subject.spec.disruption.min_available_percent // 100))
    enough = ready >= minimum
    message = f"{ready} of {wanted} replicas serve; at least {minimum} must."
    return _of(ConditionType.AVAILABLE, enough, _serving_reason(enough), message)


def _serving_reason(enough: bool) -> Reason:
    return Reason.AVAILABLE if enough else Reason.TOO_FEW_SERVING


def _ready(subject: Subject, *, now: datetime) -> tuple[Condition, bool]:
    """Return the Ready condition, and whether it needs a person before anything can change (Stalled)."""
    if subject.problem is not None:
        ready = _of(ConditionType.READY, False, subject.problem.reason, subject.problem.message)
        return ready, subject.problem.reason is not Reason.PROGRESSING
    assert subject.spec is not None
    assert subject.wanted is not None
    if subject.pending:
        waiting = f"These wait to be changed: {', '.join(subject.pending)}. {Reason.SUSPENDED.sentence}"
        return _of(ConditionType.READY, False, Reason.SUSPENDED, waiting), False
    if _complete(subject.rollout, subject.wanted):
        return _complete_condition(subject.spec, subject.wanted, subject.remark), False
    finding = _refused(subject.rollout) or _hindrance(subject, subject.wanted, now=now)
    if subject.rollout.current and subject.rollout.deadline_message:
        return _of(ConditionType.READY, False, _late(finding), finding.message), True
    return _of(ConditionType.READY, False, finding.reason, finding.message), False


def _hindrance(subject: Subject, wanted: int, *, now: datetime) -> Finding:
    """Return what keeps the rollout from its end: a pod that fails, a GPU that is not free, or time.

    While it is blocked, or a pod is about to give up its place, pods without a node say only that.
    """
    waits = subject.blocked is not None or subject.leaving
    pods = [pod for pod in of_now(subject.pods) if pod.scheduled or not waits]
    found, late = diagnose(pods, subject.evidence, now=now), _overdue(subject.overdue)
    if found is not None and found.reason is not Reason.STILL_STARTING:
        return _saying(found.reason, f"{found.message}{_own_help(found.reason, subject.plan, subject.pods)}", late)
    if subject.blocked is not None:
        return _saying(subject.blocked.reason, subject.blocked.message, late)
    told = found or _progress(subject.rollout, wanted)
    loads = found is not None and not all(map(is_up, pods))
    expected = _expected(subject.plan) if loads else ""
    return _saying(told.reason, told.message, expected, _leaving(subject.leaving), late, subject.rolling)


def _saying(reason: Reason, *parts: str) -> Finding:
    return Finding(reason=reason, message=" ".join(filter(None, parts)))


def _leaving(count: int) -> str:
    if not count:
        return ""
    one = count == 1
    return f"{'1 pod that ends still holds its place' if one else f'{count} pods that end still hold their places'}."


def _overdue(count: int) -> str:
    if not count:
        return ""
    if count == 1:
        return "1 pod should be gone by now and is not: see whether its node is up."
    return f"{count} pods should be gone by now and are not: see whether their nodes are up."


def _own_help(reason: Reason, plan: Plan | None, pods: Sequence[PodView]) -> str:
    """Return what the operator itself does about a cause, if it does."""
    if reason not in TOO_LARGE or plan is None or not may_be_too_large(pods):
        return ""
    if plan.tries >= MOST_TRIES:
        return f" {MOST_TRIES} plans that leave more of it free have failed as well, so this one stays."
    return (
        f" After {RESTARTS_THAT_TELL} restarts it is planned anew with more left free, "
        f"as try {plan.tries + 1} of {MOST_TRIES}, if anything fits then."
    )


def _expected(plan: Plan | None) -> str:
    seconds = plan.predicted.load_seconds if plan is not None else 0
    return f"The plan expects {seconds} s for it, downloads aside." if seconds else ""


def _late(finding: Finding) -> Reason:
    """Past the deadline the cause is still the better reason, where one is known."""
    return Reason.PROGRESS_DEADLINE_EXCEEDED if finding.reason is Reason.PROGRESSING else finding.reason


def _complete(running: Rollout, wanted: int) -> bool:
    return running.current and running.replicas == running.updated == running.ready == wanted


def _complete_condition(spec: Gemma4DeploymentSpec, wanted: int, remark: str) -> Condition:
    reason = Reason.SCALED_TO_ZERO if wanted == 0 else Reason.READY
    message = f"{wanted} of {wanted} replicas serve." if wanted else reason.sentence
    if spec.suspend:
        message += f" {Reason.SUSPENDED.sentence}"
    if remark:
        message += f" {remark}"
    return _of(ConditionType.READY, True, reason, message)


def _refused(running: Rollout) -> Finding | None:
    """Return why pods cannot even be made: a quota, a policy. The Deployment's controller tries again by itself."""
    if not running.current or not running.refused_message:
        return None
    told = refusal(clean(running.refused_message))
    return Finding(reason=told.reason, message=f"{told.message} {told.reason.advice}")


def _progress(running: Rollout, wanted: int) -> Finding:
    old = f", {running.old} of an earlier plan are still to go" if running.old else ""
    return Finding(
        reason=Reason.PROGRESSING,
        message=f"{min(running.ready, wanted)} of {wanted} replicas serve, {running.updated} are up to date{old}.",
    )
