"""/healthz, /readyz and /metrics, served from the first moment on."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from gemma4_operator.runtime.metrics import Metrics


@asynccontextmanager
async def serve_health(
    *, host: str, port: int, metrics: Metrics, state: Callable[[], str], is_ready: Callable[[], bool]
) -> AsyncIterator[int]:
    """Serve while the context lasts; yields the port.

    Alive is who answers: every task of the process shares its fate, so a process in which one has died is gone. Ready
    is who leads and has listed everything, or who stands by for the Lease.
    """

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        return web.Response(text=f"{state()}\n", status=200 if is_ready() else 503)

    async def exposition(_: web.Request) -> web.Response:
        return web.Response(body=metrics.exposition(), headers={"Content-Type": "text/plain; version=0.0.4"})

    app = web.Application()
    app.add_routes([web.get("/healthz", alive), web.get("/readyz", ready), web.get("/metrics", exposition)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
