"""From a way that works to the plan that is written down: figures in their units, licences, the reason in words."""

import hashlib
import json
from collections.abc import Callable, Iterator

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.api.objectives import OptimizeFor
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.planner.ask import Ask
from gemma4_operator.planner.candidates import numbers
from gemma4_operator.planner.configure import Option
from gemma4_operator.planner.host import host_memory_mib
from gemma4_operator.planner.lost import Lost
from gemma4_operator.planner.memory import Memory
from gemma4_operator.planner.memory_gguf import host_cache_mib
from gemma4_operator.planner.origin import written
from gemma4_operator.planner.plan import Alternative, Licence, Plan, PlanMemory, Predicted
from gemma4_operator.planner.quality import quality_of
from gemma4_operator.planner.reachable import TYPICAL, server_of
from gemma4_operator.planner.search import Found

_SHAPING = {"model", "capabilities", "workload", "objectives", "engine", "placement"}
"""The parts of a spec that a plan depends on. Replicas are not among them: scaling never changes a running plan."""
_MIB = 2**20


def account(
    spec: Gemma4DeploymentSpec, ask: Ask, found: Found, *, catalog: Catalog, alternatives: tuple[Alternative, ...]
) -> Plan:
    """Return the plan for the way that was chosen."""
    candidate, option, gpus = found.candidate, found.option, found.gpus
    shape, budget = option.shape, _memory(option.memory)
    host_cache = host_cache_mib(shape)
    return Plan(
        variant=candidate.model.variant,
        quantization=candidate.checkpoint.quantization,
        weights=candidate.weights,
        weights_bytes=candidate.checkpoint.bytes,
        engine=candidate.engine.engine,
        engine_version=candidate.version_text,
        image=candidate.image,
        gpu_product=gpus.device.product,
        gpu_resource=gpus.resource,
        node_labels=gpus.node_labels,
        gpus_per_replica=shape.gpus,
        context_tokens=shape.context_tokens,
        max_batched_tokens=shape.max_batched_tokens,
        max_concurrent_requests=shape.max_sequences,
        kv_dtype=shape.kv_dtype.value,
        host_cache_mib=host_cache,
        host_memory_mib=host_memory_mib(
            weights_bytes=candidate.checkpoint.bytes,
            host_cache_mib=host_cache,
            unified_mib=budget.total_mib if gpus.device.unified_memory else 0,
        ),
        memory_utilization_percent=round(100 * shape.memory_utilization) // gpus.device.shared_by,
        memory=budget,
        predicted=predicted(ask, option),
        replicas=option.replicas,
        hourly_cost_per_replica=f"{shape.gpus * gpus.device.hourly_price:.2f}",
        hourly_cost=f"{found.hourly_cost:.2f}",
        currency=catalog.currency,
        quality=quality_of(candidate.score).value,
        licences=(
            Licence(of=written(candidate.weights), name=candidate.checkpoint.licence),
            Licence(of=candidate.image, name=candidate.engine.licence),
        ),
        hash=plan_hash(spec),
        why=why(ask, found, catalog.currency),
        notes=tuple(_notes(ask, found)),
        alternatives=alternatives,
    )


def plan_hash(spec: Gemma4DeploymentSpec) -> str:
    """Return a short mark of all that shapes a plan in a spec; a default that a newer operator adds changes nothing."""
    shaping = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=_SHAPING)
    return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()[:12]


def alternative(lost: Lost) -> Alternative:
    """Return a way that lost, as it is told."""
    return Alternative(
        variant=lost.checkpoint.variant,
        quantization=lost.checkpoint.quantization,
        engine=lost.engine,
        gpu_product=lost.product,
        gpus_per_replica=lost.gpus,
        hourly_cost="" if lost.hourly_cost is None else f"{lost.hourly_cost:.2f}",
        lost_because=lost.sentence,
    )


