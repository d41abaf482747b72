"""What all tests share."""

import asyncio
from collections.abc import Iterator

import pytest

pytest_plugins = ["tests.cluster.fixtures", "tests.sharing"]


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Say that a synchronous test has no event loop: looptime asks for one, and asyncio would make it and leak it."""
    if pyfuncitem.get_closest_marker("asyncio") is None:
        asyncio.set_event_loop(None)
    return (yield)
