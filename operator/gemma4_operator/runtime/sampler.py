"""Rounds of reading: what the pods of each resource that is followed have said last.

A resource's rounds never overlap, and a slow one only delays its own. Rounds of different resources begin at moments
of the period that follow from their names, so that many do not come at once. A pod that does not answer keeps its old
sample, whose age tells; one that is gone is forgotten with its sample.
"""

import asyncio
import hashlib
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Protocol

from gemma4_operator.engines.base import Dialect
from gemma4_operator.runtime.store import Key
from gemma4_operator.scaling.sample import Sample

PERIOD_SECONDS = 5.0
_EARLY = 0.001
"""The last part of a period, in which it counts as over."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A pod that serves.

    Attributes:
        name: That no other pod of its namespace has, now or later.
        dialects: In which its engine may speak of itself, in the order in which they are tried.
    """

    name: str
    address: str
    dialects: tuple[Dialect, ...]


class Source(Protocol):
    """Where samples come from."""

    async def read(self, key: Key, targets: Sequence[Target]) -> Mapping[str, Sample]:
        """Return what the pods of a resource say now, by their names; those that say nothing are not in it."""

    def trouble(self, key: Key) -> str:
        """Return why the last round of a resource was not whole, as a sentence; empty: nothing is known of it."""

    def forget(self, key: Key) -> None:
        """Drop what is remembered of a resource's pods."""


@dataclass(slots=True, kw_only=True)
class _Followed:
    source: Source
    samples: dict[str, Sample] = field(default_factory=dict)
    task: "asyncio.Task[None] | None" = None


class Sampler:
    """Keeps the last sample of each pod.

    Args:
        targets: The pods of a resource that serve now.
        on_round: Told whose round is complete, also if nobody has answered in it.
        monotonic: The clock of the samples, which never goes back.
        period_seconds: From the beginning of a resource's round to that of its next.
    """

    def __init__(
        self,
        *,
        targets: Callable[[Key], Sequence[Target]],
        on_round: Callable[[Key], None],
        monotonic: Callable[[], float],
        period_seconds: float = PERIOD_SECONDS,
    ) -> None:
        self._targets = targets
        self._on_round = on_round
        self._monotonic = monotonic
        self._period = period_seconds
        self._followed: dict[Key, _Followed] = {}

    def follow(self, key: Key, source: Source) -> None:
        """Read the pods of a resource from now on, each period; nothing changes if that is so already."""
        followed = self._followed.get(key)
        if followed is not None and followed.source is source:
            return
        self.forget(key)
        followed = self._followed[key] = _Followed(source=source)
        # In a context of its own: it outlives the pass that it is begun in, and is no part of it.
        followed.task = asyncio.create_task(
            self._rounds(key, followed), name=f"read the pods of {key.name}", context=Context()
        )

    def samples(self, key: Key) -> Mapping[str, Sample]:
        """Return the last sample of each pod by its name; a pod that has never answered is not in it."""
        followed = self._followed.get(key)
        return followed.samples if followed is not None else {}

    def forget(self, key: Key) -> None:
        """Drop a resource, and read its pods no more."""
        followed = self._followed.pop(key, None)
        if followed is not None:
            followed.source.forget(key)
            if followed.task is not None:
                followed.task.cancel()

    def close(self) -> None:
        """Read nobody any more."""
        for key in list(self._followed):
            self.forget(key)

    async def _rounds(self, key: Key, followed: _Followed) -> None:
        while True:
            await asyncio.sleep(self._pause_seconds(key))
            try:
                await self._round(key, followed)
            except Exception:
                # One resource's mishap is no reason to know nothing of it any more.
                log.exception("The pods of %s/%s could not be read", key.namespace, key.name)

    async def _round(self, key: Key, followed: _Followed) -> None:
        targets = tuple(self._targets(key))
        heard = await followed.source.read(key, targets)
        known = {**followed.samples, **heard}
        followed.samples = {target.name: known[target.name] for target in targets if target.name in known}
        self._on_round(key)

    def _pause_seconds(self, key: Key) -> float:
        """Return how long it is until the next of the moments at which a resource's rounds begin."""
        offset, now = spread(f"{key.namespace}/{key.name}") * self._period, self._monotonic()
        # A clock may wake somebody a moment too early, and that round was this one.
        rounds = math.floor((now - offset) / self._period + _EARLY) + 1
        return max(offset + rounds * self._period - now, 0.0)


def spread(name: str) -> float:
    """Return a number in [0, 1) that is a name's own, in every process, and unlike that of most others."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) / 2**32