def predicted(ask: Ask, option: Option) -> Predicted:
    """Return what one replica is expected to do."""
    load, shape = ask.load or TYPICAL, option.shape
    server = server_of(load, option.speed, max_batch=shape.max_sequences, max_batched_tokens=shape.max_batched_tokens)
    step_seconds, sequence_seconds = _line(server.step_seconds, shape.max_sequences)
    return Predicted(
        time_to_first_token_milliseconds=round(option.fare.time_to_first_token_seconds * 1000),
        time_per_output_token_microseconds=round(option.fare.time_per_output_token_seconds * 1_000_000),
        requests_per_minute_per_replica=int(option.requests_per_second * 60),
        load_seconds=round(option.speed.load_seconds),
        step_microseconds=round(step_seconds * 1e6),
        sequence_nanoseconds=round(sequence_seconds * 1e9),
        prompt_token_nanoseconds=round(server.prompt_token_seconds * 1e9),
    )


def _line(step_seconds: Callable[[float], float], most: int) -> tuple[float, float]:
    """Return the straight line that a step follows from a quarter of its sequences to all of them.

    With experts it bends below, where few sequences touch few of them; nobody is short of time there.
    """
    few = max(1.0, most / 4)
    slope = (step_seconds(most) - step_seconds(few)) / (most - few) if most > few else 0.0
    return step_seconds(few) - slope * few, slope


def _memory(memory: Memory) -> PlanMemory:
    total = memory.weights_bytes + memory.cache_bytes + memory.activations_bytes + memory.other_bytes
    return PlanMemory(
        weights_mib=memory.weights_bytes // _MIB,
        kv_cache_mib=memory.cache_bytes // _MIB,
        activations_mib=memory.activations_bytes // _MIB,
        other_mib=memory.other_bytes // _MIB,
        total_mib=total // _MIB,
        capacity_mib=memory.capacity_bytes // _MIB,
    )


def why(ask: Ask, found: Found, currency: str) -> str:
    """Return the reason for the choice in one sentence."""
    candidate, shape = found.candidate, found.option.shape
    what = f"{candidate.model.variant} in {candidate.checkpoint.quantization} on {candidate.engine.engine}"
    where = f"{shape.gpus}x {found.gpus.device.product}"
    return f"{what} with {where} is {_best(ask, found, currency)}."


def _best(ask: Ask, found: Found, currency: str) -> str:
    quality = quality_of(found.candidate.score).value
    cost = f"{found.hourly_cost:.2f} {currency} an hour for {_replicas(found.option.replicas)}"
    match ask.optimize_for:
        case OptimizeFor.COST:
            return f"the cheapest way to serve what is asked for, at {cost}, of quality {quality}"
        case OptimizeFor.QUALITY:
            return f"the best in quality that works, {quality} with {found.candidate.score} points, at {cost}"
        case OptimizeFor.LATENCY:
            milliseconds = found.option.fare.time_per_output_token_seconds * 1000
            return f"the fastest way that works, {milliseconds:.1f} ms per output token, at {cost}"
        case OptimizeFor.THROUGHPUT:
            rate = found.option.requests_per_second * 60
            return f"the most requests for the money, {rate:.0f} a minute for each replica, at {cost}"


def _replicas(count: int) -> str:
    return "1 replica" if count == 1 else f"{count} replicas"


def _notes(ask: Ask, found: Found) -> Iterator[str]:
    """Yield what a person should know beside the choice."""
    device, option = found.gpus.device, found.option
    if found.candidate.assumed:
        yield found.candidate.assumed
    if not device.is_known:
        yield (
            f"The catalogue does not know {device.product}: it is planned by its memory and modest figures, "
            "so speed and price are guesses."
        )
    for doubt in found.candidate.engine.doubts:
        is_own = found.candidate.image == found.candidate.engine.image
        if is_own and device.compute_capability in map(numbers, doubt.compute_capabilities):
            yield doubt.because
    if found.gpus.is_pool:
        yield f"No node for these pods has {device.product} now: they wait until one comes."
    elif not found.placeable:
        yield f"Not all of {_replicas(option.replicas)} have free GPUs now: some pods wait until there are more."
