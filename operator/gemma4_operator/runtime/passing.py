"""Which pass is under way here: each log line of a pass bears its resource and its id, however deep it is written."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from gemma4_operator.runtime.store import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One pass over one resource; `id` is no other's."""

    key: Key
    id: str


_UNDER_WAY: ContextVar[Pass | None] = ContextVar("pass", default=None)


@contextmanager
def passing(key: Key) -> Iterator[Pass]:
    """Have all that is done inside, threads of `asyncio.to_thread` included, belong to a new pass."""
    one = Pass(key=key, id=secrets.token_hex(8))
    token = _UNDER_WAY.set(one)
    try:
        yield one
    finally:
        _UNDER_WAY.reset(token)


def under_way() -> Pass | None:
    """Return the pass that this is done in; None: in none."""
    return _UNDER_WAY.get()
