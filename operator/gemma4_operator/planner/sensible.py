"""Whether a plan that was read back can be meant: what somebody put into a status by hand must not reach a pod.

A plan of an older catalogue is kept as it is, so nothing is compared with the catalogue of today: only with the spec,
and with the forms and bounds that every plan has kept so far.
"""

import re
from collections.abc import Iterator

from pydantic import ValidationError

from gemma4_operator.api.common import LABEL_KEY, LABEL_VALUE
from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.planner.ask import ask_of
from gemma4_operator.planner.node_labels import told_of
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.quality import Quality
from gemma4_operator.planner.shape import KvDtype

_IMAGE = re.compile(r"[A-Za-z0-9][-._:/@A-Za-z0-9]*")
_RESOURCE = re.compile(r"[-./A-Za-z0-9]{1,63}")
_COST = re.compile(r"[0-9]{1,12}\.[0-9]{2}")
_MOST_GPUS = 16
_MOST_BYTES = 10**13
_MOST = 2**31 - 1


def is_sensible(plan: Plan, spec: Gemma4DeploymentSpec) -> bool:
    """Whether a plan serves this spec as far as it can be told without choosing anew."""
    return _is_asked_for(plan, spec) and _has_form(plan) and all(0 <= count <= _MOST for count in _counts(plan))


def _is_asked_for(plan: Plan, spec: Gemma4DeploymentSpec) -> bool:
    """Whether it is what the spec names, where it names something."""
    ask = ask_of(spec)
    named = (
        (ask.variant, plan.variant),
        (ask.quantization, plan.quantization),
        (ask.engine, plan.engine),
        (ask.gpus_per_replica, plan.gpus_per_replica),
        (ask.weights, plan.weights),
        (spec.engine.image, plan.image),
        (ask.context_tokens, plan.context_tokens),
    )
    return all(wanted in (None, has) for wanted, has in named) and _may_be_named(plan, spec)


def _may_be_named(plan: Plan, spec: Gemma4DeploymentSpec) -> bool:
    """Whether a spec could name all of these choices: an engine that cannot read a format is refused there."""
    body = spec.to_json()
    model = {"variant": plan.variant.value, "quantization": plan.quantization.value}
    body |= {"model": body["model"] | model, "engine": body["engine"] | {"type": plan.engine.value}}
    try:
        Gemma4DeploymentSpec.model_validate(body)
    except ValidationError:
        return False
    return True


def _has_form(plan: Plan) -> bool:
    """Whether every text is one that its place in a pod or a status can have."""
    names = [name for name, _ in plan.node_labels]
    return (
        bool(_IMAGE.fullmatch(plan.image))
        and bool(_RESOURCE.fullmatch(plan.gpu_resource))
        and told_of(plan.gpu_resource, {}) is not None
        and plan.kv_dtype in [*KvDtype]
        and plan.quality in [*Quality]
        and all(_COST.fullmatch(cost) for cost in (plan.hourly_cost, plan.hourly_cost_per_replica))
        and len(set(names)) == len(names)
        and all(re.fullmatch(LABEL_KEY.pattern, name) for name in names)
        and all(len(value) <= 63 and re.fullmatch(LABEL_VALUE.pattern, value) for _, value in plan.node_labels)
        and plan.gpus_per_replica <= _MOST_GPUS
        and plan.weights_bytes <= _MOST_BYTES
        and plan.memory_utilization_percent <= 100
    )


def _counts(plan: Plan) -> Iterator[int]:
    memory, predicted = plan.memory, plan.predicted
    yield from (plan.max_batched_tokens, plan.max_concurrent_requests, plan.replicas)
    yield from (plan.host_cache_mib, plan.host_memory_mib)
    yield from (memory.weights_mib, memory.kv_cache_mib, memory.activations_mib, memory.other_mib)
    yield from (memory.total_mib, memory.capacity_mib)
    yield from (predicted.time_to_first_token_milliseconds, predicted.time_per_output_token_microseconds)
    yield from (predicted.requests_per_minute_per_replica, predicted.load_seconds)
    yield from (predicted.step_microseconds, predicted.sequence_nanoseconds, predicted.prompt_token_nanoseconds)
