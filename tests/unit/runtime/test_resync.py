"""Listing everything: first, when asked, and every period."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gemma4_operator.kube.api import Listing
from gemma4_operator.kube.errors import ApiError, ApiRejected, ApiUnavailable, Forbidden, NotFound
from gemma4_operator.kube.kinds import Kind
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
        self.calls: list[tuple[float, str, str]] = []
        self.resources: list[dict[str, Any]] = [RESOURCE]

    async def list(self, kind: Kind, *, label_selector: str = "") -> Listing:
        self.calls.append((seconds(), kind.kind, label_selector))
        if self.failures:
            raise self.failures.pop(0)
        items = tuple(self.resources) if kind == GEMMA4_DEPLOYMENT else ()
        return Listing(items=items, resource_version=10)

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
