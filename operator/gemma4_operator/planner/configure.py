"""The levers that a user should not have to turn: batched tokens, the cache's format, sequences, replicas.

They are the largest in memory (docs/guides/memory.md), and the batched tokens decide as well whether the time per token
can be held at all: a full step that reads a prompt must not take longer than the target. All are tried from a fixed
ladder, so that a longer deadline or more memory only ever adds ways to serve.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from gemma4_operator.api.common import EngineType
from gemma4_operator.catalog.checkpoints import Checkpoint
from gemma4_operator.catalog.engines import EngineImage
from gemma4_operator.catalog.models import Model
from gemma4_operator.planner.ask import Ask
from gemma4_operator.planner.candidates import numbers
from gemma4_operator.planner.capacity import (
    BUSY_SHARE,
    Load,
    Operation,
    Server,
    first_token_seconds_alone,
    largest_batch,
    least_token_seconds,
    operation,
    rate_at,
    replicas_at,
)
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.lost import Because
from gemma4_operator.planner.memory import Memory, memory, sequence_bytes
from gemma4_operator.planner.shape import KvDtype, Shape, Version
from gemma4_operator.planner.speed import Speed, speed

BATCHED_TOKENS = (4096, 2048, 1536, 1024, 768, 512, 256)
"""Of one step, down to the least that keeps a GPU busy. vLLM's default of 8192 on large GPUs is not among them: prompts
gain little by it, and each request sets memory aside for it in every sliding layer."""
LARGE_MEMORY_BYTES = 70 * 2**30
"""Below it vLLM's own default is 2048."""
MEDIA_TOKENS = {"Image": 1152, "Video": 2496}
"""The least batch for models that see a media item as a whole: 1,122 tokens of the largest image, rounded up to 64, and
32 frames of a video (vLLM 0.33, gemma4_mm)."""
UBATCH_TOKENS = 512
"""llama.cpp's default, and Ollama's."""
SEQUENCES = (256, 64, 16, 4, 1)
"""vLLM's default on GPUs below 70 GiB, and fewer where the logits of so many rows do not fit."""
SLOTS = (16, 8, 4, 2, 1)
"""Of llama.cpp and Ollama, which set the cache of each apart."""
UNASKED_SLOTS = 4
"""The most where no workload is given: llama.cpp's own choice, and each slot costs a whole context."""
ROUNDING = 2e-6
"""Of a replica: what bounds on a count leave to the rounding of the count itself."""
TYPICAL_SHARE = 0.25
"""Of the longest context that a request is taken to use where no workload is given: recorded chats use less."""
TYPICAL = Load(requests_per_second=0.0, input_tokens=1500.0, uncached_input_tokens=1500.0, output_tokens=300.0)
"""The request by which latencies are told where no workload is given: the CRD's own default."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What is served on what, before the levers are set."""

    model: Model
    checkpoint: Checkpoint
    engine: EngineImage
    version: Version
    device: Device
    gpus: int


def configure(ask: Ask, way: Way) -> Option | Failure:
    """Return the option with the fewest replicas, then the exact cache, then the largest batch; or why there is none.

    A failure to be fast enough is told before one to fit, since a configuration got further that way.
    """
    best: Option | None = None
    slow: Failure | None = None
    small: Failure | None = None
    enough = reachable(ask, way).replicas if ask.load is not None else 1
    ladder = tuple(_levers(ask, way))
    least = ladder[-1][0]
    for kv_dtype in _cache_formats(way):
        rates = speed(_shape(ask, way, kv_dtype, tokens=UBATCH_TOKENS, sequences=1))
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
            if best is not None and (ask.load is None or best.replicas <= enough):
                return _settled(ask, best)
    if best is not None:
        return _settled(ask, best)
    failure = slow or small
    assert failure is not None, "there is always a ladder to try"
    return failure


def leanest(ask: Ask, way: Way, kv_dtype: KvDtype | None = None) -> Memory:
    """Return the budget with as little as the way can run with, fit or not; without a format, with the exact cache."""
    *_, (tokens, sequences) = _levers(ask, way)
    return memory(_shape(ask, way, kv_dtype or _cache_formats(way)[0], tokens=tokens, sequences=sequences[-1]))


class Reachable(NamedTuple):
    """What no configuration of a way can better, whatever its cache holds."""

    replicas: int
    token_seconds: float
    first_token_seconds: float
    requests_per_second: float
    """Of one replica."""


