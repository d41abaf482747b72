"""kopf as doorbell: its events feed the shelves and put keys into the queue, and that is all it is used for."""

from collections.abc import Callable
from typing import Any, cast

import kopf

from gemma4_operator.kube.kinds import Kind
from gemma4_operator.kube.retry import Endless
from gemma4_operator.runtime.forgetful import NoDiffBase, NoProgress
from gemma4_operator.runtime.queue import KeyedQueue
from gemma4_operator.runtime.store import Key, key_of
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT, World, selector_of

CHILD_NEWS_SECONDS = 0.25
"""News of children come in bursts (a Deployment's status changes with each of its pods); one pass serves them all."""


class Doorbell:
    """Takes raw watch events.

    Args:
        world: Where objects are kept.
        queue: Where keys go.
        on_relist: Told when a watch began anew: objects that vanished in the gap are not reported by kopf.
        is_whole: Whether all of a namespace has been listed. Of one that has come back, a child may be told before
            others and its pods; passes begin with a listing there.
    """

    def __init__(
        self,
        *,
        world: World,
        queue: KeyedQueue[Key],
        on_relist: Callable[[], None],
        is_whole: Callable[[str], bool],
    ) -> None:
        self._world = world
        self._shelves = world.shelves()
        self._queue = queue
        self._on_relist = on_relist
        self._is_whole = is_whole

    def ring(self, kind: Kind, event: kopf.RawEvent) -> None:
        """Take one event."""
        shelf = self._shelves[kind]
        obj = cast("dict[str, Any]", event["object"])
        if event["type"] == "DELETED":
            news = shelf.remove(obj)
        elif not self._is_whole(key_of(obj).namespace):
            self._on_relist()
            return
        else:
            # kopf leaves these two out of listed objects, as the API server does.
            news = shelf.put({"apiVersion": kind.api_version, "kind": kind.kind, **obj})
        if event["type"] is None:
            self._on_relist()
        for key in self._world.concerned(news) if news is not None else ():
            self._queue.add(key, after_seconds=0.0 if kind == GEMMA4_DEPLOYMENT else CHILD_NEWS_SECONDS)


def registry(
    *, doorbell: Doorbell, kinds: tuple[Kind, ...], login: Callable[[], kopf.AiohttpSession]
) -> kopf.OperatorRegistry:
    """Return a registry of our own: one login and one event handler for each kind, nothing global."""
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    async def log_in(**_: Any) -> kopf.AiohttpSession:
        return login()

    for kind in kinds:
        _on_event(handlers, doorbell, kind)
    return handlers


def _on_event(handlers: kopf.OperatorRegistry, doorbell: Doorbell, kind: Kind) -> None:
    @kopf.on.event(kind.group, kind.version, kind.plural, registry=handlers, id=f"ring-{kind.plural}")
    async def ring(event: kopf.RawEvent, **_: Any) -> None:
        doorbell.ring(kind, event)


def kopf_settings(*, kinds: tuple[Kind, ...], backoffs: Endless) -> kopf.OperatorSettings:
    """Return kopf's settings: no events, no peering, no end to retries, and only our own children watched."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.persistence.diffbase_storage = NoDiffBase()
    settings.persistence.progress_storage = NoProgress()
    settings.watching.server_timeout = 600
    settings.watching.connect_timeout = 10
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 10
    settings.networking.error_backoffs = backoffs
    settings.queueing.idle_timeout = 1
    settings.process.ultimate_exiting_timeout = 20
    for kind in kinds:
        if selector_of(kind):
            settings.watching.label_selectors[kind.group, kind.version, kind.plural] = selector_of(kind)
    return settings
