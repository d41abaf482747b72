"""Listing everything: before the first pass, after each gap in a watch, and every few minutes in any case."""

import asyncio
import logging
from collections.abc import Callable
from typing import NoReturn

from gemma4_operator.kube.api import Api
from gemma4_operator.kube.errors import ApiError, ApiRejected, Forbidden, NotFound
from gemma4_operator.kube.retry import Backoff
from gemma4_operator.runtime.queue import KeyedQueue
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.world import EVERYONE, World, selector_of

RELIST_SECONDS = 1.0
"""kopf lists in one burst; this long after its first object the burst is over."""
_BACKOFF = Backoff(first_seconds=1.0, maximum_seconds=30.0)
log = logging.getLogger(__name__)


class Resync:
    """Keeps the shelves true.

    Args:
        period_seconds: How often everything is listed without a cause.
    """

    def __init__(
        self, *, api: Api, world: World, queue: KeyedQueue[Key], period_seconds: float, jitter: Callable[[], float]
    ) -> None:
        self._api = api
        self._world = world
        self._queue = queue
        self._period_seconds = period_seconds
        self._jitter = jitter
        self._wanted = asyncio.Event()

    def soon(self) -> None:
        """Ask for a listing, once for any number of askers."""
        self._wanted.set()

    async def first(self) -> None:
        """List everything, however long it takes until that succeeds; then put every key into the queue."""
        failures = 0
        while True:
            try:
                await self._everything()
                return
            except ApiError as error:
                failures += 1
                log.warning("Not started yet: %s", advice(error))
                await asyncio.sleep(_BACKOFF.delay_seconds(failures, jitter=self._jitter))

    async def forever(self) -> NoReturn:
        """List when asked and every period; a listing that fails is left to the next."""
        while True:
            try:
                async with asyncio.timeout(self._period_seconds):
                    await self._wanted.wait()
                await asyncio.sleep(RELIST_SECONDS)
            except TimeoutError:
                pass
            self._wanted.clear()
            try:
                await self._everything()
            except ApiError as error:
                log.warning("The listing is put off: %s", advice(error))

    async def _everything(self) -> None:
        news: set[Key] = set()
        for kind, shelf in self._world.shelves().items():
            listing = await self._api.list(kind, label_selector=selector_of(kind))
            news |= shelf.replace(listing.items, resource_version=listing.resource_version)
        for key in (news - {EVERYONE}) | set(self._world.custom_resources.owners()):
            self._queue.add(key)


def advice(error: ApiError) -> str:
    """Say what a person can do about a listing that fails."""
    match error:
        case NotFound():
            return "the kind Gemma4Deployment is not known: install the CRD (`kubectl apply --server-side -f crds/`)."
        case Forbidden():
            return f"a permission is missing: {error.message}. Compare the role with the chart's ClusterRole."
        case ApiRejected():
            return f"the API server refuses the listing: {error.message}"
        case _:
            return f"the API server is not available: {error.message}"
