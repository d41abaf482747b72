"""A scripted proxy in front of a real kube-apiserver, for the faults that a healthy server does not make.

It lives in a thread and an event loop of its own, so that sync fixtures, async tests and an operator in a subprocess
can all talk to it. Bearer tokens pass untouched; client certificates cannot pass a proxy that ends TLS, so kubeconfigs
must use a token. Requests for a protocol upgrade (exec, port-forward) are refused with 501.
"""

import asyncio
import atexit
import contextlib
import dataclasses
import functools
import io
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import NoReturn, Self, Unpack

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from tests.cluster import faults
from tests.cluster.faults import Fault, Ledger, Match, Record, Rule, Script, Terms

_PATIENCE_SECONDS = 40
# These headers speak of one connection, and this side's are not the other side's.
_HOP = frozenset({"connection", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})


@functools.cache
def identity() -> tuple[Path, Path]:
    """Returns this process's certificate, which is its own CA, and key; a restarted proxy stays trusted."""
    home = Path(tempfile.mkdtemp(prefix="fault-proxy-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    certificate, key = home / "ca.crt", home / "tls.key"
    # Python 3.13 verifies strictly, and then a CA must say what its key is for.
    usage = ["-addext", "keyUsage=critical,digitalSignature,keyCertSign", "-addext", "extendedKeyUsage=serverAuth"]
    names = ["-subj", "/CN=fault-proxy", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    pair = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", *pair, *names, *usage]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@dataclasses.dataclass(eq=False)
class _Exchange:
    """One request in flight. A frozen one goes on reading from the server but tells its client nothing."""

    request: web.Request
    record: Record
    number: int
    frozen: bool = False

    def sever(self, *, reset: bool) -> web.Response:
        faults.sever(self.request.transport, reset=reset)
        return web.Response()  # aiohttp wants an answer even where nobody is left to read it

    async def relay(self, answer: aiohttp.ClientResponse, response: web.StreamResponse, left: int | None) -> bool:
        """Passes chunks on as they come; returns whether the answer ended before ``left`` bytes had passed."""
        while left != 0 and (chunk := (await answer.content.readany())[:left]):
            if not self.frozen:
                await response.write(chunk)
            left = None if left is None else left - len(chunk)
        if self.frozen:
            await _for_ever()
        return left != 0


class FaultProxy:
    """``with FaultProxy(upstream=..., ca=...) as proxy``, or ``start`` and ``stop``; in async tests too."""

    def __init__(self, *, upstream: str, ca: Path | None = None) -> None:
        self._upstream = upstream.rstrip("/")
        self._trust = ssl.create_default_context(cafile=ca)
        self._offer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._offer.load_cert_chain(*identity())
        self._port = 0
        self._script = Script()
        self._ledger = Ledger()
        self._live: set[_Exchange] = set()
        self._thread: threading.Thread | None = None

    @property
    def server(self) -> str:
        """The address for a kubeconfig; a restart keeps it."""
        return f"https://127.0.0.1:{self._port}"

    @property
    def ca(self) -> Path:
        """The CA file for a kubeconfig."""
        return identity()[0]

    @property
    def log(self) -> list[Record]:
        return self._ledger.records()

    def fail(
        self,
        match: Match,
        fault: Fault,
        *,
        times: int | None = None,
        for_seconds: float | None = None,
        after: int = 0,
    ) -> Rule:
        """Meets new requests with a fault, so often or so long; rules are tried in the order they were added.

        The first ``after`` requests that match pass unharmed.
        """
        return self._script.add(match, fault, times=times, for_seconds=for_seconds, after=after)

    def clear(self, *rules: Rule) -> None:
        """Takes these rules back, or all. What they have already done to open requests stays done."""
        self._script.remove(*rules)

    def clear_log(self) -> None:
        self._ledger.empty()

    def records(self, **terms: Unpack[Terms]) -> list[Record]:
        return [record for record in self.log if Match(**terms).accepts(record)]

    def count(self, **terms: Unpack[Terms]) -> int:
        return len(self.records(**terms))

    def cut(self, match: Match) -> int:
        """Resets the connections of open requests, watches above all; says how many."""

        async def act() -> int:
            return len([one.sever(reset=True) for one in self._live if match.accepts(one.record)])

        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(_PATIENCE_SECONDS)

    def open(self, match: Match) -> int:
        """Returns how many requests have no whole answer yet: those that hang, and watches."""
        return len([one for one in list(self._live) if match.accepts(one.record)])

    def start(self) -> Self:
        """Returns once the proxy listens."""
        ready: Future[None] = Future()
        thread = threading.Thread(target=asyncio.run, args=(self._live_out(ready),), name="fault-proxy", daemon=True)
        thread.start()
        ready.result(_PATIENCE_SECONDS)
        self._thread = thread  # only now: there is nothing to stop where the start has failed
        return self

    def stop(self) -> None:
        """Closes every connection and returns once the thread has ended. The rules and the log remain."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_PATIENCE_SECONDS)
            if self._thread.is_alive():
                raise TimeoutError("the fault proxy does not stop")
            self._thread = None

    __enter__ = start

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _live_out(self, ready: Future[None]) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        application = web.Application(client_max_size=0)
        application.router.add_route("*", "/{path:.*}", self._handle)
        # A client that hangs up cancels its handler, and so the request upstream: a watch must not outlive its client.
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._trust),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            timeout=aiohttp.ClientTimeout(),
        ) as self._session:
            await runner.setup()
            try:
                listener = socket.create_server(("127.0.0.1", self._port))
                await web.SockSite(runner, listener, ssl_context=self._offer).start()
                self._port = listener.getsockname()[1]
                ready.set_result(None)
                await self._stopping.wait()
                await self._hang_up(listener)
            except OSError as error:
                ready.set_exception(error)
            finally:
                await runner.cleanup()

    async def _hang_up(self, listener: socket.socket) -> None:
        # A closing server in asyncio leaks what it has accepted a moment ago and what is amid its TLS handshake.
        # So: accept no more, let all get a transport, and abort them by the only list there is.
        self._loop.remove_reader(listener)
        await asyncio.sleep(0)
        for transport in list(getattr(self._loop, "_transports", {}).values()):
            transport.abort()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        # Read before any fault: closing a socket with unread bytes would make a reset of every clean close.
        body = await request.read()
        record = Record.of(request)
        fault = faults.Status(501) if "Upgrade" in request.headers else self._script.take(record)
        record = dataclasses.replace(record, fault=fault)
        exchange = _Exchange(request, record, self._ledger.open(record))
        self._live.add(exchange)
        try:
            return await self._meet(exchange, body)
        except (aiohttp.ClientError, OSError) as error:
            # Either side has gone. A client without a proxy would see its connection break too, not a 502.
            self._ledger.note(exchange.number, error=repr(error))
            if exchange.frozen:
                await _for_ever()
            return exchange.sever(reset=True)
        finally:
            self._live.discard(exchange)

    async def _meet(self, exchange: _Exchange, body: bytes) -> web.StreamResponse:
        match exchange.record.fault:
            case faults.Status() as fault:
                self._ledger.note(exchange.number, status=fault.code)
                return web.json_response(fault.body(), status=fault.code, headers=fault.headers())
            case faults.WatchError() as fault:
                self._ledger.note(exchange.number, status=200)
                answer = web.Response(body=fault.line(), content_type="application/json")
                answer.enable_chunked_encoding()
                return answer
            case faults.Drop():
                return exchange.sever(reset=False)
            case faults.Hang() if exchange.record.watch:
                exchange.frozen = True
            case faults.Hang():
                await _for_ever()
            case faults.Delay(seconds):
                await asyncio.sleep(seconds)
        return await self._forward(exchange, body)

    async def _forward(self, exchange: _Exchange, body: bytes) -> web.StreamResponse:
        request, fault = exchange.request, exchange.record.fault
        url = URL(self._upstream + request.raw_path, encoded=True)
        data = io.BytesIO(body) if body else None
        sent = _passing(request.headers)
        async with self._session.request(request.method, url, headers=sent, data=data, allow_redirects=False) as answer:
            self._ledger.note(exchange.number, status=answer.status)
            if isinstance(fault, faults.ApplyThenDrop):
                return exchange.sever(reset=False)
            response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=_passing(answer.headers))
            await response.prepare(request)
            cut = fault if isinstance(fault, faults.CutAfter) else faults.CutAfter()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(cut.seconds):
                    if await exchange.relay(answer, response, cut.bytes):
                        await response.write_eof()
                        return response
            return exchange.sever(reset=True)


async def _for_ever() -> NoReturn:
    while True:
        await asyncio.sleep(3600)


def _passing(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _HOP)
