"""Plans written down and read back: a running plan stays as it was written, whatever a newer catalogue would choose."""

from collections.abc import Mapping

from pydantic import ValidationError

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.api.status_plan import (
    AlternativeStatus,
    LicenceStatus,
    MemoryStatus,
    NodeLabelStatus,
    PlanStatus,
    PredictedStatus,
    RelaxationStatus,
)
from gemma4_operator.planner.account import plan_hash
from gemma4_operator.planner.ask import ask_of
from gemma4_operator.planner.origin import read_weights, written
from gemma4_operator.planner.plan import Alternative, Licence, Plan, PlanMemory, Predicted, Rejection, Relaxation
from gemma4_operator.planner.relax import written_value
from gemma4_operator.planner.sensible import is_sensible

NOTES = 8
"""How many the status has room for."""


def record(plan: Plan) -> PlanStatus:
    """Return a plan as the status has it."""
    return PlanStatus(
        variant=plan.variant.value,
        quantization=plan.quantization.value,
        checkpoint=written(plan.weights),
        weights_bytes=plan.weights_bytes,
        engine=plan.engine.value,
        engine_version=plan.engine_version,
        image=plan.image,
        gpus_per_replica=plan.gpus_per_replica,
        gpu_product=plan.gpu_product,
        gpu_resource=plan.gpu_resource,
        node_labels=tuple(NodeLabelStatus(name=name, value=value) for name, value in plan.node_labels),
        gpu=f"{plan.gpus_per_replica}x {plan.gpu_product}",
        context_tokens=plan.context_tokens,
        max_batched_tokens=plan.max_batched_tokens,
        max_concurrent_requests=plan.max_concurrent_requests,
        kv_cache_dtype=plan.kv_dtype,
        host_cache_mib=plan.host_cache_mib,
        host_memory_mib=plan.host_memory_mib,
        memory_utilization_percent=plan.memory_utilization_percent,
        replicas=plan.replicas,
        memory=MemoryStatus(
            weights_mib=plan.memory.weights_mib,
            kv_cache_mib=plan.memory.kv_cache_mib,
            activations_mib=plan.memory.activations_mib,
            other_mib=plan.memory.other_mib,
            total_mib=plan.memory.total_mib,
            capacity_mib=plan.memory.capacity_mib,
        ),
        predicted=PredictedStatus(
            time_to_first_token_milliseconds=plan.predicted.time_to_first_token_milliseconds,
            time_per_output_token_microseconds=plan.predicted.time_per_output_token_microseconds,
            requests_per_minute_per_replica=plan.predicted.requests_per_minute_per_replica,
            load_seconds=plan.predicted.load_seconds,
            step_microseconds=plan.predicted.step_microseconds or None,
            sequence_nanoseconds=plan.predicted.sequence_nanoseconds or None,
            prompt_token_nanoseconds=plan.predicted.prompt_token_nanoseconds or None,
        ),
        hourly_cost_per_replica=plan.hourly_cost_per_replica,
        hourly_cost=plan.hourly_cost,
        currency=plan.currency,
        quality=plan.quality,
        licences=tuple(LicenceStatus(of=one.of, name=one.name) for one in plan.licences),
        hash=plan.hash,
        tries=plan.tries or None,
        why=plan.why,
        notes=plan.notes[:NOTES] or None,
        alternatives=_alternatives(plan.alternatives),
    )


def record_rejection(rejection: Rejection) -> PlanStatus | None:
    """Return what the status has where there is no plan; None: nothing to tell beside the condition."""
    if not rejection.alternatives and not rejection.relaxations:
        return None
    return PlanStatus(
        alternatives=_alternatives(rejection.alternatives),
        relaxations=tuple(_relaxation(one) for one in rejection.relaxations) or None,
    )


