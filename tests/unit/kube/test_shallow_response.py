"""A response as kopf reads it: whole, or line by line in chunks of any size; only what is too deep is missing."""

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from gemma4_operator.kube.shallow import MOST_LEVELS, ShallowResponse, shallow

DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000
LINES = (b'{"type":"ADDED"}', b'{"object":' + DEEP + b"}", b'{"note":"' + b"x" * 300_000 + b'"}')


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async def whole(_: web.Request) -> web.Response:
        return web.Response(body=LINES[1], content_type="application/json")

    async def lines(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        data = b"\n".join(LINES) + b"\n"
        for start in range(0, len(data), 40_000):
            await response.write(data[start : start + 40_000])
        await response.write(b'{"type":"LAST"}')
        await response.write_eof()
        return response

    app = web.Application()
    app.add_routes([web.get("/whole", whole), web.get("/lines", lines)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(response_class=ShallowResponse) as made:
        yield made


async def test_a_listing_is_read_whole(session: aiohttp.ClientSession, url: str):
    async with session.get(f"{url}/whole") as response:
        assert await response.json() == json.loads(shallow(LINES[1]))


@pytest.mark.parametrize("size", [100, 2**20])
async def test_a_watch_is_read_line_by_line(session: aiohttp.ClientSession, url: str, size: int):
    async with session.get(f"{url}/lines") as response:
        data = b"".join([chunk async for chunk in response.content.iter_chunked(size)])
    read = data.splitlines()
    assert [read[0], read[2], read[3]] == [LINES[0], LINES[2], b'{"type":"LAST"}']
    assert read[1] == shallow(LINES[1])
    assert read[1].count(b"{") == MOST_LEVELS


async def test_one_that_is_closed_in_the_middle_ends_its_reader(session: aiohttp.ClientSession, url: str):
    """As kopf does when it is told to stop."""
    async with session.get(f"{url}/lines") as response:
        chunks = response.content.iter_chunked(10)
        assert await anext(chunks)
        response.close()
        with pytest.raises(aiohttp.ClientConnectionError):
            await drained(chunks)


async def drained(chunks: AsyncIterator[bytes]) -> None:
    async for _ in chunks:
        pass
