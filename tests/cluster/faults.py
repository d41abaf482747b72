"""The script of the fault proxy: which requests are met by which fault, and what was seen.

Everything here is bookkeeping behind a lock: the proxy's thread takes rules and opens records, while the tests,
in their own thread, add rules and count. A healthy API server makes none of these faults, so nothing else can prove
that the operator survives them.
"""

import asyncio
import dataclasses
import itertools
import json
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self, TypedDict

from aiohttp import web

WRITES = ("POST", "PUT", "PATCH", "DELETE")

# Where Kubernetes does not name its reason after the HTTP phrase.
_REASONS = {410: "Expired", 422: "Invalid", 500: "InternalError", 504: "Timeout"}


@dataclass(frozen=True)
class Status:
    """The request never reaches the server; the answer is an error with a Kubernetes ``Status`` body."""

    code: int
    reason: str | None = None
    message: str | None = None
    retry_after_seconds: int | None = None

    def headers(self) -> dict[str, str]:
        return {} if self.retry_after_seconds is None else {"Retry-After": str(self.retry_after_seconds)}

    def body(self) -> dict[str, object]:
        reason = self.reason or _REASONS.get(self.code) or HTTPStatus(self.code).phrase.replace(" ", "")
        details = {} if self.retry_after_seconds is None else {"retryAfterSeconds": self.retry_after_seconds}
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message or f"injected by the fault proxy: {reason}",
            "reason": reason,
            "details": details,
            "code": self.code,
        }


@dataclass(frozen=True)
class Delay:
    """The request reaches the server late; not at all where the client gives up first."""

    seconds: float


@dataclass(frozen=True)
class Drop:
    """The connection is closed without an answer; the request never reaches the server."""


@dataclass(frozen=True, kw_only=True)
class CutAfter:
    """The answer is reset in the middle: so many seconds or body bytes after its headers, whichever comes first."""

    seconds: float | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class Hang:
    """A dead peer: a watch gets its headers and then nothing for ever; any other request gets no answer at all.

    A request that is no watch does not reach the server.
    """


@dataclass(frozen=True)
class WatchError:
    """A watch is answered 200 with one ERROR event and then ends. Requests that are no watch never match."""

    code: int
    reason: str | None = None
    message: str | None = None

    def line(self) -> bytes:
        status = Status(self.code, self.reason, self.message).body()
        return json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"


@dataclass(frozen=True)
class ApplyThenDrop:
    """The ambiguous write: the server has done it, but its answer is lost."""


Fault = Status | Delay | Drop | CutAfter | Hang | WatchError | ApplyThenDrop


def sever(transport: asyncio.Transport | None, *, reset: bool) -> None:
    """Breaks a connection: as a peer that closes it, or as one that resets it."""
    if transport is None or transport.is_closing():
        return
    if reset:
        # A socket that does not linger says RST instead of FIN when it is closed.
        at_once = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    transport.abort()


@dataclass(frozen=True, kw_only=True)
class Record:
    """One request the proxy has seen.

    ``time`` is ``time.monotonic()`` at arrival. ``status`` is what the server (or a ``Status`` or ``WatchError`` fault)
    answered: None while the answer is awaited, and for ever where there was none. ``error`` says what broke
    where no fault did.
    """

    time: float
    method: str
    path: str
    query: str
    watch: bool
    user_agent: str
    content_type: str = ""
    status: int | None = None
    fault: Fault | None = None
    error: str = ""

    @classmethod
    def of(cls, request: web.BaseRequest) -> Self:
        return cls(
            time=time.monotonic(),
            method=request.method,
            path=request.path,
            query=request.query_string,
            watch=request.query.get("watch", "").lower() in {"1", "true"},
            user_agent=request.headers.get("User-Agent", ""),
            content_type=request.headers.get("Content-Type", ""),
        )


@dataclass(frozen=True, kw_only=True)
class Match:
    """Which requests are meant; what is left out matches all. The strings but ``method`` are searched regexes."""

    method: str | tuple[str, ...] | None = None
    path: str | None = None
    query: str | None = None
    watch: bool | None = None
    user_agent: str | None = None

    def accepts(self, record: Record) -> bool:
        methods = (self.method,) if isinstance(self.method, str) else self.method
        texts = ((self.path, record.path), (self.query, record.query), (self.user_agent, record.user_agent))
        return (
            (methods is None or record.method in methods)
            and (self.watch is None or record.watch is self.watch)
            and all(pattern is None or re.search(pattern, text) for pattern, text in texts)
        )


class Terms(TypedDict, total=False):
    """The terms of ``Match``, for asking in one line."""

    method: str | tuple[str, ...]
    path: str
    query: str
    watch: bool
    user_agent: str


@dataclass(kw_only=True, eq=False)
class Rule:
    """A fault in force: the handle that ``fail`` returns. ``hits`` says how many requests it has met.

    Before the first of them it lets ``after`` pass that it could have met.
    """

    match: Match
    fault: Fault
    times: int | None
    until: float | None
    after: int = 0
    hits: int = 0

    def meets(self, record: Record) -> bool:
        spent = self.times is not None and self.hits >= self.times
        expired = self.until is not None and record.time >= self.until
        misfit = isinstance(self.fault, WatchError) and not record.watch
        return not (spent or expired or misfit) and self.match.accepts(record)


class Script:
    """The rules, oldest first: the first one that meets a request takes it, and a spent one lets the next take over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def add(self, match: Match, fault: Fault, *, times: int | None, for_seconds: float | None, after: int = 0) -> Rule:
        until = None if for_seconds is None else time.monotonic() + for_seconds
        rule = Rule(match=match, fault=fault, times=times, until=until, after=after)
        with self._lock:
            self._rules.append(rule)
        return rule

    def remove(self, *rules: Rule) -> None:
        with self._lock:
            self._rules = [rule for rule in self._rules if rule not in rules] if rules else []

    def take(self, record: Record) -> Fault | None:
        with self._lock:
            for rule in self._rules:
                if not rule.meets(record):
                    continue
                if rule.after:
                    rule.after -= 1
                    continue
                rule.hits += 1
                return rule.fault
        return None


class Ledger:
    """Every request in order of arrival; a record is replaced, never changed, once its outcome is known."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._records: dict[int, Record] = {}

    def open(self, record: Record) -> int:
        with self._lock:
            number = next(self._numbers)
            self._records[number] = record
            return number

    def note(self, number: int, **outcome: Any) -> None:
        with self._lock:
            # A test may have emptied the ledger meanwhile: then nobody asks for this outcome any more.
            if number in self._records:
                self._records[number] = dataclasses.replace(self._records[number], **outcome)

    def empty(self) -> None:
        with self._lock:
            self._records.clear()

    def records(self) -> list[Record]:
        with self._lock:
            return list(self._records.values())
