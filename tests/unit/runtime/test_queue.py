"""The keyed queue, on a clock of its own (looptime): each test is a small story in seconds."""

import asyncio

import pytest

from gemma4_operator.runtime.queue import KeyedQueue

pytestmark = pytest.mark.looptime


@pytest.fixture
async def queue() -> KeyedQueue[str]:
    return KeyedQueue(clock=asyncio.get_running_loop().time)


async def test_many_adds_before_a_worker_is_free_are_one(queue: KeyedQueue[str]) -> None:
    for _ in range(100):
        queue.add("a")
    assert await queue.take() == "a"
    queue.done("a")
    assert len(queue) == 0


async def test_news_during_the_work_cause_exactly_one_more(queue: KeyedQueue[str]) -> None:
    queue.add("a")
    await queue.take()
    queue.add("a")
    queue.add("a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.take(), 5)  # never twice at once
    queue.done("a")
    assert await queue.take() == "a"
    queue.done("a")
    assert len(queue) == 0


async def test_a_busy_key_does_not_hold_up_another(queue: KeyedQueue[str]) -> None:
    queue.add("a")
    await queue.take()
    queue.add("a")
    queue.add("b")
    assert await queue.take() == "b"


async def test_the_earliest_of_several_wishes_counts(queue: KeyedQueue[str]) -> None:
    started = asyncio.get_running_loop().time()
    queue.add("a", after_seconds=60)
    queue.add("a", after_seconds=10)
    queue.add("a", after_seconds=30)
    await queue.take()
    assert asyncio.get_running_loop().time() - started == pytest.approx(10, abs=0.1)
    queue.done("a")
    assert len(queue) == 0  # the later wishes went with the earlier one


async def test_a_waiting_worker_hears_of_something_sooner(queue: KeyedQueue[str]) -> None:
    queue.add("late", after_seconds=100)
    taking = asyncio.create_task(queue.take())
    await asyncio.sleep(1)
    queue.add("now")
    assert await taking == "now"
    assert asyncio.get_running_loop().time() < 10


async def test_keys_come_in_the_order_in_which_they_were_due(queue: KeyedQueue[str]) -> None:
    queue.add("second", after_seconds=2)
    queue.add("first", after_seconds=1)
    assert [await queue.take(), await queue.take()] == ["first", "second"]


async def test_the_age_is_that_of_the_most_overdue_key(queue: KeyedQueue[str]) -> None:
    assert queue.oldest_seconds() == 0
    queue.add("a")
    queue.add("b", after_seconds=100)
    await asyncio.sleep(7)
    assert queue.oldest_seconds() == pytest.approx(7, abs=0.1)
    await queue.take()
    assert queue.oldest_seconds() == 0


async def test_several_workers_never_share_a_key(queue: KeyedQueue[str]) -> None:
    running: set[str] = set()
    done: list[str] = []

    async def work() -> None:
        while True:
            key = await queue.take()
            assert key not in running
            running.add(key)
            await asyncio.sleep(1)
            running.discard(key)
            done.append(key)
            queue.done(key)

    workers = [asyncio.create_task(work()) for _ in range(4)]
    for second in range(20):
        queue.add(f"key-{second % 3}")
        await asyncio.sleep(0.3)
    await asyncio.sleep(30)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    assert set(done) == {"key-0", "key-1", "key-2"}
    assert len(queue) == 0
