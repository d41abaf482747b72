"""Samples from the pods themselves: each is asked in the dialects of its engine until one gives counts.

That one is remembered by the pod's address, and asked first the next time. The pods of one resource are asked a few at
a time, so that five hundred of them do not come at one instant.
"""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Protocol

from gemma4_operator.engines.base import Dialect
from gemma4_operator.planner.serving import CONTAINER_PORT
from gemma4_operator.runtime.sampler import PERIOD_SECONDS, Target
from gemma4_operator.runtime.scrape import Answer
from gemma4_operator.runtime.store import Key
from gemma4_operator.scaling import read
from gemma4_operator.scaling.sample import Sample

TOGETHER = 10
"""How many pods of a resource are asked at one moment: waking up for each by itself costs more than asking it."""
PLACES = 8
"""How many pods of a resource are asked at the same time."""
DOUBTED_PLACES = 32
"""How many pods that said nothing the last time are asked at the same time, of all resources: fewer than the scraper
has places, so that those that hang take no time from a resource without such pods, however many resources have some."""
GAP_SECONDS = 0.1
"""Between two such moments, unless the pods are too many for that."""


class Reader(Protocol):
    """Reads one exposition."""

    def __call__(self, *, address: str, port: int, path: str) -> Awaitable[Answer | None]:
        """Return it, or None if there is none."""


class Direct:
    """Asks pods.

    Args:
        ask: How to ask one.
        port: Of the engines.
        period_seconds: Half of which the questions to one resource's pods may be spread over.
    """

    def __init__(
        self,
        *,
        ask: Reader,
        port: int = CONTAINER_PORT,
        period_seconds: float = PERIOD_SECONDS,
    ) -> None:
        self._ask = ask
        self._port = port
        self._period = period_seconds
        self._spoken: dict[Key, dict[str, Dialect]] = {}
        self._doubted: dict[Key, frozenset[str]] = {}
        self._doubted_places = asyncio.Semaphore(DOUBTED_PLACES)
        self._silent: set[Key] = set()

    async def read(self, key: Key, targets: Sequence[Target]) -> Mapping[str, Sample]:
        """Return what the pods of a resource say now, by their names; those that say nothing are not in it."""
        before = self._spoken.get(key, {})
        spoken = {target.address: before[target.address] for target in targets if target.address in before}
        self._spoken[key] = spoken
        doubted = self._doubted.get(key, frozenset())
        # Those that will answer come first, and wait for none of those that may not.
        targets = sorted(targets, key=lambda target: target.address in doubted)
        places = asyncio.Semaphore(PLACES)
        gap = min(GAP_SECONDS, self._period / 2 * TOGETHER / max(len(targets), 1))
        said = await asyncio.gather(
            *(
                self._in_turn(
                    target,
                    spoken,
                    (places, self._doubted_places) if target.address in doubted else (places,),
                    after_seconds=gap * (place // TOGETHER),
                )
                for place, target in enumerate(targets)
            )
        )
        self._doubted[key] = frozenset(
            target.address for target, sample in zip(targets, said, strict=True) if sample is None and target.dialects
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
        self._doubted.pop(key, None)
        self._silent.discard(key)

    async def _in_turn(
        self,
        target: Target,
        spoken: dict[str, Dialect],
        places: Sequence[asyncio.Semaphore],
        *,
        after_seconds: float,
    ) -> Sample | None:
        await asyncio.sleep(after_seconds)
        async with AsyncExitStack() as held:
            for place in places:
                await held.enter_async_context(place)
            return await self._sample(target, spoken)

    async def _sample(self, target: Target, spoken: dict[str, Dialect]) -> Sample | None:
        for path, dialects in _by_path(target.dialects, spoken.get(target.address)):
            said = await self._ask(address=target.address, port=self._port, path=path)
            if said is None:
                continue
            for dialect in dialects:
                if (counts := read.counts(said.data, dialect)) is not None:
                    spoken[target.address] = dialect
                    return Sample(at_seconds=said.asked_seconds, counts=counts)
        return None


def _by_path(dialects: Sequence[Dialect], first: Dialect | None) -> Iterator[tuple[str, list[Dialect]]]:
    """Yield each path with its dialects, so that none is asked for twice; before all others the one that answered."""
    ordered = sorted(dialects, key=lambda dialect: dialect != first)
    for path in dict.fromkeys(dialect.path for dialect in ordered):
        yield path, [dialect for dialect in ordered if dialect.path == path]
