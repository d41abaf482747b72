"""Expositions of engines, read over a real connection: whole, in bounds, and from nowhere else."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from gemma4_operator.runtime import scrape
from gemma4_operator.runtime.scrape import Scraper

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def engine(answer: Answer) -> AsyncIterator[int]:
    """Yield the port of a server that answers so under /metrics."""
    app = web.Application()
    app.router.add_get("/metrics", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.fixture
async def scraper() -> AsyncIterator[Scraper]:
    one = Scraper(timeout_seconds=60.0)
    yield one
    await one.close()


async def read(scraper: Scraper, port: int) -> bytes | None:
    return await scraper.read(address="127.0.0.1", port=port, path="/metrics")


async def test_what_an_engine_says_is_read_whole(scraper: Scraper) -> None:
    text = "vllm:a 1.0\n" * 50_000

    async def says(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text)

    async with engine(says) as port:
        assert await read(scraper, port) == text.encode()


async def test_an_answer_without_end_is_none(scraper: Scraper) -> None:
    """A part of it would be a part of each sum."""
    sent = 0

    async def floods(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(2**10):
            await response.write(b"x" * 2**17)
            sent += 2**17
        return response

    async with engine(floods) as port:
        assert await read(scraper, port) is None
    assert sent < 4 * scrape.MOST_BYTES


@pytest.mark.parametrize(("more", "taken"), [(0, True), (1, False)])
async def test_so_is_one_that_is_a_byte_too_long(scraper: Scraper, more: int, taken: bool) -> None:
    async def says(_: web.Request) -> web.StreamResponse:
        return web.Response(body=bytes(scrape.MOST_BYTES + more))

    async with engine(says) as port:
        assert (await read(scraper, port) is not None) is taken


async def test_an_answer_that_breaks_off_is_none(scraper: Scraper) -> None:
    async def breaks(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"vllm:a 1.0\n")
        assert request.transport is not None
        request.transport.close()
        return response

    async with engine(breaks) as port:
        assert await read(scraper, port) is None


async def test_a_slow_answer_is_none_in_time() -> None:
    async def drips(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"vllm:a 1.0\n")
            await asyncio.sleep(0.02)

    scraper = Scraper(timeout_seconds=0.2)
    async with engine(drips) as port:
        async with asyncio.timeout(60):
            assert await read(scraper, port) is None
        await scraper.close()


async def test_a_packed_answer_is_not_unpacked(scraper: Scraper) -> None:
    """Nobody asked for it, and four kilobytes may become as many megabytes."""
    asked = {}

    async def packs(request: web.Request) -> web.StreamResponse:
        asked.update(request.headers)
        return web.Response(body=gzip.compress(bytes(2**22)), headers={"Content-Encoding": "gzip"})

    async with engine(packs) as port:
        said = await read(scraper, port)
    assert said is not None
    assert len(said) < 2**14
    assert asked["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(scraper: Scraper, status: int) -> None:
    asked = []

    async def secret(_: web.Request) -> web.StreamResponse:
        asked.append("secret")
        return web.Response(text="vllm:a 1.0\n")

    async with engine(secret) as inside:

        async def elsewhere(_: web.Request) -> web.StreamResponse:
            return web.Response(status=status, headers={"Location": f"http://127.0.0.1:{inside}/metrics"})

        async with engine(elsewhere) as port:
            assert await read(scraper, port) is None
    assert asked == []


async def test_what_one_pod_sets_another_does_not_get(scraper: Scraper) -> None:
    """They share a session."""
    cookies = []

    async def sets(request: web.Request) -> web.StreamResponse:
        cookies.append(request.headers.get("Cookie"))
        response = web.Response(text="vllm:a 1.0\n")
        response.set_cookie("mine", "1")
        return response

    async with engine(sets) as port:
        await read(scraper, port)
        await read(scraper, port)
    assert cookies == [None, None]


@pytest.mark.parametrize("status", [204, 401, 404, 500])
async def test_another_answer_is_none(scraper: Scraper, status: int) -> None:
    async def refuses(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    async with engine(refuses) as port:
        assert await read(scraper, port) is None


async def test_where_nobody_listens_there_is_none(scraper: Scraper) -> None:
    assert await read(scraper, 1) is None
    assert await scraper.read(address="::1", port=1, path="/metrics") is None


async def test_proxies_of_the_environment_are_not_asked(scraper: Scraper, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def says(request: web.Request) -> web.StreamResponse:
        asked.append(request.host)
        return web.Response(text="vllm:a 1.0\n")

    async with engine(says) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        assert await scraper.read(address="127.0.0.2", port=1, path="/metrics") is None
    assert asked == []


@pytest.mark.parametrize(
    "address",
    ["", "localhost", "no address", "127.0.0.1/../", "127.0.0.1:80@", "user@127.0.0.1", "2130706433", "0x7f.1"],
)
async def test_only_addresses_are_asked_and_never_names(scraper: Scraper, address: str) -> None:
    asked = []

    async def says(_: web.Request) -> web.StreamResponse:
        asked.append(address)
        return web.Response(text="vllm:a 1.0\n")

    async with engine(says) as port:
        assert await scraper.read(address=address, port=port, path="/metrics") is None
    assert asked == []


async def test_only_so_many_are_read_at_once() -> None:
    at_work, most = 0, 0
    all_at_work = asyncio.Event()

    async def says(_: web.Request) -> web.StreamResponse:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        if at_work == 3:
            all_at_work.set()
        await asyncio.wait_for(all_at_work.wait(), 60)
        await asyncio.sleep(0.01)
        at_work -= 1
        return web.Response(text="vllm:a 1.0\n")

    scraper = Scraper(at_once=3, timeout_seconds=60.0)
    async with engine(says) as port:
        answers = await asyncio.gather(*(read(scraper, port) for _ in range(20)))
        await scraper.close()
    assert answers == [b"vllm:a 1.0\n"] * 20
    assert most == 3


async def test_waiting_for_a_place_is_not_the_pods_fault() -> None:
    async def says(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.4)
        return web.Response(text="vllm:a 1.0\n")

    scraper = Scraper(at_once=1, timeout_seconds=2.0)
    async with engine(says) as port:
        answers = await asyncio.gather(*(read(scraper, port) for _ in range(7)))
        await scraper.close()
    assert None not in answers


async def test_an_answer_is_as_old_as_its_question_and_not_as_the_wait_for_a_place() -> None:
    """Read as older than it is, the next one would look like much that came in a moment."""
    moments, clock = [], [0.0]

    async def says(_: web.Request) -> web.StreamResponse:
        moments.append(clock[0])
        clock[0] += 10.0
        return web.Response(text="vllm:a 1.0\n")

    scraper = Scraper(at_once=1, timeout_seconds=60.0, monotonic=lambda: clock[0])
    async with engine(says) as port:
        asking = (scraper.ask(address="127.0.0.1", port=port, path="/metrics") for _ in range(4))
        answers = await asyncio.gather(*asking)
        await scraper.close()
    assert [answer.asked_seconds for answer in answers if answer is not None] == moments == [0.0, 10.0, 20.0, 30.0]


async def test_the_next_question_takes_the_same_connection(scraper: Scraper) -> None:
    """A new one costs CPU time, of five hundred pods every five seconds."""
    asked = []

    async def says(request: web.Request) -> web.StreamResponse:
        asked.append(request.transport)
        return web.Response(text="vllm:a 1.0\n")

    async with engine(says) as port:
        for _ in range(3):
            assert await read(scraper, port) == b"vllm:a 1.0\n"
    assert len(asked) == 3
    assert len(set(asked)) == 1


@pytest.mark.parametrize("sees_the_question", [False, True])
async def test_one_that_its_engine_closes_meanwhile_is_opened_anew(scraper: Scraper, sees_the_question: bool) -> None:
    """It rests for about as long as some engines keep one, so that a question and the end may pass each other."""
    opened = 0
    said = b"vllm:a 1.0\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(said)}\r\n\r\n".encode()

    async def answers_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + said)
        if sees_the_question:
            await reader.read(1)
        writer.close()

    async with await asyncio.start_server(answers_once, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for times in (1, 2, 3):
            assert await read(scraper, port) == said
            assert opened == times
        await scraper.close()


async def test_after_the_end_there_may_be_another_beginning(scraper: Scraper) -> None:
    async def says(_: web.Request) -> web.StreamResponse:
        return web.Response(text="vllm:a 1.0\n")

    async with engine(says) as port:
        await read(scraper, port)
        await scraper.close()
        assert await read(scraper, port) == b"vllm:a 1.0\n"
