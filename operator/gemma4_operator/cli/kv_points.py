"""One point of the cache's arithmetic as people write it, in options or in a row of a file, and vLLM's answer to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from gemma4_operator.api.common import EngineType, Variant
from gemma4_operator.api.shown import shown
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.catalog.versions import Version, version_of
from gemma4_operator.cli.inputs import InvalidInput
from gemma4_operator.cli.shapes import MOST_AT_ONCE
from gemma4_operator.planner.kv_vllm import in_flight_tokens, layout
from gemma4_operator.planner.shape import KvDtype

COLUMNS = ("variant", "kv_dtype", "tp", "ctx", "mnbt", "pool_gib")
_CACHE_FORMATS = (KvDtype.BF16, KvDtype.FP8)
_GIB = 2**30
_MOST_GIB = 1_000_000
"""Beyond all GPUs; and far beyond it, numbers are no longer exact."""
_DIGITS = 20
_SHOWN = 40
"""Characters of a wrong number in a message."""
_Member = TypeVar("_Member", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What vLLM makes of one pool.

    Attributes:
        num_blocks: Of the pool; 0 where vLLM refuses to start, because one request of full length does not fit.
        max_concurrency: How many requests of full length it holds; 0 likewise.
        request_blocks: What one such request is admitted with.
        longest_context_tokens: Of which one request fits.
    """

    num_blocks: int
    max_concurrency: float
    request_blocks: int
    block_bytes: int
    longest_context_tokens: int


def answer(point: Mapping[str, str | None], *, catalog: Catalog, version: Version, names: Mapping[str, str]) -> Answer:
    """Return what vLLM makes of a point.

    Args:
        point: The values as text, by the names of `COLUMNS`.
        catalog: The facts.
        version: Of vLLM.
        names: What to call each of them in a message.

    Raises:
        InvalidInput: naming the value that cannot be.
    """
    variant = _one_of(Variant, point["variant"], names["variant"])
    kv_dtype = _one_of(_CACHE_FORMATS, point["kv_dtype"], names["kv_dtype"])
    gpus, context, batched = (_count(point[name], names[name]) for name in ("tp", "ctx", "mnbt"))
    pool_bytes = _gib(point["pool_gib"], names["pool_gib"]) * _GIB
    model = catalog.models[variant]
    if model.query_heads % gpus:
        raise InvalidInput(
            f"{names['tp']} must divide the {model.query_heads} attention heads of {variant}, and is {gpus}: "
            "take 1, 2, 4 or 8"
        )
    if context > model.max_context_tokens:
        raise InvalidInput(
            f"{names['ctx']} must be at most {model.max_context_tokens}, all that {variant} sees, and is {context}"
        )
    plan, flight = layout(model, kv_dtype, gpus), in_flight_tokens(version, batched)
    held, needed = plan.num_blocks(pool_bytes), plan.request_blocks(context, in_flight_tokens=flight)
    longest = plan.longest_request_tokens(held, in_flight_tokens=flight)
    return Answer(
        num_blocks=held if held >= needed else 0,
        max_concurrency=held / needed if held >= needed else 0.0,
        request_blocks=needed,
        block_bytes=plan.block_bytes,
        longest_context_tokens=min(longest, model.max_context_tokens),
    )


def engine_version(asked: str | None, catalog: Catalog) -> Version:
    """Return the version of vLLM that was asked for, or the catalogue's. Raises InvalidInput."""
    version = version_of(asked or catalog.engines[EngineType.VLLM].version)
    if not version:
        raise InvalidInput(f"`--engine-version` must be a version such as 0.33.0, and is '{asked}'")
    return version


def _one_of(members: Iterable[_Member], text: str | None, name: str) -> _Member:
    known = tuple(members)
    for member in known:
        if member.value.lower() == (text or "").lower():
            return member
    raise InvalidInput(f"{name} must be one of {', '.join(known)}, and is '{text or ''}'")


def _count(text: str | None, name: str) -> int:
    # Longer ones are beyond all limits, and at last no longer read.
    number = int(text[:_DIGITS]) if text and text.isascii() and text.isdigit() else 0
    if number < 1:
        raise InvalidInput(f"{name} must be a whole number of at least 1, and is '{shown(text or '', _SHOWN)}'")
    if number > MOST_AT_ONCE:
        raise InvalidInput(f"{name} must be at most {MOST_AT_ONCE}, and is {shown(text or '', _SHOWN)}")
    return number


def _gib(text: str | None, name: str) -> float:
    try:
        number = float(text or "")
    except ValueError:
        number = 0.0
    if not 0 < number <= _MOST_GIB:
        raise InvalidInput(f"{name} must be a number of GiB above 0 and at most {_MOST_GIB}, and is '{text or ''}'")
    return number
