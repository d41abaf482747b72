"""Samples from the pods themselves: each is asked in the dialects of its engine until one gives counts.

That one is remembered by the pod's address, and asked first the next time. The pods of one resource are asked a few at
a time, so that five hundred of them do not come at one instant.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Protocol

from gemma4_operator.engines.base import Dialect
from gemma4_operator.planner.serving import CONTAINER_PORT
from gemma4_operator.runtime.sampler import PERIOD_SECONDS, Target
from gemma4_operator.runtime.store import Key
from gemma4_operator.scaling import read
from gemma4_operator.scaling.sample import Sample

TOGETHER = 10
"""How many pods of a resource are asked at one moment: waking up for each by itself costs more than asking it."""
PLACES = 8
"""How many pods of a resource are asked at the same time: those that hang only take time from their own resource."""
GAP_SECONDS = 0.1
"""Between two such moments, unless the pods are too many for that."""


class Reader(Protocol):
    """Reads one exposition."""

    def __call__(self, *, address: str, port: int, path: str) -> Awaitable[bytes | None]:
        """Return it, or None if there is none."""


class Direct:
    """Asks pods.

    Args:
        read: How to ask one.
        monotonic: The clock of the samples.
        port: Of the engines.
        period_seconds: Half of which the questions to one resource's pods may be spread over.
    """

    def __init__(
        self,
        *,
        read: Reader,
        monotonic: Callable[[], float],
        port: int = CONTAINER_PORT,
        period_seconds: float = PERIOD_SECONDS,
    ) -> None:
        self._read = read
        self._monotonic = monotonic
        self._port = port
        self._period = period_seconds
        self._spoken: dict[Key, dict[str, Dialect]] = {}
        self._silent: set[Key] = set()

    async def read(self, key: Key, targets: Sequence[Target]) -> Mapping[str, Sample]:
        """Return what the pods of a resource say now, by their names; those that say nothing are not in it."""
        before = self._spoken.get(key, {})
        spoken = {target.address: before[target.address] for target in targets if target.address in before}
        self._spoken[key] = spoken
        places = asyncio.Semaphore(PLACES)
        gap = min(GAP_SECONDS, self._period / 2 * TOGETHER / max(len(targets), 1))
        said = await asyncio.gather(
            *(
                self._ask(target, spoken, places, after_seconds=gap * (place // TOGETHER))
                for place, target in enumerate(targets)
            )
        )
        found = {target.name: sample for target, sample in zip(targets, said, strict=True) if sample is not None}
        if targets and not found:
            self._silent.add(key)
        else:
            self._silent.discard(key)
        return found

    def trouble(self, key: Key) -> str:
        """Return what to look at where no pod answers; which of several do not is seen in what they last said."""
        if key not in self._silent:
            return ""
        return (
            f"Look at the operator's way to the pods' port {self._port}, and whether the engine publishes its metrics."
        )

    def forget(self, key: Key) -> None:
        """Drop what is remembered of a resource's pods."""
        self._spoken.pop(key, None)
        self._silent.discard(key)

    async def _ask(
        self, target: Target, spoken: dict[str, Dialect], places: asyncio.Semaphore, *, after_seconds: float
    ) -> Sample | None:
        await asyncio.sleep(after_seconds)
        async with places:
            return await self._sample(target, spoken)

    async def _sample(self, target: Target, spoken: dict[str, Dialect]) -> Sample | None:
        for path, dialects in _by_path(target.dialects, spoken.get(target.address)):
            # The moment before: an answer that takes long is never taken for newer than it is.
            at_seconds = self._monotonic()
            said = await self._read(address=target.address, port=self._port, path=path)
            if said is None:
                continue
            for dialect in dialects:
                if (counts := read.counts(said, dialect)) is not None:
                    spoken[target.address] = dialect
                    return Sample(at_seconds=at_seconds, counts=counts)
        return None


def _by_path(dialects: Sequence[Dialect], first: Dialect | None) -> Iterator[tuple[str, list[Dialect]]]:
    """Yield each path with its dialects, so that none is asked for twice; before all others the one that answered."""
    ordered = sorted(dialects, key=lambda dialect: dialect != first)
    for path in dict.fromkeys(dialect.path for dialect in ordered):
        yield path, [dialect for dialect in ordered if dialect.path == path]
