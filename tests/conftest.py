"""What all tests share."""

import asyncio
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.cluster.fixtures", "tests.sharing"]

# Every run looks at other examples, so few in each make many; HYPOTHESIS_PROFILE=thorough looks at many at once.
# CI looks at the same in each run: a change is judged by itself, and not by the luck of the day.
# Neither is a test judged by how long it takes: the machine may be slow.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", UNTIMED, max_examples=30, derandomize=bool(os.environ.get("CI")))
settings.register_profile("thorough", UNTIMED, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Say that a synchronous test has no event loop: looptime asks for one, and asyncio would make it and leak it."""
    if pyfuncitem.get_closest_marker("asyncio") is None:
        asyncio.set_event_loop(None)
    return (yield)
