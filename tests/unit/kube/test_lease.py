"""Leader election on a clock of its own: two candidates, an API server that may be away, and what must never be."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gemma4_operator.kube.errors import ApiUnavailable, Conflict, LeadershipLost, NotFound
from gemma4_operator.kube.lease import LeaseElector

pytestmark = pytest.mark.looptime

EPOCH = datetime(2026, 11, 25, tzinfo=UTC)


def seconds() -> float:
    return asyncio.get_running_loop().time()


class ApiServer:
    """One Lease behind optimistic locking; `away` makes every request of a candidate fail.

    Attributes:
        answers: Whether what was replaced is told; if not, the caller waits for an answer that never comes.
        late_renewals: So many times, the holder's own renewal is stored right after somebody has looked.
    """

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.version = 0
        self.away = False
        self.away_after_requests: float = math.inf
        self.answers = True
        self.late_renewals = 0
        self.slow_look_seconds = 0.0
        self.requests = 0

    async def _request(self) -> None:
        self.requests += 1
        await asyncio.sleep(0.01)
        if self.away or self.requests > self.away_after_requests:
            raise ApiUnavailable("away")

    async def get(self, _kind: Any, *, namespace: str, name: str) -> dict[str, Any]:
        await asyncio.sleep(self.slow_look_seconds)
        await self._request()
        if self.lease is None:
            raise NotFound("no such Lease", status=404)
        seen = self.lease
        if self.late_renewals:
            self.late_renewals -= 1
            self.store(seen)
        return seen

    async def create(self, _kind: Any, obj: dict[str, Any]) -> dict[str, Any]:
        await self._request()
        if self.lease is not None:
            raise Conflict("exists", status=409)
        return self.store(obj)

    async def replace(self, _kind: Any, obj: dict[str, Any]) -> dict[str, Any]:
        await self._request()
        if self.lease is None:
            raise NotFound("no such Lease", status=404)
        if obj["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            raise Conflict("changed", status=409)
        stored = self.store(obj)
        if not self.answers:
            await asyncio.Event().wait()
        return stored

    def store(self, obj: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        self.lease = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}
        return self.lease

    @property
    def holder(self) -> str:
        return self.lease["spec"]["holderIdentity"] if self.lease else ""


def candidate(server: ApiServer, identity: str, *, clock_is_off_by: timedelta = timedelta()) -> LeaseElector:
    return LeaseElector(
        server,  # type: ignore[arg-type]
        namespace="ops",
        name="gemma4-operator",
        identity=identity,
        monotonic=seconds,
        now=lambda: EPOCH + timedelta(seconds=seconds()) + clock_is_off_by,
    )


@asynccontextmanager
async def holding(elector: LeaseElector) -> AsyncIterator[asyncio.Task[Any]]:
    task = asyncio.create_task(elector.hold())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def silent(_: str) -> None:
    return None


async def acquired(elector: LeaseElector, *, within_seconds: float) -> bool:
    try:
        await asyncio.wait_for(elector.acquire(on_wait=silent), within_seconds)
    except TimeoutError:
        return False
    return True


async def test_the_first_candidate_leads_at_once() -> None:
    server = ApiServer()
    first = candidate(server, "first")
    assert await acquired(first, within_seconds=1)
    assert first.is_leader
    assert server.holder == "first"


async def test_the_second_waits_as_long_as_the_first_renews() -> None:
    server = ApiServer()
    first, second = candidate(server, "first"), candidate(server, "second")
    await first.acquire(on_wait=silent)
    async with holding(first):
        assert not await acquired(second, within_seconds=300)
        assert not second.is_leader
        assert first.is_leader


async def test_a_killed_leader_is_followed_within_twenty_seconds() -> None:
    server = ApiServer()
    first, second = candidate(server, "first"), candidate(server, "second")
    await first.acquire(on_wait=silent)
    async with holding(first):
        await asyncio.sleep(30)
    killed_at = seconds()
    assert await acquired(second, within_seconds=60)
    assert seconds() - killed_at < 20
    assert server.lease is not None
    assert server.lease["spec"]["leaseTransitions"] == 1


async def test_a_leader_that_says_goodbye_is_followed_at_once() -> None:
    server = ApiServer()
    first, second = candidate(server, "first"), candidate(server, "second")
    await first.acquire(on_wait=silent)
    await first.release()
    assert not first.is_leader
    released_at = seconds()
    assert await acquired(second, within_seconds=60)
    assert seconds() - released_at < 3


async def test_a_goodbye_in_the_middle_of_a_renewal_is_a_goodbye_all_the_same() -> None:
    """Seen in CI: the renewal was stored after its task had ended, and the successor had to wait for its end."""
    server = ApiServer()
    first, second = candidate(server, "first"), candidate(server, "second")
    await first.acquire(on_wait=silent)
    async with holding(first):
        server.answers = False
        await asyncio.sleep(3)
        server.answers = True
    await first.release()
    released_at = seconds()
    assert await acquired(second, within_seconds=60)
    assert seconds() - released_at < 3


async def test_a_renewal_that_comes_between_the_two_requests_of_a_goodbye_does_not_undo_it() -> None:
    server = ApiServer()
    first = candidate(server, "first")
    await first.acquire(on_wait=silent)
    server.late_renewals = 1
    await first.release()
    assert server.holder == ""


async def test_a_goodbye_takes_the_lease_from_nobody_else() -> None:
    server = ApiServer()
    first = candidate(server, "first")
    await first.acquire(on_wait=silent)
    assert server.lease is not None
    server.store({**server.lease, "spec": {**server.lease["spec"], "holderIdentity": "second"}})
    await first.release()
    assert server.holder == "second"


@pytest.mark.parametrize("away", ["at once", "after the first look"])
async def test_a_goodbye_that_nobody_hears_is_no_error(away: str) -> None:
    server = ApiServer()
    first = candidate(server, "first")
    await first.acquire(on_wait=silent)
    server.away_after_requests = server.requests + (away != "at once")
    await first.release()
    assert server.holder == "first"
    assert not first.is_leader


async def test_never_do_two_lead_while_the_api_server_comes_and_goes() -> None:
    server = ApiServer()
    pair = [candidate(server, "first"), candidate(server, "second")]

    async def stay_candidate(elector: LeaseElector) -> None:
        while True:
            await elector.acquire(on_wait=silent)
            await asyncio.gather(elector.hold(), return_exceptions=True)

    tasks = [asyncio.create_task(stay_candidate(elector)) for elector in pair]
    leaders: set[str] = set()
    for second in range(600):
        server.away = 40 <= second % 120 < 40 + second // 20  # outages from 2 to 30 seconds
        await asyncio.sleep(1)
        assert sum(elector.is_leader for elector in pair) <= 1
        leaders.add(server.holder)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert leaders


async def test_an_outage_shorter_than_the_deadline_is_no_loss() -> None:
    server = ApiServer()
    first = candidate(server, "first")
    await first.acquire(on_wait=silent)
    async with holding(first) as task:
        await asyncio.sleep(10)
        server.away = True
        await asyncio.sleep(7)
        server.away = False
        await asyncio.sleep(20)
        assert not task.done()
        assert first.is_leader


async def test_an_outage_longer_than_the_deadline_ends_the_process_before_another_may_lead() -> None:
    server = ApiServer()
    first = candidate(server, "first")
    await first.acquire(on_wait=silent)
    server.away = True
    went_away_at = seconds()
    with pytest.raises(LeadershipLost, match="ops/gemma4-operator"):
        await first.hold()
    assert seconds() - went_away_at < 15
    with pytest.raises(LeadershipLost):
        first.require()


async def test_a_leader_that_slept_past_its_deadline_may_not_write_when_it_wakes() -> None:
    server = ApiServer()
    first = candidate(server, "first")
    await first.acquire(on_wait=silent)
    first.require()
    await asyncio.sleep(11)  # nothing renewed: the process was stopped
    with pytest.raises(LeadershipLost):
        first.require()


@pytest.mark.parametrize("hours", [-26, -1, 1, 26])
async def test_wrong_wall_clocks_change_nothing(hours: int) -> None:
    server = ApiServer()
    first = candidate(server, "first", clock_is_off_by=timedelta(hours=hours))
    second = candidate(server, "second")
    await first.acquire(on_wait=silent)
    async with holding(first):
        assert not await acquired(second, within_seconds=120)
    assert await acquired(second, within_seconds=20)


async def test_who_waits_says_for_whom_and_only_once() -> None:
    server = ApiServer()
    first, second = candidate(server, "first"), candidate(server, "second")
    await first.acquire(on_wait=silent)
    said: list[str] = []
    async with holding(first):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(second.acquire(on_wait=said.append), 30)
    assert said == ["the Lease is held by 'first'"]


async def test_a_lease_that_cannot_be_read_is_said_and_tried_again() -> None:
    server = ApiServer()
    server.away = True
    first = candidate(server, "first")
    said: list[str] = []
    task = asyncio.create_task(first.acquire(on_wait=said.append))
    await asyncio.sleep(30)
    server.away = False
    await asyncio.wait_for(task, 5)
    assert said == ["the Lease cannot be read or written: away"]


async def test_renewing_costs_one_request() -> None:
    server = ApiServer()
    first = candidate(server, "first")
    await first.acquire(on_wait=silent)
    before = server.requests
    async with holding(first):
        await asyncio.sleep(20)
    assert server.requests - before <= 10


async def test_a_lease_that_somebody_deletes_is_made_again() -> None:
    server = ApiServer()
    first = candidate(server, "first")
    await first.acquire(on_wait=silent)
    server.lease = None
    async with holding(first) as task:
        await asyncio.sleep(8)
        assert not task.done()
    assert server.holder == "first"


async def test_a_slow_look_at_the_lease_takes_nothing_from_its_deadline() -> None:
    """Seen on a real control plane whose answers took six seconds: the Lease was lost before its first renewal."""
    server = ApiServer()
    server.slow_look_seconds = 9.0
    elector = candidate(server, "a")
    await elector.acquire(on_wait=lambda _: None)
    server.away = True
    await asyncio.sleep(9.0)
    assert elector.is_leader
    await asyncio.sleep(1.5)
    assert not elector.is_leader
