"""Which GPUs pods have: looked up when a plan is to be made, which is seldom, and not watched, since pods are many."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

from gemma4_operator.kube.api import Api
from gemma4_operator.kube.errors import Forbidden
from gemma4_operator.kube.kinds import POD
from gemma4_operator.planner.uses import Use, uses_of
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.world import owner_of_pod

FRESH_SECONDS = 5.0
"""For which one look serves all: many resources that are made at once cost one listing, not one each."""
_RUNNING = "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed"
log = logging.getLogger(__name__)


class _Held(NamedTuple):
    owner: Key | None
    use: Use


class Taken:
    """What pods have of the nodes' GPUs.

    Args:
        monotonic: Seconds that only grow.
        namespaces: Whose pods are seen; none: those of the whole cluster.
    """

    def __init__(self, api: Api, *, monotonic: Callable[[], float], namespaces: Sequence[str] = ()) -> None:
        self._api = api
        self._places = tuple(namespaces) or (None,)
        self._monotonic = monotonic
        self._held: tuple[_Held, ...] = ()
        self._looked_seconds = float("-inf")
        self._look: asyncio.Task[tuple[_Held, ...]] | None = None

    async def by_others(self, key: Key) -> tuple[Use, ...]:
        """Return what pods have that are not this resource's own, since those would make room.

        Where pods may not be listed, they count for nothing.

        Raises:
            ApiUnavailable: If the API server does not answer.
        """
        if self._monotonic() - self._looked_seconds >= FRESH_SECONDS:
            # Whoever asks meanwhile waits for the same one: all pods of a cluster, in each worker, fit no memory.
            if self._look is None or self._look.done():
                self._look = asyncio.create_task(self._found(), name="list the pods of all")
            self._held = await self._look
            self._looked_seconds = self._monotonic()
        return tuple(held.use for held in self._held if held.owner != key)

    async def _found(self) -> tuple[_Held, ...]:
        return tuple([held for place in self._places async for held in self._held_in(place)])

    async def _held_in(self, place: str | None) -> AsyncIterator[_Held]:
        try:
            async for pods in self._api.pages(POD, namespace=place, field_selector=_RUNNING):
                for pod in pods:
                    for use in uses_of([pod]):
                        yield _Held(owner_of_pod(pod), use)
        except Forbidden:
            where = "" if place is None else f" in the namespace '{place}'"
            log.warning("Pods may not be listed%s: plans take the GPUs that such pods have for free.", where)
