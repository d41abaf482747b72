"""A plan as a colleague would write it: the budget line by line, a reason for each choice, and what would change it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gemma4_operator.api.common import EngineType
from gemma4_operator.planner.ask import Ask
from gemma4_operator.planner.choose import Outcome
from gemma4_operator.planner.configure import BATCHED_TOKENS, UBATCH_TOKENS
from gemma4_operator.planner.lost import Because, Lost, name_of
from gemma4_operator.planner.plan import Plan, Rejection, Relaxation
from gemma4_operator.planner.quality import Quality
from gemma4_operator.planner.relax import applied
from gemma4_operator.planner.search import Found
from gemma4_operator.planner.shape import KvDtype

_GIB = 2**30
_SHOWN = 8


def explain(
    outcome: Outcome, spec: Mapping[str, Any], attempt: Callable[[Mapping[str, Any]], Plan | Rejection | None]
) -> str:
    """Return the account of a choice in plain text; `attempt` chooses for a changed spec, None for an invalid one."""
    plan, best = outcome.plan, outcome.result.best
    if isinstance(plan, Rejection) or best is None:
        return "\n".join(_of_rejection(outcome))
    paragraphs = (
        [plan.why],
        _section("Memory of each GPU", _memory(best)),
        _section("Why", _reasons(outcome, best)),
        _section("What it does and costs", _figures(plan, best)),
        _section("What lost", _lost(outcome.lost)),
        _section("What would change the answer", _changes(plan, spec, attempt)),
        _section("To know", plan.notes),
    )
    return "\n\n".join("\n".join(lines) for lines in paragraphs if lines)


def _section(title: str, lines: Iterator[str] | Sequence[str]) -> list[str]:
    found = [f"  {line}" for line in lines]
    return [f"{title}:", *found] if found else []


def _of_rejection(outcome: Outcome) -> Iterator[str]:
    plan = outcome.plan
    assert isinstance(plan, Rejection)
    yield plan.message
    if outcome.lost:
        yield "\n".join(["", *_section("What lost, the nearest first", _lost(outcome.lost))])
    if plan.relaxations:
        yield "\n".join(["", *_section("What would work", [one.message for one in plan.relaxations])])


def _memory(best: Found) -> Iterator[str]:
    """Yield the budget line by line, in GiB, as the engine will use it."""
    budget, shape = best.option.memory, best.option.shape
    for line in budget.lines:
        yield f"{line.bytes / _GIB:8.2f} GiB  {line.name}: {line.note}"
    length = f"{shape.context_tokens} tokens"
    held = f"{budget.max_concurrency:.1f} requests of {length}, {budget.request_bytes / _GIB:.2f} GiB each"
    yield f"{budget.cache_bytes / _GIB:8.2f} GiB  cache: holds {held}"
    yield f"{budget.capacity_bytes / _GIB:8.2f} GiB  in all: {shape.memory_utilization:.0%} of what the GPU has"


def _reasons(outcome: Outcome, best: Found) -> Iterator[str]:
    """Yield one reason for each choice."""
    ask, shape = outcome.ask, best.option.shape
    model, checkpoint = best.candidate.model, best.candidate.checkpoint
    score = f"{best.candidate.score} points, {outcome.plan.quality if isinstance(outcome.plan, Plan) else ''}"
    floor = f"{ask.floor.value} is asked for" if ask.floor is not None else "no quality is asked for"
    yield f"{model.variant}: " + ("as the spec says" if ask.variant else f"{score}; {floor}")
    yield f"{checkpoint.quantization}: " + (
        "as the spec says" if ask.quantization else _against_others(outcome, best, "quantization")
    )
    yield f"{shape.engine}: " + ("as the spec says" if ask.engine else f"reads {checkpoint.quantization} itself")
    yield f"{best.gpus.device.product}: {_against_others(outcome, best, 'product')}"
    yield f"{shape.gpus} for each replica: {_count(ask, best)}"
    yield f"cache in {shape.kv_dtype}: {_cache(best)}"
    yield f"{shape.max_batched_tokens} tokens in a step: {_batch(ask, best)}"
    yield f"{shape.max_sequences} requests at once: what the cache holds at the usual length, and no more"


def _against_others(outcome: Outcome, best: Found, what: str) -> str:
    """Return why the nearest way that differs in this one respect lost."""
    for lost in outcome.lost:
        is_same_weights = lost.checkpoint is best.candidate.checkpoint
        differs = lost.product != best.gpus.device.product if what == "product" else not is_same_weights
        alike = is_same_weights if what == "product" else lost.checkpoint.variant is best.candidate.model.variant
        if differs and alike and lost.product:
            other = lost.product if what == "product" else f"{lost.checkpoint.quantization} on {lost.product}"
            return f"{other} {lost.sentence}"
    return "there is no other that could do it"


def _count(ask: Ask, best: Found) -> str:
    if ask.gpus_per_replica is not None:
        return "as the spec says"
    if best.option.shape.gpus == 1:
        return "one is enough"
    return "with fewer, the weights and one request of full length do not fit, or more replicas would be needed"


def _cache(best: Found) -> str:
    if best.option.shape.kv_dtype is KvDtype.BF16:
        return "exact, and there is room"
    return "half the size; the exact one would not fit, or would take more replicas"


def _batch(ask: Ask, best: Found) -> str:
    shape = best.option.shape
    if shape.engine is not EngineType.VLLM:
        return f"{shape.engine}'s own default, {UBATCH_TOKENS}"
    limit = ask.deadlines.time_per_output_token_seconds
    if limit is not None and shape.max_batched_tokens < BATCHED_TOKENS[0]:
        return f"a full step must stay below the {limit * 1000:.0f} ms that a token may take"
    if shape.max_batched_tokens < BATCHED_TOKENS[0]:
        return "each sliding layer sets memory aside for the batches in flight, and more would not fit"
    return "the most that is worth it"


def _figures(plan: Plan, best: Found) -> Iterator[str]:
    expected = plan.predicted
    yield f"{expected.time_per_output_token_microseconds / 1000:.1f} ms per output token"
    yield f"{expected.time_to_first_token_milliseconds} ms to the first token"
    yield f"{expected.requests_per_minute_per_replica} requests a minute for each replica within the objectives"
    yield f"{expected.load_seconds} s from the container's start until it serves, downloads apart"
    yield f"{plan.replicas} x {plan.hourly_cost_per_replica} = {plan.hourly_cost} {plan.currency} an hour"
    yield from (f"{licence.of} is under {licence.name}" for licence in plan.licences)
    if not best.placeable:
        yield "GPUs for it are in use now"


def _lost(lost: Sequence[Lost]) -> Iterator[str]:
    for one in lost[:_SHOWN]:
        yield f"{name_of(one)}: {one.sentence}"
    rest = lost[_SHOWN:]
    if rest:
        counts = [(because, sum(one.because is because for one in rest)) for because in Because]
        yield f"and {len(rest)} more: " + ", ".join(f"{count} {because}" for because, count in counts if count)


def _changes(
    plan: Plan, spec: Mapping[str, Any], attempt: Callable[[Mapping[str, Any]], Plan | Rejection | None]
) -> Iterator[str]:
    """Yield what a few likely changes of mind would lead to, each chosen anew."""
    for change in _ideas(spec):
        other = attempt(applied(spec, change))
        if isinstance(other, Rejection):
            yield f"{change.message}: nothing would serve it"
        elif other is not None and _identity(other) != _identity(plan):
            yield f"{change.message}: {_name(other)}, {other.hourly_cost} {other.currency} an hour"


def _ideas(spec: Mapping[str, Any]) -> Iterator[Relaxation]:
    context = spec.get("capabilities", {}).get("contextTokens", 8192)
    is_auto = spec.get("model", {}).get("variant", "Auto") == "Auto"
    floor = spec.get("objectives", {}).get("minimumQuality", "Standard" if is_auto else "Basic")
    for quality in Quality:
        if quality.value != floor and is_auto:
            field = "spec.objectives.minimumQuality"
            yield Relaxation(field=field, value=quality.value, message=f"quality {quality.value}")
    for tokens in (context * 4, context // 4):
        if 1024 <= tokens <= 262144:
            yield Relaxation(
                field="spec.capabilities.contextTokens", value=tokens, message=f"{tokens} tokens of context"
            )
    if "workload" in spec:
        rate = spec["workload"]["requestsPerMinute"] * 4
        yield Relaxation(field="spec.workload.requestsPerMinute", value=rate, message=f"{rate} requests a minute")
    if not spec.get("placement", {}).get("allowSharedGPUs", False):
        yield Relaxation(field="spec.placement.allowSharedGPUs", value=True, message="slices and shared GPUs allowed")


def _identity(plan: Plan) -> tuple[object, ...]:
    return (plan.variant, plan.quantization, plan.engine, plan.gpu_product, plan.gpus_per_replica, plan.replicas)


def _name(plan: Plan) -> str:
    gpus = f"{plan.gpus_per_replica}x {plan.gpu_product}"
    return f"{plan.variant} in {plan.quantization} on {plan.engine}, {plan.replicas} x {gpus}"
