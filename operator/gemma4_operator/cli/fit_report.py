"""What `gemma4 fit` says of a budget: keys for programs, a table and sentences for people."""

from typing import Any

from gemma4_operator.catalog.engines import Backend
from gemma4_operator.cli.output import columns, paragraph, strong
from gemma4_operator.planner.adjust import Adjustment
from gemma4_operator.planner.memory import Memory, longest_context_tokens
from gemma4_operator.planner.shape import Shape

_GIB, _MIB = 2**30, 2**20
_OPTIONS = {
    "max_batched_tokens": "--max-batched-tokens",
    "max_sequences": "--concurrency",
    "kv_dtype": "--kv-dtype",
    "context_tokens": "--context",
    "checkpoint": "--quantization",
    "gpus": "--gpus",
    "device": "--gpu",
}
"""By what an adjustment changes."""
_ENOUGH = "There is memory enough."


def result(
    shape: Shape, budget: Memory, changes: tuple[Adjustment, ...], *, asked: int | None, refused: tuple[str, ...]
) -> dict[str, Any]:
    """Return the result as JSON.

    Args:
        shape: What was asked about.
        budget: Its memory.
        changes: What would make it fit.
        asked: How many requests at once were asked for.
        refused: Why the engine must not run it, whatever memory there is.
    """
    reason = _fits(shape, budget) if budget.fits else _fails(shape, budget)
    return {
        "fits": budget.fits and not refused,
        "memory": _memory(shape, budget),
        "maxConcurrency": round(budget.max_concurrency, 2) if budget.fits else 0.0,
        "kvCacheTokens": budget.cache_tokens,
        "reason": f"{refused[0]} {_ENOUGH}" if refused and budget.fits else reason,
        "adjustments": [{"option": _OPTIONS[one.lever], "value": one.value, "message": one.message} for one in changes],
        "notes": [*refused, *_notes(shape, budget, asked)],
    }


def table(told: dict[str, Any], shape: Shape, budget: Memory, changes: tuple[Adjustment, ...]) -> str:
    """Return the result for people: the sentence, the budget line by line, and what would help."""
    rows = [(line.name, _gib(line.bytes), line.note) for line in budget.lines]
    rows.append(("left for the cache", _gib(_left(budget)), _holds(shape, budget)))
    rows.append(("capacity", _gib(budget.capacity_bytes), f"of each {shape.device.product}"))
    lines = [*map(strong, paragraph(told["reason"])), "", columns(rows, indent="  ")]
    if changes:
        helps = [(_OPTIONS[one.lever], one.value, one.effect) for one in changes]
        lines += ["", "What would make it fit, each alone:", columns(helps, indent="  ")]
    if told["notes"]:
        lines += ["", *(line for note in told["notes"] for line in paragraph(note))]
    return "\n".join(lines)


def _memory(shape: Shape, budget: Memory) -> dict[str, int]:
    """Return the budget of one GPU; the cache is what is left for it, or what it needs where that is more."""
    cache = budget.cache_bytes if budget.fits else _needed(shape, budget)
    sizes = {
        "weightsMiB": budget.weights_bytes,
        "kvCacheMiB": cache,
        "activationsMiB": budget.activations_bytes,
        "otherMiB": budget.other_bytes,
        "totalMiB": budget.weights_bytes + cache + budget.activations_bytes + budget.other_bytes,
        "capacityMiB": budget.capacity_bytes,
    }
    return {name: round(size / _MIB) for name, size in sizes.items()}


def _left(budget: Memory) -> int:
    return budget.capacity_bytes - budget.used_bytes


def _needed(shape: Shape, budget: Memory) -> int:
    """Return the least cache that the engine starts with: vLLM's for one request, llama.cpp's for all slots."""
    return budget.request_bytes * (1 if shape.backend is Backend.VLLM else shape.max_sequences)


def _requests(shape: Shape) -> str:
    count = 1 if shape.backend is Backend.VLLM else shape.max_sequences
    return (
        f"a request of {shape.context_tokens} tokens needs"
        if count == 1
        else (f"{count} requests of {shape.context_tokens} tokens need")
    )


def _fits(shape: Shape, budget: Memory) -> str:
    left, needed = _gib(_left(budget)).strip(), _gib(_needed(shape, budget)).strip()
    return f"It fits: {left} are left for the cache, and {_requests(shape)} {needed}."


def _fails(shape: Shape, budget: Memory) -> str:
    product, left = shape.device.product, _left(budget)
    if left <= 0:
        used, has = _gib(budget.capacity_bytes - left).strip(), _gib(budget.capacity_bytes).strip()
        return f"It does not fit: {used} are needed before any cache, and the engine has {has} of each {product}."
    longest = longest_context_tokens(shape)
    helps = f"the longest context that fits has {longest} tokens" if longest else "no context is short enough"
    needed = _gib(_needed(shape, budget)).strip()
    return f"It does not fit: {_gib(left).strip()} are left for the cache, and {_requests(shape)} {needed}; {helps}."


def _notes(shape: Shape, budget: Memory, asked: int | None) -> list[str]:
    notes = []
    if not shape.device.is_known:
        notes.append("The GPU is not known: whether it computes in this format is not checked.")
    if asked is not None and budget.fits and budget.max_concurrency < asked:
        notes.append(f"It takes {asked} requests at once, and holds {budget.max_concurrency:.1f} of full length.")
    return notes


def _holds(shape: Shape, budget: Memory) -> str:
    if not budget.fits:
        return "too little"
    if shape.backend is Backend.VLLM:
        return f"{budget.max_concurrency:.2f} requests of full length, {budget.cache_tokens} tokens in vLLM's log"
    slots = "one slot" if shape.max_sequences == 1 else f"{shape.max_sequences} slots"
    return f"{_gib(budget.cache_bytes).strip()} are allocated at start, for {slots}"


def _gib(size: float) -> str:
    return f"{size / _GIB:7.2f} GiB"