def reachable(ask: Ask, way: Way) -> Reachable:
    """Return bounds that need no budget: as many sequences as the engine takes, in the smallest cache."""
    load = ask.load or TYPICAL
    rates = speed(_shape(ask, way, _cache_formats(way)[-1], tokens=UBATCH_TOKENS, sequences=1))
    most = SEQUENCES[0] if way.engine.engine is EngineType.VLLM else SLOTS[0]
    server = _server(load, rates, max_batch=most, max_batched_tokens=BATCHED_TOKENS[0])
    rate = rate_at(server, load, most)
    if server.prompt_token_seconds > 0:
        rate = min(rate, BUSY_SHARE / (load.uncached_input_tokens * server.prompt_token_seconds))
    return Reachable(
        replicas=max(1, math.ceil(load.requests_per_second / rate - ROUNDING)),
        token_seconds=server.step_seconds(1.0),
        first_token_seconds=first_token_seconds_alone(server, load),
        requests_per_second=rate,
    )


def _shape(ask: Ask, way: Way, kv_dtype: KvDtype, *, tokens: int, sequences: int) -> Shape:
    return Shape(
        model=way.model,
        checkpoint=way.checkpoint,
        engine=way.engine.engine,
        engine_version=way.version,
        device=way.device,
        gpus=way.gpus,
        context_tokens=ask.context_tokens,
        kv_dtype=kv_dtype,
        max_batched_tokens=tokens,
        max_sequences=sequences,
        media=ask.media,
    )


def _levers(ask: Ask, way: Way) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield batched tokens to try, the best first, each with the counts of sequences to try."""
    if way.engine.engine is not EngineType.VLLM:
        slots = SLOTS if ask.load is not None else SLOTS[SLOTS.index(UNASKED_SLOTS) :]
        yield from ((UBATCH_TOKENS, (count,)) for count in slots)
        return
    least = _least_batch(ask, way.model)
    most = BATCHED_TOKENS[0 if way.device.memory_bytes >= LARGE_MEMORY_BYTES else 1]
    yield from ((tokens, SEQUENCES) for tokens in BATCHED_TOKENS if least < tokens <= most)
    yield least, SEQUENCES


def _least_batch(ask: Ask, model: Model) -> int:
    if not model.bidirectional_media:
        return BATCHED_TOKENS[-1]
    return max([BATCHED_TOKENS[-1], *(MEDIA_TOKENS[kind] for kind in ask.media if kind in MEDIA_TOKENS)])


def _cache_formats(way: Way) -> tuple[KvDtype, ...]:
    """The exact one first: the smaller costs a little quality."""
    if way.engine.engine is not EngineType.VLLM:
        return (KvDtype.BF16, KvDtype.Q8_0)
    least = way.engine.fp8_cache_compute_capability
    has_fp8 = least is not None and way.device.compute_capability >= numbers(least)
    return (KvDtype.BF16, KvDtype.FP8) if has_fp8 else (KvDtype.BF16,)


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
        shape = _shape(ask, way, kv_dtype, tokens=tokens, sequences=count)
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


def _server(
    load: Load, rates: Speed, *, max_batch: float, max_batched_tokens: int, full_step_counts: bool = False
) -> Server:
    context = load.mean_context_tokens
    return Server(
        step_seconds=lambda batch: rates.decode_seconds(batch=batch, context_tokens=context),
        prompt_token_seconds=rates.prefill_seconds_per_token(load.uncached_input_tokens),
        max_batch=max_batch,
        max_batched_tokens=max_batched_tokens,
        full_step_counts=full_step_counts,
    )


def _least_replicas(ask: Ask, room: _Room, rates: Speed) -> int:
    """Return how many replicas the load takes with a full cache and no deadline: no fewer will do with one."""
    load = ask.load or TYPICAL
    server = _server(load, rates, max_batch=room.sequences, max_batched_tokens=room.shape.max_batched_tokens)
    return math.ceil(load.requests_per_second / rate_at(server, load, room.sequences) - ROUNDING)


def _serve(ask: Ask, room: _Room, rates: Speed, *, is_least: bool) -> Option | Failure:
    """Staff a configuration that fits; with `is_least` no smaller batch is left to try, so a full step may be late."""
    load, deadlines = ask.load or TYPICAL, ask.deadlines
    tokens = room.shape.max_batched_tokens
    server = _server(load, rates, max_batch=room.sequences, max_batched_tokens=tokens, full_step_counts=not is_least)
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
    if shape.engine is not EngineType.VLLM:
        return float(shape.max_sequences)
    usual = ask.load.mean_context_tokens if ask.load is not None else TYPICAL_SHARE * ask.context_tokens
    held = budget.cache_bytes / sequence_bytes(shape, min(int(usual), ask.context_tokens))
    return min(float(shape.max_sequences), max(1.0, held))


def _settled(ask: Ask, option: Option) -> Option:
    """Return the option with as many sequences as the cache holds: more would only be preempted, and cost logits."""
    if option.shape.engine is not EngineType.VLLM:
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
