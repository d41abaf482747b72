"""What engines publish of themselves, read over HTTP from the pods that are ours, and from nowhere else.

An address comes from a pod's status, which its kubelet writes, and never from a resource. An answer is taken for what
it is: text of an engine, of bounded size, within bounded time, from that very address.
"""

import aiohttp

MOST_BYTES = 4 * 2**20
"""vLLM's exposition has some hundred kilobytes."""
_TIMEOUT = aiohttp.ClientTimeout(total=5.0, connect=2.0)


class Scraper:
    """Reads expositions. Proxies of the environment are for the world outside, and not for pods."""

    async def read(self, *, address: str, port: int, path: str) -> str | None:
        """Return what an engine says under a path; None: it does not answer, or not with that."""
        host = f"[{address}]" if ":" in address else address
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=False) as session,
                session.get(f"http://{host}:{port}{path}", allow_redirects=False) as answer,
            ):
                data = await answer.content.read(MOST_BYTES) if answer.status == 200 else b""
                while data and not answer.content.at_eof() and len(data) < MOST_BYTES:
                    data += await answer.content.read(MOST_BYTES - len(data))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None
        return data.decode(errors="replace") or None
