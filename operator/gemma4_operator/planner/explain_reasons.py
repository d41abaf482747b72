"""Why each part of a plan is as it is: one reason for each choice, worked out anew where the nearest rival tells it."""

from collections.abc import Iterator
from dataclasses import replace

from gemma4_operator.catalog.engines import Backend
from gemma4_operator.planner.ask import Ask
from gemma4_operator.planner.choose import Outcome
from gemma4_operator.planner.configure import (
    BATCHED_TOKENS,
    LARGE_MEMORY_BYTES,
    SEQUENCES,
    Failure,
    configure,
    gib,
)
from gemma4_operator.planner.levers import way
from gemma4_operator.planner.lost import Because, Lost
from gemma4_operator.planner.memory import memory
from gemma4_operator.planner.quality import quality_of
from gemma4_operator.planner.search import Found
from gemma4_operator.planner.shape import KvDtype

_NAMED = "as the spec says"


def reasons(outcome: Outcome, best: Found) -> Iterator[str]:
    """Yield one reason for each choice, named by what was chosen."""
    ask, shape, checkpoint = outcome.ask, best.option.shape, best.candidate.checkpoint
    yield f"{checkpoint.variant}: {_NAMED if ask.variant else _variant(ask, best)}"
    yield f"{checkpoint.quantization}: {_NAMED if ask.quantization else _quantization(outcome, best)}"
    yield f"{shape.engine}: {_NAMED if ask.engine else f'it reads {checkpoint.quantization} as it is'}"
    yield f"{best.gpus.device.product}: {_product(outcome, best)}"
    yield f"{shape.gpus} for each replica: {_NAMED if ask.gpus_per_replica else _count(ask, best)}"
    yield f"cache in {shape.kv_dtype}: {_cache(best)}"
    yield f"{shape.max_batched_tokens} tokens in a step: {_batch(ask, best)}"
    yield f"{shape.max_sequences} requests at once: {_sequences(best)}"


def _variant(ask: Ask, best: Found) -> str:
    score = best.candidate.score
    floor = f"{ask.floor.value} is asked for" if ask.floor is not None else "no quality is asked for"
    return f"{score} points, {quality_of(score).value}; {floor}"


def _quantization(outcome: Outcome, best: Found) -> str:
    mine = best.candidate.checkpoint
    for lost in outcome.lost:
        if lost.product and lost.checkpoint is not mine and lost.checkpoint.variant is mine.variant:
            return f"{lost.checkpoint.quantization} on {lost.product} {lost.sentence}"
    return f"no other format of {mine.variant} runs here"


def _product(outcome: Outcome, best: Found) -> str:
    mine = best.gpus.device.product
    others = [
        lost for lost in outcome.lost if lost.product and lost.product != mine and lost.because is not Because.PRODUCT
    ]
    if not others and outcome.ask.products:
        return _NAMED
    same_weights = [lost for lost in others if lost.checkpoint is best.candidate.checkpoint]
    if same_weights:
        return _told(same_weights[0], with_weights=False)
    return _told(others[0], with_weights=True) if others else "there is no other GPU"


def _told(lost: Lost, *, with_weights: bool) -> str:
    weights = f" with {lost.checkpoint.variant} in {lost.checkpoint.quantization}" if with_weights else ""
    return f"{lost.product}{weights} {lost.sentence}"


def _count(ask: Ask, best: Found) -> str:
    """Say what half as many would do."""
    shape, device = best.option.shape, best.gpus.device
    if shape.gpus == 1:
        return "one is enough"
    fewer = shape.gpus // 2
    outcome = configure(ask, way(best.candidate, device, fewer))
    if isinstance(outcome, Failure):
        return f"with {fewer}, it {outcome.because.sentence.format_map(dict(outcome.figures))}"
    cost = outcome.replicas * fewer * device.hourly_price
    return f"with {fewer}, it takes {outcome.replicas} replicas, at {cost:.2f} an hour"


def _cache(best: Found) -> str:
    shape = best.option.shape
    if shape.kv_dtype is KvDtype.BF16:
        return "exact, and there is room"
    exact = memory(replace(shape, kv_dtype=KvDtype.BF16, max_sequences=1))
    if not exact.fits:
        needed = exact.capacity_bytes + exact.request_bytes - exact.cache_bytes
        return f"about half the size of the exact one, with which it needs {gib(needed)} GiB"
    return "about half the size of the exact one, with which it takes more replicas"


def _batch(ask: Ask, best: Found) -> str:
    """Say what the next larger batch would do."""
    shape = best.option.shape
    if shape.backend is not Backend.VLLM:
        return f"{shape.engine}'s own default"
    most = BATCHED_TOKENS[0 if shape.device.memory_bytes >= LARGE_MEMORY_BYTES else 1]
    larger = [tokens for tokens in BATCHED_TOKENS if shape.max_batched_tokens < tokens <= most]
    if not larger:
        return "a larger step gains prompts little, and takes memory from the cache"
    if not memory(replace(shape, max_batched_tokens=larger[-1], max_sequences=1)).fits:
        return f"each sliding layer sets memory aside for the batches in flight, and {larger[-1]} do not fit"
    limit = ask.deadlines.time_per_output_token_seconds
    if limit is not None:
        return f"a full step must stay below the {limit * 1000:.0f} ms that a token may take"
    return f"with {larger[-1]}, the cache holds fewer requests, and more replicas are needed"


def _sequences(best: Found) -> str:
    shape = best.option.shape
    if shape.backend is not Backend.VLLM:
        return "each sets a whole context of cache aside"
    if shape.max_sequences == SEQUENCES[0]:
        return "vLLM's own limit on most GPUs; the cache holds as many of the usual length"
    return "what the cache holds at the usual length; more would only wait"
