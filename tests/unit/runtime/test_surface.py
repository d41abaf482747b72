"""What the process shows: health, metrics, log lines."""

import asyncio
import json
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from gemma4_operator.runtime.health import serve_health
from gemma4_operator.runtime.logs import configure
from gemma4_operator.runtime.metrics import Metrics
from gemma4_operator.runtime.passing import passing, under_way
from gemma4_operator.runtime.settings import LogFormat, LogLevel
from gemma4_operator.runtime.store import Key


def metrics(*, leader: bool = True) -> Metrics:
    return Metrics(
        version="1.2.3",
        lease="ops/first",
        queue_depth=lambda: 3,
        queue_oldest_seconds=lambda: 1.5,
        is_leader=lambda: leader,
        resources=lambda: (),
        latencies=lambda _: None,
    )


@pytest.mark.parametrize(("ready", "code"), [(True, 200), (False, 503)])
async def test_ready_is_what_the_state_says(ready: bool, code: int) -> None:
    async with (
        serve_health(
            host="127.0.0.1", port=0, metrics=metrics(), state=lambda: "leading", is_ready=lambda: ready
        ) as port,
        aiohttp.ClientSession() as session,
    ):
        async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
            assert answer.status == code
            assert await answer.text() == "leading\n"
        async with session.get(f"http://127.0.0.1:{port}/healthz") as answer:
            assert answer.status == 200
        async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
            assert "gemma4_operator_queue_depth 3.0" in await answer.text()
            assert answer.headers["Content-Type"].startswith("text/plain")


class Slow(dict[str, Any]):
    """A resource that is told of when somebody lets it."""

    def __init__(self, released: threading.Event) -> None:
        super().__init__(metadata={"namespace": "team", "name": "slow"})
        self._released = released

    def get(self, *_: Any) -> Any:
        assert self._released.wait(120), "the loop stands still"
        return None


async def test_a_long_scrape_holds_up_nobody() -> None:
    """The thread of the scrape waits here for what only the loop can do."""
    released = threading.Event()
    slow = Metrics(
        version="1.2.3",
        lease="ops/first",
        queue_depth=lambda: 3,
        queue_oldest_seconds=lambda: 1.5,
        is_leader=lambda: True,
        resources=lambda: (Slow(released),),
        latencies=lambda _: None,
    )
    async with (
        serve_health(host="127.0.0.1", port=0, metrics=slow, state=lambda: "", is_ready=lambda: True) as port,
        aiohttp.ClientSession() as session,
    ):
        scrape = asyncio.create_task(session.get(f"http://127.0.0.1:{port}/metrics"))
        await asyncio.sleep(0.05)
        async with session.get(f"http://127.0.0.1:{port}/healthz") as answer:
            assert answer.status == 200
        assert not scrape.done()
        released.set()
        async with await scrape as answer:
            assert "gemma4_operator_queue_depth 3.0" in await answer.text()


async def test_the_port_is_free_again_afterwards() -> None:
    options = {"metrics": metrics(), "state": lambda: "", "is_ready": lambda: True}
    async with serve_health(host="127.0.0.1", port=0, **options) as port:  # type: ignore[arg-type]
        pass
    async with serve_health(host="127.0.0.1", port=port, **options) as again:  # type: ignore[arg-type]
        assert again == port


LOOPBACKS = ("127.0.0.1", "::1")


@pytest.mark.parametrize("address", LOOPBACKS)
async def test_probes_of_both_families_find_it_at_one_port(address: str) -> None:
    """A pod's probes come by the family of its address, and a free port is one for both."""
    if not has_address(address):
        pytest.skip(f"this machine has no {address}")
    async with (
        serve_health(host="*", port=0, metrics=metrics(), state=lambda: "", is_ready=lambda: True) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://{f'[{address}]' if ':' in address else address}:{port}/healthz") as answer,
    ):
        assert answer.status == 200


async def test_without_ipv6_in_the_kernel_it_listens_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    async with (
        serve_health(host="*", port=0, metrics=metrics(), state=lambda: "", is_ready=lambda: True) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/healthz") as answer,
    ):
        assert answer.status == 200


def has_address(address: str) -> bool:
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as tried:
            tried.bind((address, 0))
    except OSError:
        return False
    return True


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.mark.usefixtures("logging_as_before")
def test_json_lines_are_one_object_each_with_the_traceback_inside(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level=LogLevel.INFO, log_format=LogFormat.JSON)
    try:
        raise RuntimeError("a bug")
    except RuntimeError:
        logging.getLogger("x").exception("%s failed", "team/chat")
    logging.getLogger("x").debug("not shown")
    (line,) = capsys.readouterr().err.strip().splitlines()
    parsed = json.loads(line)
    assert (parsed["level"], parsed["message"]) == ("error", "team/chat failed")
    assert "RuntimeError: a bug" in parsed["exception"]
    assert parsed["time"].endswith("+00:00")


@pytest.mark.usefixtures("logging_as_before")
async def test_a_line_of_a_pass_says_of_which_resource_and_of_which_pass(capsys: pytest.CaptureFixture[str]) -> None:
    """Also one that is written in a thread; a line that belongs to no pass says nothing of it."""
    configure(level=LogLevel.INFO, log_format=LogFormat.JSON)
    log = logging.getLogger("x")
    with passing(Key("team", "chat")) as first:
        log.info("one")
        await asyncio.to_thread(log.info, "two")
    with passing(Key("team", "chat")) as second:
        log.info("three")
    log.info("four")
    one, two, three, four = map(json.loads, capsys.readouterr().err.splitlines())
    assert (one["namespace"], one["name"]) == ("team", "chat")
    assert one["reconcileId"] == two["reconcileId"] == first.id
    assert three["reconcileId"] == second.id != first.id
    assert not {"namespace", "name", "reconcileId"} & four.keys()


async def test_passes_side_by_side_do_not_take_each_others_lines() -> None:
    async def work(name: str) -> str:
        with passing(Key("team", name)):
            await asyncio.sleep(0)
            found = under_way()
            assert found is not None
            return found.key.name

    assert await asyncio.gather(work("a"), work("b")) == ["a", "b"]
    assert under_way() is None


@pytest.mark.usefixtures("logging_as_before")
def test_kopf_does_not_log_each_event_it_delivers(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level=LogLevel.INFO, log_format=LogFormat.TEXT)
    logging.getLogger("kopf.objects").info("Handler 'ring' succeeded.")
    logging.getLogger("gemma4_operator").info("Leading")
    assert capsys.readouterr().err.splitlines()[0].endswith("gemma4_operator: Leading")
