"""/healthz, /readyz and /metrics, served from the first moment on."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from gemma4_operator.runtime.metrics import Metrics

EVERYWHERE = "*"
"""The host that is every address of the machine, of both families."""


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
        return web.Response(body=await metrics.scraped(), headers={"Content-Type": "text/plain; version=0.0.4"})

    app = web.Application()
    app.add_routes([web.get("/healthz", alive), web.get("/readyz", ready), web.get("/metrics", exposition)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await _site(runner, host, port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _site(runner: web.AppRunner, host: str, port: int) -> web.BaseSite:
    return web.SockSite(runner, _everywhere(port)) if host == EVERYWHERE else web.TCPSite(runner, host, port)


def _everywhere(port: int) -> socket.socket:
    """Listen with one socket for both families, since with two a free port would be another in each.

    Pods of a cluster with IPv6 alone are asked by that address; where the kernel has no IPv6, IPv4 is all there is.
    """
    if socket.has_dualstack_ipv6():
        return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("0.0.0.0", port))
