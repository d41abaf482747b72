"""Which GPUs pods have: looked up when a plan is to be made, which is seldom, and not watched, since pods are many."""

import logging
from collections.abc import Callable
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
    """

    def __init__(self, api: Api, *, monotonic: Callable[[], float]) -> None:
        self._api = api
        self._monotonic = monotonic
        self._held: tuple[_Held, ...] = ()
        self._looked_seconds = float("-inf")

    async def by_others(self, key: Key) -> tuple[Use, ...]:
        """Return what pods have that are not this resource's own, since those would make room.

        Without the right to list pods it is nothing, and plans rest on what nodes have in all.

        Raises:
            ApiUnavailable: If the API server does not answer.
        """
        if self._monotonic() - self._looked_seconds >= FRESH_SECONDS:
            self._held = await self._look()
            self._looked_seconds = self._monotonic()
        return tuple(held.use for held in self._held if held.owner != key)

    async def _look(self) -> tuple[_Held, ...]:
        try:
            pods = await self._api.list(POD, field_selector=_RUNNING)
        except Forbidden:
            log.warning("Pods may not be listed: plans rest on all GPUs of the nodes, not on the free ones.")
            return ()
        return tuple(_Held(owner_of_pod(pod), use) for pod in pods.items for use in uses_of([pod]))
