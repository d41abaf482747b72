"""The levers that a user should not have to turn: batched tokens, the cache's format, sequences, replicas.

They are the largest in memory (docs/guides/memory.md), and the batched tokens decide as well whether the time per token
can be held at all: a full step that reads a prompt must not take longer than the target. All are tried from a fixed
ladder, so that a longer deadline or more memory only ever adds ways to serve.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from gemma4_operator.catalog.engines import Backend
from gemma4_operator.planner.ask import Ask
from gemma4_operator.planner.capacity import (
    DEADLINE_SHARE,
    Operation,
    first_token_seconds_alone,
    largest_batch,
    least_token_seconds,
    operation,
    rate_at,
    replicas_at,
)
from gemma4_operator.planner.levers import (
    BATCHED_TOKENS,
    LARGE_MEMORY_BYTES,
    MEDIA_TOKENS,
    SEQUENCES,
    SLOTS,
    UBATCH_TOKENS,
    Way,
    cache_formats,
    rungs,
    shape_of,
)
from gemma4_operator.planner.lost import Because
from gemma4_operator.planner.memory import Memory, memory, sequence_bytes
from gemma4_operator.planner.reachable import ROUNDING, TYPICAL, Reachable, reachable, server_of
from gemma4_operator.planner.shape import KvDtype, Shape
from gemma4_operator.planner.speed import Speed, speed

__all__ = [
    "BATCHED_TOKENS",
    "LARGE_MEMORY_BYTES",
    "MEDIA_TOKENS",
    "SEQUENCES",
    "SLOTS",
    "UBATCH_TOKENS",
    "Failure",
    "Option",
    "Way",
    "configure",
    "leanest",
    "sequences_held",
]

TYPICAL_SHARE = 0.25
"""Of the longest context that a request is taken to use where no workload is given: recorded chats use less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One configuration that works, and what it does for the load."""

    shape: Shape
    memory: Memory
    speed: Speed
    replicas: int
    fare: Operation
    requests_per_second: float
    """What one replica carries within the objectives."""


class Failure(NamedTuple):
    """Why there is none, with the figures of the reason's sentence."""

    because: Because
    figures: tuple[tuple[str, object], ...]


def configure(ask: Ask, way: Way, reach: Reachable | None = None) -> Option | Failure:
    """Return the option with the fewest replicas, then the exact cache, then the largest batch; or why there is none.

    `reach` is what the way can reach, if it is known already.
    A failure to be fast enough is told before one to fit, since a configuration got further that way.
    """
    best: Option | None = None
    slow: Failure | None = None
    small: Failure | None = None
    reach = reach or reachable(ask, way)
    hopeless = _beyond_reach(ask, reach)
    if hopeless is not None:
        budgets = [leanest(ask, way, kv_dtype) for kv_dtype in cache_formats(ask, way)]
        return hopeless if any(budget.fits for budget in budgets) else _too_small(budgets[-1], way)
    ladder = tuple(rungs(ask, way))
    least = ladder[-1][0]
    for kv_dtype in cache_formats(ask, way):
        # Where the exact cache has no room at all, the smaller may have none either.
        if small is not None and not (lean := leanest(ask, way, kv_dtype)).fits:
            small = _too_small(lean, way)
            continue
        rates = speed(shape_of(ask, way, kv_dtype, tokens=UBATCH_TOKENS, sequences=1))
        for tokens, sequences in ladder:
            room = _roomiest(ask, way, kv_dtype, tokens=tokens, sequences=sequences)
            if room is None:
                lean = leanest(ask, way, kv_dtype)
                if lean.fits:
                    continue
                small = _too_small(lean, way)
                break
            if best is not None and _least_replicas(ask, room, rates) >= best.replicas:
                continue
            served = _serve(ask, room, rates, is_least=tokens == least)
            if isinstance(served, Failure):
                slow = served
            elif best is None or served.replicas < best.replicas:
                best = served
            if best is not None and (ask.load is None or best.replicas <= reach.replicas):
                return _settled(ask, best)
    if best is not None:
        return _settled(ask, best)
    failure = slow or small
    assert failure is not None, "there is always a ladder to try"
    return failure


def leanest(ask: Ask, way: Way, kv_dtype: KvDtype | None = None) -> Memory:
    """Return the budget with as little as the way can run with, fit or not; without a format, with the exact cache."""
    *_, (tokens, sequences) = rungs(ask, way)
    return memory(shape_of(ask, way, kv_dtype or cache_formats(ask, way)[0], tokens=tokens, sequences=sequences[-1]))


