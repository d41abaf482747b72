"""A small upstream that plays the API server, in the test's own loop, and a proxy in front of it."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from tests.cluster.proxy import FaultProxy


@dataclass
class Upstream:
    """Remembers what reached it; ``more`` lets its watches go on to their second event."""

    url: str = ""
    seen: list[tuple[str, str, bytes, dict[str, str]]] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.method, request.raw_path, await request.read(), dict(request.headers)))
        if request.query.get("watch") == "true":
            return await self._watch(request)
        headers = [("Warning", '299 - "one"'), ("Warning", '299 - "two"'), ("Audit-Id", "a1")]
        return web.json_response({"kind": "Pod"}, status=201 if request.method == "POST" else 200, headers=headers)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        try:
            with contextlib.suppress(ConnectionError):
                await response.prepare(request)
                if "silent" not in request.path:
                    await response.write(b'{"type":"ADDED"}\n')
                await self.more.wait()
                await response.write(b'{"type":"MODIFIED"}\n')
        finally:
            self.left.set()
        return response


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream()
    application = web.Application(client_max_size=0)
    application.router.add_route("*", "/{path:.*}", upstream.answer)
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    upstream.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield upstream
    await runner.cleanup()


@pytest.fixture
def proxy(upstream: Upstream) -> Iterator[FaultProxy]:
    with FaultProxy(upstream=upstream.url) as proxy:
        yield proxy


@pytest.fixture
async def client(proxy: FaultProxy) -> AsyncIterator[aiohttp.ClientSession]:
    strict = ssl.create_default_context(cafile=proxy.ca)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    connector = aiohttp.TCPConnector(ssl=strict)
    headers = {"Authorization": "Bearer t0ken", "User-Agent": "operator/1"}
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(proxy.server, connector=connector, headers=headers, timeout=timeout) as session:
        yield session
