"""The figures of one Gemma4Deployment, read from the object as it is stored.

What the status says is all that is shown, so a graph and `kubectl get` never contradict each other. A field that is
not there gives no figure, and never 0.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gemma4_operator.api.objectives import Objectives
from gemma4_operator.api.status import ConditionType
from gemma4_operator.runtime import families
from gemma4_operator.runtime.families import Family
from gemma4_operator.status.pods import mapping, mappings
from gemma4_operator.status.reasons import Reason

UNKNOWN_REASON = "Other"
"""What stands for a reason that is none of ours, so that nobody can make labels without end."""
_CONDITIONS = frozenset(ConditionType)
_REASONS = frozenset(Reason)
_MEBIBYTE = 2.0**20
_USUAL_PERCENT = Objectives().attainment_percent
PARTS = {
    "weights": "weightsMiB",
    "kv_cache": "kvCacheMiB",
    "activations": "activationsMiB",
    "other": "otherMiB",
}
"""The parts of a GPU's memory, each with the field of the plan that has it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One value of a metric; `labels` are the values of those that the family has beside `namespace` and `name`."""

    family: Family
    value: float
    labels: tuple[str, ...] = ()


def ready_reason(resource: Mapping[str, Any]) -> str | None:
    """Return the reason of the Ready condition; None: there is none yet."""
    for condition in mappings(mapping(resource.get("status")).get("conditions")):
        if condition.get("type") == ConditionType.READY:
            return _known_reason(condition)
    return None


def figures(resource: Mapping[str, Any]) -> Iterator[Figure]:
    """Yield what a Gemma4Deployment's spec and status say in numbers."""
    spec, status = mapping(resource.get("spec")), mapping(resource.get("status"))
    plan = mapping(status.get("plan"))
    yield from _conditions(resource, status)
    yield from _replicas(spec, status, plan)
    yield from _plan(plan)
    yield from _seen(mapping(status.get("observed")))
    yield from _objectives(mapping(spec.get("objectives")))


def _conditions(resource: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[Figure]:
    for condition in mappings(status.get("conditions")):
        kind = str(condition.get("type"))
        if kind in _CONDITIONS:
            holds = float(condition.get("status") == "True")
            yield Figure(families.CONDITION, holds, (kind, _known_reason(condition)))
    yield from _number(families.GENERATION, mapping(resource.get("metadata")), "generation")
    yield from _number(families.OBSERVED_GENERATION, status, "observedGeneration")


def _known_reason(condition: Mapping[str, Any]) -> str:
    reason = str(condition.get("reason"))
    return reason if reason in _REASONS else UNKNOWN_REASON


def _replicas(spec: Mapping[str, Any], status: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[Figure]:
    autoscaling = mapping(status.get("autoscaling"))
    if spec.get("autoscaling") is not None:
        yield from _number(families.DESIRED_REPLICAS, autoscaling, "desiredReplicas")
    else:
        yield from _number(families.DESIRED_REPLICAS, spec, "replicas")
    yield from _number(families.REPLICAS, status, "replicas")
    yield from _number(families.READY_REPLICAS, status, "readyReplicas")
    if limit := autoscaling.get("limitedBy"):
        yield Figure(families.SCALING_LIMITED, 1.0, (str(limit),))
    running = _float(status.get("replicas"))
    if running is None:
        return
    yield from _number(families.GPUS, plan, "gpusPerReplica", times=running)
    currency = str(plan.get("currency", ""))
    yield from _number(families.HOURLY_COST, plan, "hourlyCostPerReplica", times=running, labels=(currency,))


def _plan(plan: Mapping[str, Any]) -> Iterator[Figure]:
    if "variant" not in plan:
        return
    names = ("variant", "quantization", "engine", "gpuProduct")
    yield Figure(families.PLAN_INFO, 1.0, tuple(str(plan.get(name, "")) for name in names))
    memory, predicted = mapping(plan.get("memory")), mapping(plan.get("predicted"))
    for part, field in PARTS.items():
        yield from _number(families.PREDICTED_MEMORY_BYTES, memory, field, times=_MEBIBYTE, labels=(part,))
    yield from _number(families.GPU_MEMORY_BYTES, memory, "capacityMiB", times=_MEBIBYTE)
    yield from _number(families.PREDICTED_LOAD_SECONDS, predicted, "loadSeconds")
    yield from _number(
        families.PREDICTED_FIRST_TOKEN_SECONDS, predicted, "timeToFirstTokenMilliseconds", times=1 / 1000
    )
    yield from _number(
        families.PREDICTED_OUTPUT_TOKEN_SECONDS, predicted, "timePerOutputTokenMicroseconds", times=1 / 1_000_000
    )


def _seen(observed: Mapping[str, Any]) -> Iterator[Figure]:
    yield from _number(families.LOAD_SECONDS, observed, "loadSeconds")
    yield from _number(families.CACHE_TOKENS, observed, "kvCacheTokens")
    yield from _number(families.PREDICTED_CACHE_TOKENS, observed, "predictedKvCacheTokens")


def _objectives(objectives: Mapping[str, Any]) -> Iterator[Figure]:
    times = {
        "first_token": "timeToFirstTokenMilliseconds",
        "output_token": "timePerOutputTokenMilliseconds",
    }
    for time, field in times.items():
        yield from _number(families.OBJECTIVE_SECONDS, objectives, field, times=1 / 1000, labels=(time,))
    if any(field in objectives for field in times.values()):
        percent = _float(objectives.get("attainmentPercent"))
        yield Figure(families.OBJECTIVE_ATTAINMENT, (_USUAL_PERCENT if percent is None else percent) / 100)


def _number(
    family: Family, holder: Mapping[str, Any], field: str, *, times: float = 1.0, labels: tuple[str, ...] = ()
) -> Iterator[Figure]:
    value = _float(holder.get(field))
    if value is not None:
        yield Figure(family, value * times, labels)


def _float(value: object) -> float | None:
    """Return a number, or a text that is one, as costs are; None: it is neither."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
