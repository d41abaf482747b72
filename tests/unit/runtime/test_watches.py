"""The doorbell: from kopf's raw events to shelves and queue."""

import asyncio
from itertools import islice
from typing import Any

import kopf
import pytest

from gemma4_operator.kube.kinds import DEPLOYMENT, POD, SERVICE
from gemma4_operator.kube.retry import Backoff, Endless
from gemma4_operator.render.labels import labels
from gemma4_operator.runtime.queue import KeyedQueue
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.watches import CHILD_NEWS_SECONDS, Doorbell, kopf_settings, registry
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT, World, empty_world

pytestmark = pytest.mark.looptime

CHAT = Key("team", "chat")


def raw(name: str = "chat", *, version: int = 1, uid: str = "u", **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "team", "name": name, "uid": uid, "resourceVersion": str(version), **metadata},
        "status": {},
    }


def event(kind: str | None, obj: dict[str, Any]) -> kopf.RawEvent:
    return {"type": kind, "object": obj}  # type: ignore[typeddict-item]


@pytest.fixture
def world() -> World:
    return empty_world()


@pytest.fixture
def relisted() -> list[bool]:
    return []


@pytest.fixture
async def queue() -> KeyedQueue[Key]:
    return KeyedQueue(clock=asyncio.get_running_loop().time)


@pytest.fixture
def unlisted() -> set[str]:
    """The namespaces that have not been listed yet."""
    return set()


@pytest.fixture
async def doorbell(world: World, queue: KeyedQueue[Key], relisted: list[bool], unlisted: set[str]) -> Doorbell:
    return Doorbell(
        world=world,
        queue=queue,
        on_relist=lambda: relisted.append(True),
        is_whole=lambda namespace: namespace not in unlisted,
    )


async def test_a_new_resource_is_worked_on_at_once(doorbell: Doorbell, queue: KeyedQueue[Key]) -> None:
    doorbell.ring(GEMMA4_DEPLOYMENT, event("ADDED", raw()))
    assert await asyncio.wait_for(queue.take(), 0.01) == CHAT


async def test_news_of_children_are_gathered_for_a_moment(doorbell: Doorbell, queue: KeyedQueue[Key]) -> None:
    started = asyncio.get_running_loop().time()
    for version in range(1, 30):
        doorbell.ring(DEPLOYMENT, event("MODIFIED", raw(version=version, labels=labels("chat"))))
        doorbell.ring(POD, event("MODIFIED", raw("chat-7", version=version, uid="p", labels=labels("chat"))))
    assert await queue.take() == CHAT
    assert asyncio.get_running_loop().time() - started == pytest.approx(CHILD_NEWS_SECONDS, abs=0.05)
    assert len(queue) == 0


async def test_what_is_known_already_rings_nobody(doorbell: Doorbell, queue: KeyedQueue[Key]) -> None:
    doorbell.ring(SERVICE, event("ADDED", raw(labels=labels("chat"))))
    queue.done(await queue.take())
    doorbell.ring(SERVICE, event(None, raw(labels=labels("chat"))))
    assert len(queue) == 0


async def test_a_deleted_child_rings_for_its_owner(doorbell: Doorbell, queue: KeyedQueue[Key], world: World) -> None:
    doorbell.ring(SERVICE, event("ADDED", raw(labels=labels("chat"))))
    queue.done(await queue.take())
    doorbell.ring(SERVICE, event("DELETED", raw(version=2, labels=labels("chat"))))
    assert await queue.take() == CHAT
    assert world.child("Service", CHAT) is None


async def test_a_watch_that_began_anew_is_reported(doorbell: Doorbell, relisted: list[bool]) -> None:
    doorbell.ring(GEMMA4_DEPLOYMENT, event("MODIFIED", raw()))
    assert relisted == []
    doorbell.ring(GEMMA4_DEPLOYMENT, event(None, raw()))
    assert relisted == [True]


async def test_news_of_a_namespace_that_has_come_back_ask_for_a_listing_and_are_no_work(
    doorbell: Doorbell, world: World, queue: KeyedQueue[Key], relisted: list[bool], unlisted: set[str]
) -> None:
    """A resource that is told before its pods would look as if it had none."""
    unlisted.add("team")
    doorbell.ring(GEMMA4_DEPLOYMENT, event("ADDED", raw()))
    assert (world.custom_resources.owners(), len(queue), relisted) == ((), 0, [True])
    unlisted.clear()
    doorbell.ring(GEMMA4_DEPLOYMENT, event("ADDED", raw()))
    assert (world.custom_resources.owners(), len(queue), relisted) == ((CHAT,), 1, [True])


async def test_what_is_deleted_there_meanwhile_does_not_come_back_with_an_older_listing(
    doorbell: Doorbell, world: World, unlisted: set[str]
) -> None:
    unlisted.add("team")
    doorbell.ring(GEMMA4_DEPLOYMENT, event("DELETED", raw(version=3)))
    world.custom_resources.replace([raw(version=2)], resource_version=2, namespace="team")
    assert world.custom_resources.get(CHAT) is None


async def test_what_is_kept_is_complete_and_small(doorbell: Doorbell, world: World) -> None:
    doorbell.ring(DEPLOYMENT, event(None, raw(labels=labels("chat"), managedFields=[{"x": 1}])))
    kept = world.child("Deployment", CHAT)
    assert kept is not None
    assert (kept["apiVersion"], kept["kind"]) == ("apps/v1", "Deployment")
    assert "managedFields" not in kept["metadata"]


async def test_kopf_gets_one_handler_a_kind_and_nothing_that_writes(doorbell: Doorbell, world: World) -> None:
    kinds = tuple(world.shelves())
    handlers = registry(doorbell=doorbell, kinds=kinds, login=lambda: kopf.ConnectionInfo(server="https://x"))
    assert len(handlers._watching.get_all_handlers()) == len(kinds) == 7
    assert not handlers._changing.get_all_handlers()
    assert not handlers._spawning.get_all_handlers()
    assert not handlers._indexing.get_all_handlers()


async def test_kopf_posts_nothing_peers_with_nobody_and_never_gives_up(world: World) -> None:
    endless = Endless(Backoff(first_seconds=1.0, maximum_seconds=15.0), jitter=lambda: 1.0)
    settings = kopf_settings(kinds=tuple(world.shelves()), backoffs=endless)
    assert not settings.posting.enabled
    assert settings.peering.standalone
    assert len(list(islice(settings.networking.error_backoffs, 1000))) == 1000  # type: ignore[call-overload]


async def test_kopf_copies_and_keeps_nothing(world: World) -> None:
    endless = Endless(Backoff(first_seconds=1.0, maximum_seconds=15.0), jitter=lambda: 1.0)
    persistence = kopf_settings(kinds=tuple(world.shelves()), backoffs=endless).persistence
    body = kopf.Body({"metadata": {"name": "chat"}, "spec": {"x": 1}})
    patch = kopf.Patch()
    assert persistence.diffbase_storage.build(body=body) == {}
    assert persistence.diffbase_storage.fetch(body=body) is None
    persistence.diffbase_storage.store(body=body, patch=patch, essence=kopf.BodyEssence())
    progress = persistence.progress_storage
    assert progress.fetch(key="ring", body=body) is None  # type: ignore[arg-type]
    progress.store(key="ring", record=None, body=body, patch=patch)  # type: ignore[arg-type]
    progress.purge(key="ring", body=body, patch=patch)  # type: ignore[arg-type]
    progress.touch(body=body, patch=patch, value="now")
    assert patch == {}
