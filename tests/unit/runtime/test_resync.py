"""Listing everything: first, when asked, and every period."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from gemma4_operator.kube.api import Listing
from gemma4_operator.kube.errors import ApiError, ApiRejected, ApiUnavailable, Forbidden, NotFound
from gemma4_operator.kube.kinds import NAMESPACE, POD, SERVICE, Kind
from gemma4_operator.runtime.queue import KeyedQueue
from gemma4_operator.runtime.resync import Resync, advice
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT, OUR_LABEL_SELECTOR, World, empty_world

pytestmark = pytest.mark.looptime

CHAT = Key("team", "chat")
RESOURCE = {"metadata": {"namespace": "team", "name": "chat", "uid": "u", "resourceVersion": "5"}}


def seconds() -> float:
    return asyncio.get_running_loop().time()


class Lists:
    """Answers listings; each of them may be told to fail first."""

    def __init__(self) -> None:
        self.failures: list[ApiError] = []
        self.failing_kind: Kind | None = None
        self.denied: set[str | None] = set()
        self.namespaces: list[dict[str, Any]] = []
        self.denied_namespaces = False
        self.calls: list[tuple[float, str, str]] = []
        self.places: list[tuple[str, str | None]] = []
        self.resources: list[dict[str, Any]] = [RESOURCE]

    async def list(
        self, kind: Kind, *, namespace: str | None = None, label_selector: str = "", field_selector: str = ""
    ) -> Listing:
        self.calls.append((seconds(), kind.kind, label_selector))
        self.places.append((kind.kind, namespace))
        if self.failures:
            raise self.failures.pop(0)
        if kind == self.failing_kind:
            raise ApiUnavailable("away")
        if namespace in self.denied:
            raise Forbidden(f"cannot list {kind.plural} in {namespace}")
        if kind == NAMESPACE:
            return Listing(items=tuple(self._found(field_selector)), resource_version=10)
        items = self.resources if kind == GEMMA4_DEPLOYMENT else []
        found = tuple(one for one in items if namespace in (None, one["metadata"]["namespace"]))
        return Listing(items=found, resource_version=10)

    def _found(self, field_selector: str) -> Sequence[dict[str, Any]]:
        if self.denied_namespaces:
            raise Forbidden("cannot list namespaces")
        return [one for one in self.namespaces if field_selector == f"metadata.name={one['metadata']['name']}"]

    def rounds(self) -> tuple[int, ...]:
        return tuple(round(at) for at, kind, _ in self.calls if kind == "Pod")


@pytest.fixture
def lists() -> Lists:
    return Lists()


@pytest.fixture
def world() -> World:
    return empty_world()


@pytest.fixture
async def queue() -> KeyedQueue[Key]:
    return KeyedQueue(clock=seconds)


@pytest.fixture
async def resync(lists: Lists, world: World, queue: KeyedQueue[Key]) -> Resync:
    return Resync(
        api=lists,  # type: ignore[arg-type]
        world=world,
        queue=queue,
        period_seconds=120,
        jitter=lambda: 1.0,
    )


@contextlib.asynccontextmanager
async def forever(resync: Resync) -> AsyncIterator[None]:
    task = asyncio.create_task(resync.forever())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_first_listing_fills_the_shelves_and_the_queue(
    resync: Resync, lists: Lists, world: World, queue: KeyedQueue[Key]
) -> None:
    await resync.first()
    assert world.custom_resources.owners() == (CHAT,)
    assert await queue.take() == CHAT
    selectors = {kind: selector for _, kind, selector in lists.calls}
    assert selectors.pop("Gemma4Deployment") == selectors.pop("Node") == ""
    assert set(selectors.values()) == {OUR_LABEL_SELECTOR}


@pytest.fixture
async def parted(lists: Lists, world: World, queue: KeyedQueue[Key]) -> Resync:
    """Of two namespaces."""
    return Resync(
        api=lists,  # type: ignore[arg-type]
        world=world,
        queue=queue,
        period_seconds=120,
        jitter=lambda: 1.0,
        namespaces=("team", "other"),
    )


async def test_in_some_namespaces_each_is_listed_and_nodes_once(parted: Resync, lists: Lists) -> None:
    await parted.first()
    assert [place for kind, place in lists.places if kind == "Node"] == [None]
    for one in ("Gemma4Deployment", "Pod", "Service"):
        assert [place for kind, place in lists.places if kind == one] == ["team", "other"]


async def test_what_is_listed_in_parts_is_as_old_as_each_part(world: World, queue: KeyedQueue[Key]) -> None:
    """What came into a namespace after it was listed is missing there, and must not be taken for gone."""

    class TwoMoments:
        async def list(self, kind: Kind, *, namespace: str | None, label_selector: str) -> Listing:
            if kind == GEMMA4_DEPLOYMENT and namespace == "team":
                await asyncio.sleep(0)
                late = {"metadata": {**RESOURCE["metadata"], "resourceVersion": "15"}}
                world.custom_resources.put(late)
            return Listing(items=(), resource_version=10 if namespace == "team" else 20)

    resync = Resync(
        api=TwoMoments(),  # type: ignore[arg-type]
        world=world,
        queue=queue,
        period_seconds=120,
        jitter=lambda: 1.0,
        namespaces=("team", "other"),
    )
    await resync.first()
    assert world.custom_resources.owners() == (CHAT,)


OTHER = Key("other", "chat")
IN_OTHER = {"metadata": {**RESOURCE["metadata"], "namespace": "other", "uid": "o"}}
ENDING = {"metadata": {"name": "team", "deletionTimestamp": "2026-11-29T12:00:00Z"}}


@pytest.mark.parametrize("there", [[], [ENDING]], ids=["gone", "being deleted"])
async def test_a_namespace_that_is_gone_is_forgotten_and_the_others_are_listed(
    parted: Resync,
    lists: Lists,
    world: World,
    queue: KeyedQueue[Key],
    there: list[dict[str, Any]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    await parted.first()
    assert await queue.take() == CHAT
    queue.done(CHAT)
    lists.denied, lists.namespaces, lists.resources = {"team"}, there, [IN_OTHER]
    async with forever(parted):
        await asyncio.sleep(250)
    assert world.custom_resources.owners() == (OTHER,)
    assert {await queue.take(), await queue.take()} == {CHAT, OTHER}, "a pass forgets what it kept of the lost one"
    assert caplog.text.count("The namespace 'team' is left out: it does not exist, or is being deleted.") == 1
    assert not parted.is_whole("team")


async def test_one_that_comes_back_is_worked_in_again(
    parted: Resync, lists: Lists, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    lists.denied = {"team"}
    await parted.first()
    assert not parted.is_whole("team")
    assert parted.is_whole("other")
    lists.denied = set()
    parted.soon()
    async with forever(parted):
        await asyncio.sleep(2)
    assert world.custom_resources.owners() == (CHAT,)
    assert parted.is_whole("team")
    assert "The namespace 'team' is worked in again" in caplog.text


@pytest.mark.parametrize("hidden", [False, True], ids=["is listed", "may not be looked for"])
async def test_of_one_that_is_there_but_may_not_be_listed_nothing_is_forgotten(
    parted: Resync, lists: Lists, world: World, hidden: bool, caplog: pytest.LogCaptureFixture
) -> None:
    await parted.first()
    lists.denied, lists.denied_namespaces = {"team"}, hidden
    lists.namespaces = [{"metadata": {"name": "team"}}]
    async with forever(parted):
        await asyncio.sleep(130)
    assert world.custom_resources.owners() == (CHAT,)
    assert parted.is_whole("team")
    assert "'team' is left out: a permission is missing: cannot list" in caplog.text


async def test_where_none_of_its_namespaces_may_be_listed_it_does_not_start(
    parted: Resync, lists: Lists, caplog: pytest.LogCaptureFixture
) -> None:
    lists.denied = {"team", "other"}
    starting = asyncio.create_task(parted.first())
    await asyncio.sleep(100)
    assert not starting.done()
    assert "Not started yet: a permission is missing: cannot list gemma4deployments in team" in caplog.text
    lists.denied = {"team"}
    await asyncio.wait_for(starting, 40)


async def test_a_right_that_is_missing_in_the_whole_cluster_is_waited_for(resync: Resync, lists: Lists) -> None:
    lists.denied = {None}
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(resync.first(), 100)
    assert not [kind for kind, _ in lists.places if kind == "Namespace"]


async def test_of_the_whole_cluster_every_namespace_is_whole(resync: Resync, parted: Resync) -> None:
    assert resync.is_whole("team")
    assert not parted.is_whole("team")
    assert parted.is_whole(""), "nodes are in none"


async def test_the_first_listing_waits_for_an_api_server_or_a_crd(resync: Resync, lists: Lists) -> None:
    lists.failures = [ApiUnavailable("away"), NotFound("no such kind"), ApiUnavailable("away")]
    await resync.first()
    assert lists.failures == []
    assert seconds() == pytest.approx(7, abs=0.5)  # 1 + 2 + 4


async def test_everything_is_listed_every_period(resync: Resync, lists: Lists) -> None:
    async with forever(resync):
        await asyncio.sleep(500)
    assert lists.rounds() == (120, 240, 360, 480)


async def test_a_gap_in_a_watch_is_closed_within_a_second_or_two(resync: Resync, lists: Lists) -> None:
    async with forever(resync):
        await asyncio.sleep(30)
        for _ in range(1000):  # kopf delivers every object anew
            resync.soon()
        await asyncio.sleep(20)
    assert lists.rounds() == (31,)


async def test_what_vanished_in_the_gap_is_noticed(
    resync: Resync, lists: Lists, world: World, queue: KeyedQueue[Key]
) -> None:
    await resync.first()
    queue.done(await queue.take())
    lists.resources = []
    resync.soon()
    async with forever(resync):
        assert await asyncio.wait_for(queue.take(), 5) == CHAT
    assert world.custom_resources.get(CHAT) is None


async def test_a_listing_that_fails_is_left_to_the_next(resync: Resync, lists: Lists) -> None:
    lists.failures = [ApiUnavailable("away")]
    async with forever(resync):
        await asyncio.sleep(250)
    assert [at for at, *_ in lists.calls if at > 200]
    assert lists.failures == []


async def test_a_listing_that_fails_is_tried_again_soon_and_less_and_less_often(resync: Resync, lists: Lists) -> None:
    lists.failing_kind = SERVICE
    async with forever(resync):
        await asyncio.sleep(250)
        lists.failing_kind = None
        await asyncio.sleep(150)
    tried = [round(at) for at, kind, _ in lists.calls if kind == "Service"]
    assert tried == [120, 121, 123, 127, 135, 151, 181, 211, 241, 271, 391]


async def test_what_a_listing_took_in_before_it_failed_is_news_all_the_same(
    resync: Resync, lists: Lists, world: World, queue: KeyedQueue[Key]
) -> None:
    await resync.first()
    queue.done(await queue.take())
    lists.resources, lists.failing_kind = [], POD
    resync.soon()
    async with forever(resync):
        assert await asyncio.wait_for(queue.take(), 5) == CHAT


@pytest.mark.parametrize(
    ("error", "what_to_do"),
    [
        (NotFound("x"), "install the CRD"),
        (Forbidden('cannot list resource "pods"'), 'cannot list resource "pods". Compare the role'),
        (ApiRejected("bad selector"), "refuses the listing: bad selector"),
        (ApiUnavailable("no route"), "is not available: no route"),
    ],
)
async def test_a_listing_that_fails_says_what_to_do(error: ApiError, what_to_do: str) -> None:
    assert what_to_do in advice(error)
