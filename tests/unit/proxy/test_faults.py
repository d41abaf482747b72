"""Each fault as its client sees it, and how long a rule stays in force."""

import asyncio
import json
import time

import aiohttp
import pytest

from tests.cluster.faults import (
    WRITES,
    ApplyThenDrop,
    CutAfter,
    Delay,
    Drop,
    Hang,
    Match,
    Status,
    WatchError,
)

PODS = "/api/v1/namespaces/default/pods"
WATCH = {"watch": "true"}
SHORT = aiohttp.ClientTimeout(total=0.4)


@pytest.mark.parametrize(
    ("code", "reason"),
    [(403, "Forbidden"), (409, "Conflict"), (410, "Expired"), (429, "TooManyRequests"), (500, "InternalError")],
)
async def test_a_status_is_a_kubernetes_status(client, proxy, upstream, code, reason):
    proxy.fail(Match(), Status(code, message="no"))
    async with client.get(PODS) as got:
        body = await got.json()
    assert (got.status, body["code"], body["reason"], body["message"]) == (code, code, reason, "no")
    assert (body["kind"], body["apiVersion"], body["status"]) == ("Status", "v1", "Failure")
    assert upstream.seen == []
    assert proxy.log[0].status == code


async def test_a_status_may_say_when_to_come_back(client, proxy):
    proxy.fail(Match(), Status(429, retry_after_seconds=7))
    async with client.get(PODS) as got:
        assert got.headers["Retry-After"] == "7"
        assert (await got.json())["details"] == {"retryAfterSeconds": 7}


async def test_a_delay_passes_late(client, proxy, upstream):
    proxy.fail(Match(), Delay(0.3))
    started = time.monotonic()
    async with client.get(PODS) as got:
        assert got.status == 200
    assert time.monotonic() - started >= 0.3
    assert len(upstream.seen) == 1


async def test_a_delayed_request_whose_client_gave_up_never_arrives(client, proxy, upstream):
    proxy.fail(Match(), Delay(60))
    asked = asyncio.ensure_future(client.post(PODS))
    async with asyncio.timeout(30):
        while not proxy.open(Match()):
            await asyncio.sleep(0.01)
        asked.cancel()
        while proxy.open(Match()):  # nobody is left to hand it on
            await asyncio.sleep(0.01)
    assert upstream.seen == []
    assert (proxy.log[0].status, proxy.log[0].fault) == (None, Delay(60))


async def test_a_drop_closes_without_an_answer(client, proxy, upstream):
    proxy.fail(Match(), Drop())
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.post(PODS)
    assert upstream.seen == []
    assert proxy.log[0].fault == Drop()


@pytest.mark.parametrize("cut", [CutAfter(seconds=0.2), CutAfter(bytes=9), CutAfter(seconds=600, bytes=17)])
async def test_a_cut_resets_a_watch_in_the_middle(client, proxy, upstream, cut):
    proxy.fail(Match(watch=True), cut)
    async with client.get(PODS, params=WATCH) as watch:
        if cut.bytes:
            whole = b'{"type":"ADDED"}\n'[: cut.bytes]
            assert await watch.content.readexactly(len(whole)) == whole
        with pytest.raises(aiohttp.ClientError):
            await watch.content.read()
    await asyncio.wait_for(upstream.left.wait(), 60)


async def test_a_cut_resets_a_list_too(client, proxy):
    proxy.fail(Match(), CutAfter(bytes=3))
    async with client.get(PODS) as got:
        with pytest.raises(aiohttp.ClientError):
            await got.read()


async def test_a_cut_that_comes_too_late_cuts_nothing(client, proxy):
    proxy.fail(Match(), CutAfter(seconds=600, bytes=1000))
    async with client.get(PODS) as got:
        assert await got.json() == {"kind": "Pod"}


async def test_a_hanging_watch_swallows_its_events_and_never_ends(client, proxy, upstream):
    proxy.fail(Match(), Hang())
    async with client.get(PODS, params=WATCH) as watch:
        assert watch.status == 200
        upstream.more.set()
        await asyncio.wait_for(upstream.left.wait(), 60)
        proxy.clear()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(watch.content.readany(), 0.3)


