"""What the process shows: health, metrics, log lines."""

import json
import logging
from collections.abc import Iterator

import aiohttp
import pytest

from gemma4_operator.kube.api import Request
from gemma4_operator.kube.kinds import POD
from gemma4_operator.runtime.health import serve_health
from gemma4_operator.runtime.logs import configure
from gemma4_operator.runtime.metrics import Metrics, Outcome
from gemma4_operator.runtime.settings import LogFormat, LogLevel


def metrics(*, reasons: tuple[str, ...] = (), leader: bool = True) -> Metrics:
    return Metrics(
        queue_depth=lambda: 3, queue_oldest_seconds=lambda: 1.5, ready_reasons=lambda: reasons, is_leader=lambda: leader
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


async def test_the_port_is_free_again_afterwards() -> None:
    options = {"metrics": metrics(), "state": lambda: "", "is_ready": lambda: True}
    async with serve_health(host="127.0.0.1", port=0, **options) as port:  # type: ignore[arg-type]
        pass
    async with serve_health(host="127.0.0.1", port=port, **options) as again:  # type: ignore[arg-type]
        assert again == port


def test_a_series_goes_with_its_last_resource() -> None:
    now = ["Ready", "Ready", "Unschedulable"]
    shown = Metrics(
        queue_depth=lambda: 0, queue_oldest_seconds=lambda: 0, ready_reasons=lambda: now, is_leader=lambda: False
    )
    assert 'gemma4_deployments{reason="Ready"} 2.0' in shown.exposition().decode()
    now.clear()
    assert "gemma4_deployments{" not in shown.exposition().decode()


def test_everything_that_is_counted_is_shown() -> None:
    shown = metrics(leader=False)
    shown.reconciled(Outcome.AGAIN, seconds=0.2)
    shown.requested(Request(verb="list", kind=POD, code=200, seconds=0.1))
    shown.event_dropped()
    text = shown.exposition().decode()
    assert 'gemma4_operator_reconcile_seconds_count{outcome="again"} 1.0' in text
    assert 'gemma4_operator_api_requests_total{code="200",kind="Pod",verb="list"} 1.0' in text
    assert "gemma4_operator_events_dropped_total 1.0" in text
    assert "gemma4_operator_leader 0.0" in text
    assert "gemma4_operator_queue_oldest_seconds 1.5" in text


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
def test_kopf_does_not_log_each_event_it_delivers(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level=LogLevel.INFO, log_format=LogFormat.TEXT)
    logging.getLogger("kopf.objects").info("Handler 'ring' succeeded.")
    logging.getLogger("gemma4_operator").info("Leading")
    assert capsys.readouterr().err.splitlines()[0].endswith("gemma4_operator: Leading")
