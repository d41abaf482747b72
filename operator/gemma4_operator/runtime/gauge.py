"""What an engine has made of its plan, asked of each pod once it serves.

Asking takes as long as a network likes, so no pass waits for it: an answer is news of the resource. It is kept while
the pod is asked about, and a pod that gives none is asked a few times and then left alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gemma4_operator.engines.base import Dialect
from gemma4_operator.engines.dialects import cache_blocks
from gemma4_operator.planner.serving import CONTAINER_PORT
from gemma4_operator.runtime.store import Key
from gemma4_operator.status.pods import PodView

AT_ONCE = 8
"""How many pods are asked at the same time."""
TRIES = 3


class Reader(Protocol):
    """Reads one exposition."""

    def __call__(self, *, address: str, port: int, path: str) -> Awaitable[bytes | None]:
        """Return it, or None if there is none."""


@dataclass(slots=True, kw_only=True)
class _Asked:
    address: str
    tries: int = 0
    task: "asyncio.Task[None] | None" = None
    blocks: int | None = None


class Gauge:
    """Asks pods for the size of their caches.

    Args:
        read: How to ask.
        on_answer: Told whose pod has answered.
    """

    def __init__(self, *, read: Reader, on_answer: Callable[[Key], None]) -> None:
        self._read = read
        self._on_answer = on_answer
        self._asked: dict[Key, _Asked] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    def blocks(self, key: Key, pods: Sequence[PodView], dialects: Sequence[Dialect]) -> int | None:
        """Return how many blocks the cache of a resource's pods has; None: that is not known, or not yet.

        Args:
            key: The resource.
            pods: Of its current plan.
            dialects: In which its engine may speak of itself.
        """
        serving = next((pod for pod in pods if pod.ready and not pod.deleting and pod.address), None)
        telling = [one for one in dialects if one.cache_config]
        if serving is None or not telling:
            return None
        asked = self._asked.get(key)
        if asked is None or asked.address != serving.address:
            self.forget(key)
            asked = self._asked[key] = _Asked(address=serving.address)
        if asked.blocks is None and asked.tries < TRIES and (asked.task is None or asked.task.done()):
            asked.tries += 1
            asked.task = asyncio.create_task(self._ask(key, asked, telling), name=f"ask a pod of {key.name}")
        return asked.blocks

    def forget(self, key: Key) -> None:
        """Drop what is known of a resource's pods, and ask no more."""
        asked = self._asked.pop(key, None)
        if asked is not None and asked.task is not None:
            asked.task.cancel()

    def close(self) -> None:
        """Ask nobody any more."""
        for key in list(self._asked):
            self.forget(key)

    async def _ask(self, key: Key, asked: _Asked, dialects: Sequence[Dialect]) -> None:
        for dialect in dialects:
            async with self._places:
                said = await self._read(address=asked.address, port=CONTAINER_PORT, path=dialect.path)
            asked.blocks = cache_blocks(said, dialect) if said is not None else None
            if asked.blocks is not None:
                self._on_answer(key)
                return
