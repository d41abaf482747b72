"""Expositions of engines, read over a real connection: whole, in bounds, and from nowhere else."""

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
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def read(port: int) -> str | None:
    return await Scraper().read(address="127.0.0.1", port=port, path="/metrics")


async def test_what_an_engine_says_is_read_whole() -> None:
    text = "vllm:a 1.0\n" * 50_000

    async def says(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text)

    async with engine(says) as port:
        assert await read(port) == text


async def test_an_answer_without_end_is_cut() -> None:
    async def floods(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(64):
            await response.write(b"x" * 2**17)
        return response

    async with engine(floods) as port:
        said = await read(port)
    assert said is not None
    assert len(said) == scrape.MOST_BYTES


async def test_no_redirect_is_followed() -> None:
    async def elsewhere(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("http://169.254.169.254/latest/meta-data")

    async with engine(elsewhere) as port:
        assert await read(port) is None


@pytest.mark.parametrize("status", [204, 401, 404, 500])
async def test_another_answer_is_none(status: int) -> None:
    async def refuses(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    async with engine(refuses) as port:
        assert await read(port) is None


async def test_where_nobody_listens_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert await read(1) is None
    assert await Scraper().read(address="::1", port=1, path="/metrics") is None
    assert await Scraper().read(address="no address", port=1, path="/metrics") is None
