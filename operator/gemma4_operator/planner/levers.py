"""What can be set on one way to serve, from fixed ladders: batched tokens, sequences, the cache's format.

Ladders that do not hang on deadlines or memory keep a law: a longer deadline or more memory only ever adds rungs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gemma4_operator.catalog.checkpoints import Checkpoint
from gemma4_operator.catalog.engines import Backend, EngineImage
from gemma4_operator.catalog.models import Model
from gemma4_operator.catalog.versions import Version
from gemma4_operator.planner.adapters import adapter_bytes
from gemma4_operator.planner.ask import Ask
from gemma4_operator.planner.candidates import Candidate, numbers
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.shape import KvDtype, Shape

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


HOPPER = (9, 0)
FP8_WITH_MEDIA_ON_HOPPER_FROM: Version = (0, 33)
"""Builds between vllm#48666 and #56305 answered with special tokens there, from a cache in FP8 beside media."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What is served on what, before the levers are set."""

    model: Model
    checkpoint: Checkpoint
    engine: EngineImage
    version: Version
    """The backend's."""
    device: Device
    gpus: int


def way(candidate: Candidate, device: Device, gpus: int) -> Way:
    """Return a candidate on so many GPUs."""
    return Way(
        model=candidate.model,
        checkpoint=candidate.checkpoint,
        engine=candidate.engine,
        version=candidate.backend_version,
        device=device,
        gpus=gpus,
    )


def shape_of(ask: Ask, way: Way, kv_dtype: KvDtype, *, tokens: int, sequences: int) -> Shape:
    """Return a way with its levers set."""
    return Shape(
        model=way.model,
        checkpoint=way.checkpoint,
        engine=way.engine.engine,
        backend=way.engine.backend,
        backend_version=way.version,
        device=way.device,
        gpus=way.gpus,
        context_tokens=ask.context_tokens,
        kv_dtype=kv_dtype,
        max_batched_tokens=tokens,
        max_sequences=sequences,
        media=ask.media,
        drafter=ask.drafter,
        adapters_bytes=_adapters_bytes(ask, way),
    )


def _adapters_bytes(ask: Ask, way: Way) -> int:
    return ask.adapters * adapter_bytes(way.model, ask.adapter_rank, gpus=way.gpus) if ask.adapters else 0


def rungs(ask: Ask, way: Way) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield batched tokens to try, the best first, each with the counts of sequences to try."""
    if way.engine.backend is not Backend.VLLM:
        slots = SLOTS if ask.load is not None else SLOTS[SLOTS.index(UNASKED_SLOTS) :]
        yield from ((UBATCH_TOKENS, (count,)) for count in slots)
        return
    least = least_batch(ask, way.model)
    most = BATCHED_TOKENS[0 if way.device.memory_bytes >= LARGE_MEMORY_BYTES else 1]
    yield from ((tokens, SEQUENCES) for tokens in BATCHED_TOKENS if least < tokens <= most)
    yield least, SEQUENCES


def least_batch(ask: Ask, model: Model) -> int:
    """Return the smallest batch that holds a whole media item, where one must be."""
    if not model.bidirectional_media:
        return BATCHED_TOKENS[-1]
    return max([BATCHED_TOKENS[-1], *(MEDIA_TOKENS[kind] for kind in ask.media if kind in MEDIA_TOKENS)])


def cache_formats(ask: Ask, way: Way) -> tuple[KvDtype, ...]:
    """The exact one first: the smaller costs a little quality."""
    if way.engine.backend is not Backend.VLLM:
        return (KvDtype.BF16, KvDtype.Q8_0)
    has_fp8 = computes_fp8_cache(way.engine, way.device) and not garbles_fp8_cache(way.version, way.device, ask.media)
    return (KvDtype.BF16, KvDtype.FP8) if has_fp8 else (KvDtype.BF16,)


def computes_fp8_cache(engine: EngineImage, device: Device) -> bool:
    """Whether an engine on vLLM's code can have its cache in FP8 on a GPU."""
    least = engine.fp8_cache_compute_capability
    return least is not None and device.compute_capability >= numbers(least)


def garbles_fp8_cache(version: Version, device: Device, media: frozenset[str]) -> bool:
    """Whether such a version of vLLM answers wrongly from it; one that nobody knows is taken to be the newest."""
    return bool(device.compute_capability == HOPPER and media and () < version < FP8_WITH_MEDIA_ON_HOPPER_FROM)