async def test_a_hanging_write_gets_no_answer(client, proxy, upstream):
    proxy.fail(Match(), Hang())
    with pytest.raises(TimeoutError):
        await client.post(PODS, timeout=SHORT)
    assert upstream.seen == []


async def test_a_watch_error_is_an_event_in_a_good_stream(client, proxy):
    proxy.fail(Match(), WatchError(410))
    async with client.get(PODS, params=WATCH) as watch:
        assert (watch.status, watch.headers["Transfer-Encoding"]) == (200, "chunked")
        event = json.loads(await watch.content.read())
    assert event["type"] == "ERROR"
    assert (event["object"]["kind"], event["object"]["code"], event["object"]["reason"]) == ("Status", 410, "Expired")
    async with client.get(PODS) as got:
        assert await got.json() == {"kind": "Pod"}


async def test_an_ambiguous_write_is_done_but_not_answered(client, proxy, upstream):
    proxy.fail(Match(method=WRITES), ApplyThenDrop())
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.post(PODS, data=b"{}")
    assert [seen[2] for seen in upstream.seen] == [b"{}"]
    assert (proxy.log[0].status, proxy.log[0].fault) == (201, ApplyThenDrop())


async def test_cut_breaks_watches_that_are_already_open(client, proxy):
    async with client.get(PODS, params=WATCH) as watch:
        await watch.content.readline()
        assert proxy.cut(Match(watch=True, path="/nodes")) == 0
        assert proxy.cut(Match(watch=True, path="/pods")) == 1
        with pytest.raises(aiohttp.ClientError):
            await watch.content.read()


async def _statuses(client, number, method="GET", path=PODS):
    codes = []
    for _ in range(number):
        async with client.request(method, path) as got:
            codes.append(got.status)
    return codes


async def test_rules_take_turns_when_their_times_are_spent(client, proxy):
    first = proxy.fail(Match(), Status(500), times=2)
    proxy.fail(Match(), Status(409), times=1)
    assert await _statuses(client, 5) == [500, 500, 409, 200, 200]
    assert first.hits == 2


async def test_a_rule_expires(client, proxy):
    await _statuses(client, 1)  # the connection, which takes a moment to make
    proxy.clear_log()
    rule = proxy.fail(Match(), Status(500), for_seconds=0.3)
    while await _statuses(client, 1) == [500]:
        pass
    assert rule.until is not None
    assert {one.status for one in proxy.log if one.time < rule.until} <= {500}
    assert {one.status for one in proxy.log if one.time >= rule.until} == {200}


async def test_clear_takes_back_one_rule_or_all(client, proxy):
    one = proxy.fail(Match(), Status(500))
    proxy.fail(Match(), Status(409))
    proxy.clear(one)
    assert await _statuses(client, 1) == [409]
    proxy.clear()
    assert await _statuses(client, 1) == [200]


@pytest.mark.parametrize(
    ("match", "met"),
    [
        (Match(method="GET"), True),
        (Match(method=WRITES), False),
        (Match(path="/pods$"), True),
        (Match(path="^/pods"), False),
        (Match(query="limit=5"), True),
        (Match(query="limit=6"), False),
        (Match(watch=True), False),
        (Match(watch=False), True),
        (Match(user_agent="^operator/"), True),
        (Match(user_agent="kubectl"), False),
    ],
)
async def test_a_match_means_what_it_says(client, proxy, match, met):
    proxy.fail(match, Status(500))
    async with client.get(PODS, params={"limit": "5"}) as got:
        assert (got.status == 500) is met


async def test_times_hold_among_many_requests_and_many_threads(client, proxy):
    async def one() -> int:
        async with client.post(PODS) as got:
            return got.status

    await asyncio.gather(*(asyncio.to_thread(proxy.fail, Match(), Status(500), times=1) for _ in range(30)))
    codes = await asyncio.gather(*(one() for _ in range(80)))
    assert (codes.count(500), codes.count(201), proxy.count(method="POST")) == (30, 50, 80)


async def test_a_rule_may_let_the_first_requests_pass(client, proxy, upstream):
    rule = proxy.fail(Match(path="pods"), Status(503), times=1, after=2)
    answers = []
    for _ in range(4):
        async with client.get(PODS) as got:
            answers.append(got.status)
    assert answers == [200, 200, 503, 200]
    assert (rule.hits, len(upstream.seen)) == (1, 3)
