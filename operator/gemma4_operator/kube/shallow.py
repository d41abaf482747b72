"""JSON from the API server, cut where it nests deeper than any object that makes sense.

The API server takes objects of ten thousand levels where a schema leaves a field open. Python's reader of JSON gives up
at a thousand, and so does all that compares or copies what was read: one such object in any namespace would end every
watch and every listing of its kind. So what lies too deep is read as null, and whoever reads the rest can say so.
"""

import re
from collections.abc import AsyncIterator
from typing import Any, Self, cast

import aiohttp
from aiohttp.connector import Connection

MOST_LEVELS = 200
"""More than ten times what a pod template has; a pass takes a few of Python's own levels for each."""
_OTHERS = bytes(set(range(256)) - set(b"{}[]"))
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)


def shallow(data: bytes) -> bytes:
    """Return JSON without what lies deeper than `MOST_LEVELS`; nearly always the same bytes."""
    return data if _is_shallow(data) else b"".join(_kept(data))


def _is_shallow(data: bytes) -> bool:
    """Whether nothing lies too deep; False where texts with brackets in them leave a doubt.

    Each round takes away the innermost pairs, so what is left after some rounds nests at least that deep, and at most
    by its own length deeper.
    """
    brackets = data.translate(None, _OTHERS)
    for level in range(MOST_LEVELS):
        if level + len(brackets) <= MOST_LEVELS:
            return True
        fewer = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if len(fewer) == len(brackets):
            break
        brackets = fewer
    return False


def _kept(data: bytes) -> list[bytes]:
    """Return the parts that stay, with a null for each that goes."""
    parts: list[bytes] = []
    level = start = 0
    for token in _TOKENS.finditer(data):
        if token[0] in b"{[":
            level += 1
            if level == MOST_LEVELS + 1:
                parts += (data[start : token.start()], b"null")
        elif token[0] in b"}]":
            level -= 1
            if level == MOST_LEVELS:
                start = token.end()
    return [*parts, data[start:]]


class _Content:
    """What a response reads from, as far as kopf and the response itself use it: whole, or in chunks of whole lines."""

    def __init__(self, reader: aiohttp.StreamReader) -> None:
        self._reader = reader

    async def read(self) -> bytes:
        return shallow(await self._reader.read())

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        unfinished: list[bytes] = []
        async for data in self._reader.iter_chunked(size):
            whole, end, rest = data.rpartition(b"\n")
            if end:
                lines = b"".join((*unfinished, whole)).split(b"\n")
                yield b"".join(shallow(line) + b"\n" for line in lines)
                unfinished = []
            unfinished.append(rest)
        yield shallow(b"".join(unfinished))

    def exception(self) -> Any:
        return self._reader.exception()

    def set_exception(self, *told: Any) -> None:
        self._reader.set_exception(*told)


class ShallowResponse(aiohttp.ClientResponse):
    """A response of which kopf, which has a reader of its own, sees nothing that lies too deep."""

    async def start(self, connection: Connection) -> Self:
        """Take the headers, and put the cut between the content and its readers."""
        await super().start(connection)
        self.content = cast("aiohttp.StreamReader", _Content(self.content))
        return self
