"""What would make a shape fit: the smallest single changes, each proved by computing its memory anew."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gemma4_operator.catalog.checkpoints import Checkpoint
from gemma4_operator.catalog.engines import Backend
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.planner.candidates import numbers
from gemma4_operator.planner.configure import BATCHED_TOKENS, MEDIA_TOKENS, SEQUENCES, SLOTS
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.devices import device_of
from gemma4_operator.planner.levers import computes_fp8_cache, garbles_fp8_cache
from gemma4_operator.planner.memory import Memory, longest_context_tokens, memory
from gemma4_operator.planner.shape import KvDtype, Shape

GPU_COUNTS = (2, 4, 8)
CONTEXT_STEP_TOKENS = 1024
"""Shorter contexts are told in whole multiples."""
_GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """One change, and the budget with it.

    Attributes:
        lever: Which attribute of the shape changes.
        value: To what, as a user would write it.
    """

    lever: str
    value: str
    shape: Shape
    memory: Memory

    @property
    def effect(self) -> str:
        """Say what comes of it."""
        left, holds = self.memory.cache_bytes / _GIB, self.memory.max_concurrency
        return f"{left:.1f} GiB of cache hold {holds:.1f} requests of full length"

    @property
    def message(self) -> str:
        """Say what it changes, and what comes of it, in one sentence."""
        return f"{_WORDS[self.lever].format(self.value)}: {self.effect}"


_WORDS = {
    "max_batched_tokens": "at most {} tokens in one step",
    "max_sequences": "at most {} requests at once",
    "kv_dtype": "a cache in {}",
    "context_tokens": "a context of {} tokens",
    "checkpoint": "weights in {}",
    "gpus": "{} such GPUs for each replica",
    "device": "one {} instead",
}


def adjustments(shape: Shape, catalog: Catalog) -> tuple[Adjustment, ...]:
    """Return the changes that make a shape fit, the cheapest first, at most one for each lever."""
    found = (_first(lever, tries) for lever, tries in _tries(shape, catalog))
    return tuple(one for one in found if one is not None)


def _first(lever: str, tries: Iterable[tuple[str, Shape]]) -> Adjustment | None:
    for value, shape in tries:
        budget = memory(shape)
        if budget.fits:
            return Adjustment(lever=lever, value=value, shape=shape, memory=budget)
    return None


def _tries(shape: Shape, catalog: Catalog) -> Iterator[tuple[str, Iterator[tuple[str, Shape]]]]:
    """Yield each lever with the values to try, the least change first."""
    yield "max_batched_tokens", _fewer_tokens(shape)
    yield "max_sequences", _fewer_sequences(shape)
    yield "kv_dtype", _smaller_cache(shape, catalog)
    yield "context_tokens", _shorter(shape)
    yield "checkpoint", _smaller_weights(shape, catalog)
    yield "gpus", _more_gpus(shape)
    yield "device", _larger_gpus(shape, catalog)


def _fewer_tokens(shape: Shape) -> Iterator[tuple[str, Shape]]:
    if shape.backend is not Backend.VLLM:
        return
    needed = [MEDIA_TOKENS[kind] for kind in shape.media if kind in MEDIA_TOKENS and shape.model.bidirectional_media]
    for tokens in BATCHED_TOKENS:
        if max(needed, default=0) <= tokens < shape.max_batched_tokens:
            yield str(tokens), replace(shape, max_batched_tokens=tokens)


def _fewer_sequences(shape: Shape) -> Iterator[tuple[str, Shape]]:
    for count in SEQUENCES if shape.backend is Backend.VLLM else SLOTS:
        if count < shape.max_sequences:
            yield str(count), replace(shape, max_sequences=count)


def _smaller_cache(shape: Shape, catalog: Catalog) -> Iterator[tuple[str, Shape]]:
    if shape.kv_dtype is not KvDtype.BF16:
        return
    if shape.backend is not Backend.VLLM:
        yield KvDtype.Q8_0, replace(shape, kv_dtype=KvDtype.Q8_0)
        return
    if _has_cache(replace(shape, kv_dtype=KvDtype.FP8), shape.device, catalog):
        yield KvDtype.FP8, replace(shape, kv_dtype=KvDtype.FP8)


def _has_cache(shape: Shape, device: Device, catalog: Catalog) -> bool:
    """Whether a GPU can have the cache in a shape's format."""
    if shape.kv_dtype is not KvDtype.FP8:
        return True
    garbles = garbles_fp8_cache(shape.backend_version, device, shape.media)
    return computes_fp8_cache(catalog.engines[shape.engine], device) and not garbles


def _shorter(shape: Shape) -> Iterator[tuple[str, Shape]]:
    longest = min(longest_context_tokens(shape), shape.context_tokens - 1)
    tokens = longest // CONTEXT_STEP_TOKENS * CONTEXT_STEP_TOKENS
    if tokens:
        yield str(tokens), replace(shape, context_tokens=tokens)


def _smaller_weights(shape: Shape, catalog: Catalog) -> Iterator[tuple[str, Shape]]:
    """Yield other formats that engine and GPU can take, the one that costs least quality first."""
    own, engine = shape.checkpoint, catalog.engines[shape.engine]
    rows = (
        row
        for row in catalog.checkpoints
        if row.variant is own.variant
        and row.tuning is own.tuning
        and row.quantization in engine.formats
        and row.resident_bytes < own.resident_bytes
        and shape.device.compute_capability >= numbers(engine.formats[row.quantization])
    )
    for row in sorted(rows, key=_by_loss):
        yield f"{row.quantization} ({row.repository})", replace(shape, checkpoint=row)


def _by_loss(row: Checkpoint) -> tuple[float, bool]:
    return (row.score_loss, not row.preferred)


def _more_gpus(shape: Shape) -> Iterator[tuple[str, Shape]]:
    if shape.device.is_slice:
        return
    for count in GPU_COUNTS:
        divides = shape.backend is not Backend.VLLM or shape.model.query_heads % count == 0
        if count > shape.gpus and divides:
            yield str(count), replace(shape, gpus=count)


def _larger_gpus(shape: Shape, catalog: Catalog) -> Iterator[tuple[str, Shape]]:
    """Yield whole GPUs of the catalogue that can compute with the weights, the cheapest first; a card for a card."""
    engine = catalog.engines[shape.engine]
    needed = numbers(engine.formats[shape.checkpoint.quantization])
    unable = {numbers(text) for text in engine.unsupported_compute_capabilities}
    for gpu in sorted(catalog.gpus, key=lambda row: (row.price, row.memory_mib)):
        device = device_of(gpu)
        able = device.compute_capability >= needed and device.compute_capability not in unable
        able = able and _has_cache(shape, device, catalog)
        if able and device.product != shape.device.product and device.unified_memory == shape.device.unified_memory:
            yield device.product, replace(shape, device=device, gpus=1)
