"""Workers on a clock of their own: a bad object backs off, a good one does not notice."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gemma4_operator.kube.errors import ApiUnavailable, LeadershipLost
from gemma4_operator.runtime.metrics import Metrics
from gemma4_operator.runtime.passing import under_way
from gemma4_operator.runtime.queue import KeyedQueue
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.worker import Again, Workers

pytestmark = pytest.mark.looptime

GOOD, BAD = Key("team", "good"), Key("team", "bad")


def seconds() -> float:
    return asyncio.get_running_loop().time()


def metrics() -> Metrics:
    return Metrics(
        version="1.2.3",
        lease="ops/first",
        queue_depth=lambda: 0,
        queue_oldest_seconds=lambda: 0,
        is_leader=lambda: True,
        resources=lambda: (),
        latencies=lambda _: None,
    )


class Passes:
    """Records when each key was worked on; `say` decides how each pass ends."""

    def __init__(self, say: Callable[[Key], Awaitable[Again | None]]) -> None:
        self.at: dict[Key, list[float]] = {}
        self._say = say

    async def __call__(self, key: Key) -> Again | None:
        self.at.setdefault(key, []).append(seconds())
        return await self._say(key)


@contextlib.asynccontextmanager
async def working(
    say: Callable[[Key], Awaitable[Again | None]],
) -> AsyncIterator[tuple[KeyedQueue[Key], Passes, Workers]]:
    queue: KeyedQueue[Key] = KeyedQueue(clock=seconds)
    passes = Passes(say)
    workers = Workers(queue=queue, reconcile=passes, metrics=metrics(), jitter=lambda: 1.0)
    task = asyncio.create_task(workers.work())
    try:
        yield queue, passes, workers
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, LeadershipLost):
            await task


async def fails_if_bad(key: Key) -> Again | None:
    if key == BAD:
        raise RuntimeError("a bug")
    return None


async def test_a_bug_in_one_pass_neither_ends_the_worker_nor_delays_another_object() -> None:
    async with working(fails_if_bad) as (queue, passes, _):
        queue.add(BAD)
        queue.add(GOOD)
        await asyncio.sleep(0.5)
        assert len(passes.at[GOOD]) == 1
        await asyncio.sleep(60)
        queue.add(GOOD)
        await asyncio.sleep(0.5)
        assert len(passes.at[GOOD]) == 2


async def test_what_fails_again_and_again_is_tried_less_and_less() -> None:
    async with working(fails_if_bad) as (queue, passes, _):
        queue.add(BAD)
        await asyncio.sleep(3600)
    gaps = [round(later - earlier) for earlier, later in zip(passes.at[BAD], passes.at[BAD][1:], strict=False)]
    assert gaps[:9] == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert set(gaps[9:]) == {300}


async def test_success_is_the_end_of_backing_off() -> None:
    answers = iter([Again(), Again(), None, Again()])

    async def say(_: Key) -> Again | None:
        return next(answers, None)

    async with working(say) as (queue, passes, workers):
        queue.add(GOOD)
        await asyncio.sleep(10)
        assert [round(at) for at in passes.at[GOOD]] == [0, 1, 3]
        assert workers.failures == {}
        queue.add(GOOD)
        await asyncio.sleep(10)
        assert [round(at) for at in passes.at[GOOD]] == [0, 1, 3, 10, 11]


async def test_who_names_a_time_comes_back_then_and_never_backs_off() -> None:
    async def every_ten_seconds(_: Key) -> Again | None:
        return Again(after_seconds=10)

    async with working(every_ten_seconds) as (queue, passes, workers):
        queue.add(GOOD)
        await asyncio.sleep(35)
        assert [round(at) for at in passes.at[GOOD]] == [0, 10, 20, 30]
        assert workers.failures == {}


async def test_news_do_not_wait_for_the_back_off() -> None:
    async with working(fails_if_bad) as (queue, passes, _):
        queue.add(BAD)
        await asyncio.sleep(100)
        before = len(passes.at[BAD])
        queue.add(BAD)
        await asyncio.sleep(0.1)
        assert len(passes.at[BAD]) == before + 1


async def test_an_api_server_that_is_away_is_tried_again() -> None:
    async def away(_: Key) -> Again | None:
        raise ApiUnavailable("away")

    async with working(away) as (queue, passes, _):
        queue.add(GOOD)
        await asyncio.sleep(4)
    assert len(passes.at[GOOD]) == 3


async def test_a_lost_lease_ends_the_worker_and_so_the_process() -> None:
    async def lost(_: Key) -> Again | None:
        raise LeadershipLost("lost")

    queue: KeyedQueue[Key] = KeyedQueue(clock=seconds)
    queue.add(GOOD)
    workers = Workers(queue=queue, reconcile=lost, metrics=metrics(), jitter=lambda: 1.0)
    with pytest.raises(LeadershipLost):
        await asyncio.wait_for(workers.work(), 5)


async def test_how_passes_end_is_counted() -> None:
    async with working(fails_if_bad) as (queue, _, workers):
        queue.add(GOOD)
        queue.add(BAD)
        await asyncio.sleep(0.5)
    text = workers.metrics.exposition().decode()
    assert 'gemma4_operator_reconcile_seconds_count{outcome="done"} 1.0' in text
    assert 'gemma4_operator_reconcile_seconds_count{outcome="error"} 1.0' in text
    assert 'gemma4_operator_reconcile_errors_total{error="bug"} 1.0' in text


async def test_each_pass_has_an_id_of_its_own_and_its_end_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    ids: list[str] = []

    async def say(key: Key) -> Again | None:
        one = under_way()
        assert one is not None
        assert one.key == key
        ids.append(one.id)
        return None

    with caplog.at_level("DEBUG", "gemma4_operator.runtime.worker"):
        async with working(say) as (queue, _, _):
            queue.add(GOOD)
            await asyncio.sleep(0.5)
            queue.add(GOOD)
            await asyncio.sleep(0.5)
    assert len(set(ids)) == 2
    assert sum("team/good: the pass has ended as 'done'" in line for line in caplog.messages) == 2
