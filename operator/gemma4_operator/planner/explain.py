"""A plan as a colleague would write it: the budget line by line, a reason for each choice, and what would change it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gemma4_operator.planner.choose import Outcome
from gemma4_operator.planner.explain_reasons import reasons
from gemma4_operator.planner.lost import Because, Lost, name_of
from gemma4_operator.planner.plan import Plan, Rejection, Relaxation
from gemma4_operator.planner.quality import Quality
from gemma4_operator.planner.relax import Try, applied
from gemma4_operator.planner.search import Found
from gemma4_operator.planner.workable import HELPS

_Part = tuple[str, Iterable[str]]
_GIB = 2**30
_SHOWN = 8
"""Ways that lost which are told one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the account: what it is about, and a sentence or a figure in each line."""

    title: str
    lines: tuple[str, ...]


def explain(outcome: Outcome, spec: Mapping[str, Any], attempt: Try) -> tuple[Section, ...]:
    """Return the account of a choice, without empty sections.

    Args:
        outcome: The choice with everything that lost.
        spec: What was asked for, as JSON.
        attempt: Chooses for a changed spec; None: the change makes it invalid.
    """
    plan, best = outcome.plan, outcome.result.best
    if isinstance(plan, Rejection) or best is None:
        parts = _of_rejection(outcome)
    else:
        parts = _of_plan(outcome, plan, best, spec, attempt)
    found = (Section(title=title, lines=tuple(lines)) for title, lines in parts)
    return tuple(section for section in found if section.lines)


def summary(outcome: Outcome) -> str:
    """Return the choice in one sentence; without the changes that would help, which are a section."""
    plan = outcome.plan
    return plan.message.partition(HELPS)[0] if isinstance(plan, Rejection) else plan.why


def _of_plan(outcome: Outcome, plan: Plan, best: Found, spec: Mapping[str, Any], attempt: Try) -> Iterator[_Part]:
    yield "Memory of each GPU", _memory(best)
    yield "Why", reasons(outcome, best)
    yield "What it does and costs", _figures(plan, best)
    yield "What lost", _lost(outcome.lost)
    yield "What would change the answer", _changes(plan, spec, attempt)
    yield "To know", plan.notes


def _of_rejection(outcome: Outcome) -> Iterator[_Part]:
    yield "What lost, the nearest first", _lost(outcome.lost)
    if isinstance(outcome.plan, Rejection):
        yield "What would work", [one.message for one in outcome.plan.relaxations]


def _memory(best: Found) -> Iterator[str]:
    """Yield the budget line by line, in GiB, as the engine will use it."""
    budget, shape = best.option.memory, best.option.shape
    for line in budget.lines:
        yield f"{line.bytes / _GIB:8.2f} GiB  {line.name}: {line.note}"
    length = f"{shape.context_tokens} tokens"
    held = f"{budget.max_concurrency:.1f} requests of {length}, {budget.request_bytes / _GIB:.2f} GiB each"
    yield f"{budget.cache_bytes / _GIB:8.2f} GiB  cache: holds {held}"
    unused = budget.capacity_bytes - budget.cache_bytes - sum(line.bytes for line in budget.lines)
    if unused > _GIB / 100:
        yield f"{unused / _GIB:8.2f} GiB  unused: {shape.engine} sets aside what its requests can need, and no more"
    share = budget.capacity_bytes / shape.device.memory_bytes
    yield f"{budget.capacity_bytes / _GIB:8.2f} GiB  in all: {share:.0%} of what the GPU has"


def _figures(plan: Plan, best: Found) -> Iterator[str]:
    expected = plan.predicted
    yield f"{expected.time_per_output_token_microseconds / 1000:.1f} ms per output token"
    yield f"{expected.time_to_first_token_milliseconds} ms to the first token"
    yield f"{expected.requests_per_minute_per_replica} requests a minute for each replica within the objectives"
    yield f"{expected.load_seconds} s from the container's start until it serves, downloads apart"
    replicas = "1 replica" if plan.replicas == 1 else f"{plan.replicas} replicas at {plan.hourly_cost_per_replica}"
    yield f"{plan.hourly_cost} {plan.currency} an hour for {replicas}"
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


def _changes(plan: Plan, spec: Mapping[str, Any], attempt: Try) -> Iterator[str]:
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
    times = "" if plan.replicas == 1 else f"{plan.replicas} replicas of "
    return f"{plan.variant} in {plan.quantization} on {plan.engine} with {times}{gpus}"