def _beyond_reach(ask: Ask, reach: Reachable) -> Failure | None:
    """Return a deadline that no configuration can keep."""
    each, first = ask.deadlines.time_per_output_token_seconds, ask.deadlines.time_to_first_token_seconds
    if each is not None and reach.token_seconds > DEADLINE_SHARE * each:
        return _too_slow(Because.TOKEN_TIME, reach.token_seconds, each)
    if first is not None and reach.first_token_seconds > first:
        return _too_slow(Because.FIRST_TOKEN, reach.first_token_seconds, first)
    return None


class _Room(NamedTuple):
    """A shape that fits, and how many sequences of the usual length it holds."""

    shape: Shape
    memory: Memory
    sequences: float


def _roomiest(ask: Ask, way: Way, kv_dtype: KvDtype, *, tokens: int, sequences: tuple[int, ...]) -> _Room | None:
    """Return the shape that holds the most: a sequence that may run takes its logits from the cache of all."""
    best: _Room | None = None
    for count in sequences:
        if best is not None and best.sequences >= count:
            break
        shape = shape_of(ask, way, kv_dtype, tokens=tokens, sequences=count)
        budget = memory(shape)
        if budget.fits:
            held = sequences_held(ask, shape, budget)
            if best is None or held > best.sequences:
                best = _Room(shape, budget, held)
        elif count == sequences[0] and not memory(replace(shape, max_sequences=sequences[-1])).fits:
            break
    return best


def _too_small(budget: Memory, way: Way) -> Failure:
    lacking = budget.request_bytes - budget.cache_bytes
    figures = (
        ("needed_gib", gib(budget.capacity_bytes + lacking)),
        ("has_gib", gib(budget.capacity_bytes)),
        ("product", way.device.product),
    )
    return Failure(Because.MEMORY, figures)


def _least_replicas(ask: Ask, room: _Room, rates: Speed) -> int:
    """Return how many replicas the load takes with a full cache and no deadline: no fewer will do with one."""
    load = ask.load or TYPICAL
    server = server_of(load, rates, max_batch=room.sequences, max_batched_tokens=room.shape.max_batched_tokens)
    return math.ceil(load.requests_per_second / rate_at(server, load, room.sequences) - ROUNDING)


def _serve(ask: Ask, room: _Room, rates: Speed, *, is_least: bool) -> Option | Failure:
    """Staff a configuration that fits; with `is_least` no smaller batch is left to try, so a full step may be late."""
    load, deadlines = ask.load or TYPICAL, ask.deadlines
    tokens = room.shape.max_batched_tokens
    server = server_of(load, rates, max_batch=room.sequences, max_batched_tokens=tokens, full_step_counts=not is_least)
    batch = largest_batch(server, load, deadlines)
    limit = deadlines.time_per_output_token_seconds
    if batch == 0 and limit is not None:
        return _too_slow(Because.TOKEN_TIME, least_token_seconds(server), limit)
    replicas = replicas_at(server, load, deadlines, batch=batch)
    first = deadlines.time_to_first_token_seconds
    if replicas is None and first is not None:
        return _too_slow(Because.FIRST_TOKEN, first_token_seconds_alone(server, load), first)
    assert replicas is not None, "without a deadline every load can be staffed"
    fare = operation(server, load, replicas=replicas, attainment=deadlines.attainment)
    assert fare is not None, "the count was found by this very law"
    return Option(
        shape=room.shape,
        memory=room.memory,
        speed=rates,
        replicas=replicas if ask.load is not None else max(1, ask.replicas),
        fare=fare,
        requests_per_second=rate_at(server, load, batch),
    )


def sequences_held(ask: Ask, shape: Shape, budget: Memory) -> float:
    """Return how many sequences of the usual length the cache holds, within what the engine takes at once."""
    if shape.backend is not Backend.VLLM:
        return float(shape.max_sequences)
    usual = ask.load.mean_context_tokens if ask.load is not None else TYPICAL_SHARE * ask.context_tokens
    held = budget.cache_bytes / sequence_bytes(shape, min(int(usual), ask.context_tokens))
    return min(float(shape.max_sequences), max(1.0, held))


def _settled(ask: Ask, option: Option) -> Option:
    """Return the option with as many sequences as the cache holds: more would only be preempted, and cost logits."""
    if option.shape.backend is not Backend.VLLM:
        return option
    shape = replace(option.shape, max_sequences=max(1, int(sequences_held(ask, option.shape, option.memory))))
    return replace(option, shape=shape, memory=memory(shape))


def _too_slow(because: Because, has_seconds: float, asked_seconds: float) -> Failure:
    return Failure(because, (("has_ms", milliseconds(has_seconds)), ("asked_ms", milliseconds(asked_seconds))))


def gib(number: float) -> str:
    """Return bytes as GiB with one decimal."""
    return f"{number / 2**30:.1f}"


def milliseconds(seconds: float) -> str:
    """Return seconds as whole milliseconds."""
    return f"{seconds * 1000:.0f}"
