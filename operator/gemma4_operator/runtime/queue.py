"""The keyed queue between doorbell and workers.

A key is never worked on twice at once; a key that is added while it is worked on comes once more afterwards; a key
added many times before a worker is free comes once. Nothing is lost and nothing is done twice for the same news.
"""

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K")


@dataclass(order=True, slots=True)
class _Due(Generic[K]):
    at_seconds: float
    key: K = field(compare=False)


class KeyedQueue(Generic[K]):
    """Keys to be worked on, now or later.

    Args:
        clock: The loop's clock, in seconds.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._due: dict[K, float] = {}
        self._heap: list[_Due[K]] = []
        self._busy: set[K] = set()
        self._news = asyncio.Event()

    def __len__(self) -> int:
        """How many keys wait, due or not."""
        return len(self._due)

    def oldest_seconds(self) -> float:
        """How long the key that is most overdue has been waiting; 0 when none is due."""
        waiting = [at for key, at in self._due.items() if key not in self._busy]
        return max(0.0, self._clock() - min(waiting)) if waiting else 0.0

    def add(self, key: K, *, after_seconds: float = 0.0) -> None:
        """Have the key worked on after a time; the earliest of several wishes counts."""
        at = self._clock() + after_seconds
        if self._due.get(key, float("inf")) <= at:
            return
        self._due[key] = at
        heapq.heappush(self._heap, _Due(at_seconds=at, key=key))
        self._news.set()

    async def take(self) -> K:
        """Return the next key that is due; the caller must call `done` with it."""
        while True:
            key, wait_seconds = self._next()
            if key is not None:
                return key
            self._news.clear()
            try:
                async with asyncio.timeout(wait_seconds):
                    await self._news.wait()
            except TimeoutError:
                continue

    def done(self, key: K) -> None:
        """Let the key be taken again if it was added meanwhile."""
        self._busy.discard(key)
        if key in self._due:
            heapq.heappush(self._heap, _Due(at_seconds=self._due[key], key=key))
            self._news.set()

    def _next(self) -> tuple[K | None, float | None]:
        """Return a due key, or how long until one may be; entries that no longer hold are dropped on the way."""
        while self._heap:
            due = self._heap[0]
            if self._due.get(due.key) != due.at_seconds or due.key in self._busy:
                heapq.heappop(self._heap)
                continue
            wait = due.at_seconds - self._clock()
            if wait > 0:
                return None, wait
            heapq.heappop(self._heap)
            del self._due[due.key]
            self._busy.add(due.key)
            return due.key, None
        return None, None