def restore(written: object, spec: Gemma4DeploymentSpec) -> Plan | None:
    """Return the plan that a status holds, if it is still the one for this spec; None: choose anew.

    Whatever cannot be read or makes no sense, because an older operator wrote less or somebody edited the status, is
    chosen anew too.
    """
    if not isinstance(written, Mapping) or written.get("hash") != plan_hash(spec):
        return None
    try:
        plan = _plan(PlanStatus.model_validate(written), spec)
    except (ValidationError, ValueError, AttributeError, TypeError):
        return None
    return plan if is_sensible(plan, spec) else None


def _plan(status: PlanStatus, spec: Gemma4DeploymentSpec) -> Plan:
    given = {name: getattr(status, name) for name in _TAKEN}
    if any(value is None for value in given.values()) or status.memory is None or status.predicted is None:
        raise ValueError("the status holds only a part of a plan")
    if not status.kv_cache_dtype or not all(given[name] for name in _COUNTED):
        raise ValueError("the status holds a plan that serves nothing")
    return Plan(
        **given,
        variant=Variant(status.variant or ""),
        quantization=Quantization(status.quantization or ""),
        engine=EngineType(status.engine or ""),
        weights=ask_of(spec).weights or read_weights(status.checkpoint or ""),
        kv_dtype=status.kv_cache_dtype,
        node_labels=tuple((one.name, one.value) for one in status.node_labels or ()),
        memory=PlanMemory(**_complete(status.memory)),
        predicted=Predicted(**_complete(status.predicted, but=_LATER)),
        tries=status.tries or 0,
        licences=tuple(Licence(of=one.of, name=one.name) for one in status.licences or ()),
        notes=status.notes or (),
        alternatives=tuple(_alternative(one) for one in status.alternatives or ()),
    )


_TAKEN = (
    "weights_bytes",
    "engine_version",
    "image",
    "gpu_product",
    "gpu_resource",
    "gpus_per_replica",
    "context_tokens",
    "max_batched_tokens",
    "max_concurrent_requests",
    "host_cache_mib",
    "host_memory_mib",
    "memory_utilization_percent",
    "replicas",
    "hourly_cost_per_replica",
    "hourly_cost",
    "currency",
    "quality",
    "hash",
    "why",
)

_COUNTED = ("gpus_per_replica", "context_tokens", "max_batched_tokens", "max_concurrent_requests", "weights_bytes")
"""What no plan has none of."""


_LATER = ("step_microseconds", "sequence_nanoseconds", "prompt_token_nanoseconds")
"""What plans of older operators do not say, and still are plans."""


def _complete(part: MemoryStatus | PredictedStatus, *, but: tuple[str, ...] = ()) -> dict[str, int]:
    values = {name: value for name, value in part.model_dump().items() if name not in but or value is not None}
    if any(value is None for value in values.values()):
        raise ValueError("the status holds only a part of a plan")
    return values


def _alternatives(alternatives: tuple[Alternative, ...]) -> tuple[AlternativeStatus, ...] | None:
    return tuple(_alternative_status(one) for one in alternatives) or None


def _alternative_status(one: Alternative) -> AlternativeStatus:
    return AlternativeStatus(
        variant=one.variant.value,
        quantization=one.quantization.value,
        engine=one.engine.value,
        gpu_product=one.gpu_product or None,
        gpus_per_replica=one.gpus_per_replica or None,
        hourly_cost=one.hourly_cost or None,
        lost_because=one.lost_because,
    )


def _alternative(one: AlternativeStatus) -> Alternative:
    return Alternative(
        variant=Variant(one.variant),
        quantization=Quantization(one.quantization),
        engine=EngineType(one.engine),
        gpu_product=one.gpu_product or "",
        gpus_per_replica=one.gpus_per_replica or 0,
        hourly_cost=one.hourly_cost or "",
        lost_because=one.lost_because,
    )


def _relaxation(one: Relaxation) -> RelaxationStatus:
    value = None if one.value is None else written_value(one.value)
    return RelaxationStatus(field=one.field, value=value, message=one.message)
