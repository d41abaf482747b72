"""Listing everything: before the first pass, after each gap in a watch, and every few minutes in any case."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

from gemma4_operator.kube.api import Api
from gemma4_operator.kube.errors import ApiError, ApiRejected, Forbidden, NotFound
from gemma4_operator.kube.kinds import NAMESPACE, Kind
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

    With some namespaces, the right to list goes with each of them and comes back later than it. One that may not be
    listed is left out, and hinders nobody: it is tried again with each listing.

    Args:
        period_seconds: How often everything is listed without a cause.
        namespaces: Where objects are listed; none: in the whole cluster.
    """

    def __init__(
        self,
        *,
        api: Api,
        world: World,
        queue: KeyedQueue[Key],
        period_seconds: float,
        jitter: Callable[[], float],
        namespaces: Sequence[str] = (),
    ) -> None:
        self._api = api
        self._world = world
        self._queue = queue
        self._period_seconds = period_seconds
        self._jitter = jitter
        self._namespaces = tuple(namespaces)
        self._wanted = asyncio.Event()
        self._whole: set[str] = set()
        self._left_out: dict[str, Forbidden] = {}

    def is_whole(self, namespace: str) -> bool:
        """Whether all of a namespace has been listed, so that passes may rest on what is known of it."""
        return not (namespace and self._namespaces) or namespace in self._whole

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
        """List when asked, every period, and soon again after a listing that failed."""
        failures = 0
        while True:
            soon = _BACKOFF.delay_seconds(failures, jitter=self._jitter) if failures else self._period_seconds
            try:
                async with asyncio.timeout(min(soon, self._period_seconds)):
                    await self._wanted.wait()
                await asyncio.sleep(RELIST_SECONDS)
            except TimeoutError:
                pass
            self._wanted.clear()
            try:
                await self._everything()
                failures = 0
            except ApiError as error:
                failures += 1
                log.warning("The listing is put off: %s", advice(error))

    async def _everything(self) -> None:
        """List all that may be listed. Raises `ApiError`; `Forbidden` if that is none of the namespaces."""
        news: set[Key] = set()
        try:
            await self._list(news)
        finally:
            # What the shelves have taken in is news, whether or not the rest could be listed.
            self._ring(news)
        self._ring({EVERYONE})

    def _ring(self, news: set[Key]) -> None:
        owners = self._world.custom_resources.owners() if EVERYONE in news else ()
        for key in (news - {EVERYONE}) | set(owners):
            self._queue.add(key)

    async def _list(self, news: set[Key]) -> None:
        kinds = self._world.shelves()
        parted = [kind for kind in kinds if kind.namespaced and self._namespaces]
        await self._fill((kind for kind in kinds if kind not in parted), None, news)
        for namespace in self._namespaces:
            await self._fill_one(namespace, parted, news)
        if self._namespaces and all(namespace in self._left_out for namespace in self._namespaces):
            raise self._left_out[self._namespaces[0]]

    async def _fill(self, kinds: Iterable[Kind], namespace: str | None, news: set[Key]) -> None:
        for kind in kinds:
            found = await self._api.list(kind, namespace=namespace, label_selector=selector_of(kind))
            shelf = self._world.shelves()[kind]
            news |= shelf.replace(found.items, resource_version=found.resource_version, namespace=namespace)

    async def _fill_one(self, namespace: str, kinds: Sequence[Kind], news: set[Key]) -> None:
        try:
            await self._fill(kinds, namespace, news)
        except Forbidden as error:
            await self._leave_out(namespace, error, news)
            return
        self._whole.add(namespace)
        if self._left_out.pop(namespace, None) is not None:
            log.info("The namespace '%s' is worked in again", namespace)

    async def _leave_out(self, namespace: str, error: Forbidden, news: set[Key]) -> None:
        """Go on without a namespace: what is known of one that is gone is forgotten, of another it stays."""
        is_there = await self._is_there(namespace)
        if not is_there:
            self._whole.discard(namespace)
            for shelf in self._world.shelves().values():
                news |= shelf.forget(namespace)
        if namespace not in self._left_out:
            why = advice(error) if is_there else "it does not exist, or is being deleted."
            log.warning("The namespace '%s' is left out: %s", namespace, why)
        self._left_out[namespace] = error

    async def _is_there(self, namespace: str) -> bool:
        try:
            found = await self._api.list(NAMESPACE, field_selector=f"metadata.name={namespace}")
        except Forbidden:
            return True
        return any("deletionTimestamp" not in one["metadata"] for one in found.items)


def advice(error: ApiError) -> str:
    """Say what a person can do about a listing that fails."""
    match error:
        case NotFound():
            return "the kind Gemma4Deployment is not known: install the CRD (`kubectl apply --server-side -f crds/`)."
        case Forbidden():
            return f"a permission is missing: {error.message}. Compare the roles with the chart's."
        case ApiRejected():
            return f"the API server refuses the listing: {error.message}"
        case _:
            return f"the API server is not available: {error.message}"
