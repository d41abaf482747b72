"""What fails where nobody waits for it: told with its traceback, unless it is kopf's own, of which nothing comes."""

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine

import kopf
import pytest
from kopf._cogs.clients import api as clients
from kopf._cogs.clients import scanning

from gemma4_operator.runtime.loop import failed


def callback_of(path: str, body: str) -> Callable[[], None]:
    """Return a callback that a file of this name would have."""
    names: dict[str, Callable[[], None]] = {}
    exec(compile(f"def callback():\n    {body}\n", path, "exec"), names)
    return names["callback"]


def said(callback: Callable[[], None], caplog: pytest.LogCaptureFixture) -> list[str]:
    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(failed)
        asyncio.get_running_loop().call_soon(callback)
        for _ in range(3):
            await asyncio.sleep(0)
        gc.collect()

    with caplog.at_level(logging.INFO):
        asyncio.run(run())
    return [f"{record.name}: {record.getMessage()}" for record in caplog.records]


def test_kopfs_own_slip_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    assert said(callback_of(clients.__file__, "assert None"), caplog) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (clients.__file__, "raise ValueError('else')"),
        (kopf.__file__, "assert None"),
        ("/app/gemma4_operator/runtime/queue.py", "assert None"),
    ],
)
def test_all_else_is_told(path: str, body: str, caplog: pytest.LogCaptureFixture) -> None:
    (line,) = said(callback_of(path, body), caplog)
    assert line.startswith("asyncio: Exception in callback")


def scan_of(path: str) -> Callable[[], None]:
    """Return a callback that begins a task of a file of this name, which fails and is asked by nobody."""
    names: dict[str, Callable[[], Coroutine[None, None, None]]] = {}
    exec(compile("async def scan():\n    raise OSError('reset by peer')\n", path, "exec"), names)

    def begin() -> None:
        asyncio.ensure_future(names["scan"]())  # noqa: RUF006  -- nobody keeps it

    return begin


def test_of_a_scan_that_was_cut_only_its_first_failure_is_news(caplog: pytest.LogCaptureFixture) -> None:
    assert said(scan_of(scanning.__file__), caplog) == []


def test_other_tasks_that_nobody_asks_are_told(caplog: pytest.LogCaptureFixture) -> None:
    (line,) = said(scan_of("/app/gemma4_operator/runtime/queue.py"), caplog)
    assert line.startswith("asyncio: Task exception was never retrieved")


async def test_a_scan_still_leaves_failures_unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    """When kopf hears all of them, that part of this module has no purpose any more."""

    async def cut(*_: object, **__: object) -> None:
        raise OSError("reset by peer")

    met: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: met.append(str(context["exception"])))
    monkeypatch.setattr(clients, "get", cut)
    with pytest.raises(OSError, match="reset by peer"):
        await scanning.scan_resources(settings=kopf.OperatorSettings(), logger=logging.getLogger("x"))
    await asyncio.sleep(0)
    gc.collect()
    assert met == ["reset by peer"]


def test_the_slip_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """When kopf has mended it, this module has no purpose any more."""

    async def never(**_: object) -> None:
        await asyncio.sleep(60)

    async def run() -> list[str]:
        met: list[str] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: met.append(type(context["exception"]).__name__))
        stopper = loop.create_future()
        stream = clients.stream("/", settings=kopf.OperatorSettings(), stopper=stopper, logger=logging.getLogger("x"))
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        stopper.set_result(None)
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return met

    monkeypatch.setattr(clients, "request", never)
    assert asyncio.run(run()) == ["AssertionError"]
