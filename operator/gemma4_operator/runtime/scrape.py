"""What engines publish of themselves, read over HTTP from the pods that are ours, and from nowhere else.

An address comes from a pod's status, which its kubelet writes, and never from a resource. An answer is taken for what
it is: bytes of an engine, of bounded size, within bounded time, from that very address.
"""

import asyncio
import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

MOST_BYTES = 2 * 2**20
"""vLLM's exposition has some hundred kilobytes."""
AT_ONCE = 64
"""How many pods are read at the same time, of all resources; that many answers there may be in memory."""
TIMEOUT_SECONDS = 3.0
_CONNECT_SECONDS = 1.0
_IDLE_SECONDS = 15.0
"""How long a connection waits for the next question: some rounds, after which its pod is asked no more."""
_BUFFER_BYTES = 2**18


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine said, and when it was asked: what it says may be as old as that, and is never older."""

    data: bytes
    asked_seconds: float


class Scraper:
    """Reads expositions. Proxies of the environment are for the world outside, and not for pods.

    Args:
        at_once: How many reads there may be at the same time; the others wait.
        timeout_seconds: What one may take from its connection to its last byte.
        monotonic: The clock by which answers are stamped.
    """

    def __init__(
        self,
        *,
        at_once: int = AT_ONCE,
        timeout_seconds: float = TIMEOUT_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._places = asyncio.Semaphore(at_once)
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds, connect=min(_CONNECT_SECONDS, timeout_seconds))
        self._session: aiohttp.ClientSession | None = None

    async def read(self, *, address: str, port: int, path: str) -> bytes | None:
        """Return what an engine says under a path; None: it does not answer, or not with that, or without end."""
        answer = await self.ask(address=address, port=port, path=path)
        return answer.data if answer is not None else None

    async def ask(self, *, address: str, port: int, path: str) -> Answer | None:
        """Return the same with the moment of the question, before which it may have waited for a place here."""
        url = _url(address, port, path)
        if url is None:
            return None
        async with self._places:
            asked_seconds = self._monotonic()
            try:
                async with self._shared().get(url, allow_redirects=False) as answer:
                    data = await body(answer, most_bytes=MOST_BYTES) if answer.status == 200 else None
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
                return None
        return Answer(data, asked_seconds) if data is not None else None

    async def close(self) -> None:
        """End the session; what is being read then gives None, and a later read begins another."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _shared(self) -> aiohttp.ClientSession:
        """Return the one session, made where a loop runs."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                trust_env=False,
                # What one pod sets is no matter of another.
                cookie_jar=aiohttp.DummyCookieJar(),
                # A new connection for each question costs CPU time. One that an engine has closed is opened anew.
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS),
                # Packing would cost the engine time, and make a small answer a large one here.
                headers={"Accept": "text/plain", "Accept-Encoding": "identity"},
                auto_decompress=False,
                # A whole answer at once, and not by halves with a pause in between.
                read_bufsize=_BUFFER_BYTES,
            )
        return self._session


def _url(address: str, port: int, path: str) -> str | None:
    """Return where to ask; None: that is no address, and no name is ever looked up."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return None
    return f"http://[{known}]:{port}{path}" if known.version == 6 else f"http://{known}:{port}{path}"


async def body(answer: aiohttp.ClientResponse, *, most_bytes: int) -> bytes | None:
    """Return all of an answer, since half of a sum is a lie; None: it is longer than that."""
    parts, size = [], 0
    async for part in answer.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > most_bytes:
            return None
    return b"".join(parts)
