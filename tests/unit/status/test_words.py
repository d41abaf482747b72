"""Which log is to be read of a pod that fails, and how the runs of a container that is started again are told apart."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gemma4_operator.status.pods import pod_view
from gemma4_operator.status.words import Wanted, heard, last_words, wanted

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
BEGAN, ENDED = NOW - timedelta(seconds=90), NOW - timedelta(seconds=30)


def line(at: datetime, said: str = "llama_model_load: error") -> str:
    """Return a line as the kubelet gives it with its time."""
    return f"{at.strftime('%Y-%m-%dT%H:%M:%S.%f')}123Z {said}"


def pod(state: dict[str, Any], last: dict[str, Any] | None = None) -> dict[str, Any]:
    status = {"name": "llama", "ready": False, "restartCount": 2, "state": state, "lastState": last or {}}
    return {"metadata": {"name": "lost-1"}, "status": {"phase": "Running", "containerStatuses": [status]}}


TERMINATED = {"terminated": {"exitCode": 1, "startedAt": BEGAN.isoformat(), "finishedAt": ENDED.isoformat()}}
WAITING = {"waiting": {"reason": "CrashLoopBackOff"}}
RUNNING = {"running": {"startedAt": NOW.isoformat()}}


@pytest.mark.parametrize(
    ("state", "last", "expected"),
    [
        (TERMINATED, None, Wanted(container="llama", began_at=BEGAN, ended_at=ENDED)),
        (WAITING, TERMINATED, Wanted(container="llama", began_at=BEGAN, ended_at=ENDED)),
        (RUNNING, TERMINATED, Wanted(container="llama", previous=True)),
        (RUNNING, None, Wanted(container="llama", goes_on=True)),
        (WAITING, {"terminated": {"exitCode": 1}}, Wanted(container="llama")),
        (WAITING, None, None),
    ],
    ids=["ended", "waits to be started again", "was started again", "loads", "ended at no known time", "never began"],
)
def test_the_log_is_that_of_the_run_that_ended(state: Any, last: Any, expected: Wanted | None) -> None:
    assert wanted(pod_view(pod(state, last)), now=NOW) == expected


@pytest.mark.parametrize(
    ("said", "is_met"),
    [
        ([line(BEGAN), line(ENDED)], True),
        ([line(ENDED + timedelta(milliseconds=999))], True),
        ([line(ENDED + timedelta(seconds=1))], False),
        ([line(BEGAN - timedelta(milliseconds=1))], False),
        ([line(ENDED + timedelta(seconds=9)), line(NOW)], False),
        ([], False),
        (["a line without its time"], True),
    ],
    ids=["its own", "in its last second", "the next run's", "the run's before", "all of the next", "none", "no times"],
)
def test_words_are_of_a_run_if_they_were_said_in_it(said: list[str], is_met: bool) -> None:
    one = wanted(pod_view(pod(WAITING, TERMINATED)), now=NOW)
    assert one is not None
    assert one.is_met_by("\n".join(said)) is is_met


@pytest.mark.parametrize("one", [Wanted(container="llama", previous=True), Wanted(container="llama", goes_on=True)])
def test_where_no_other_run_can_be_meant_any_words_will_do(one: Wanted) -> None:
    assert one.is_met_by("")
    assert one.is_met_by(line(NOW))


def test_only_a_run_that_goes_on_is_silent() -> None:
    said = f"{line(ENDED, 'Loading')}\nand a line that the runtime cut\n{line(ENDED, ' 12 % done')}\n"
    loading = heard(said, Wanted(container="llama", goes_on=True), now=NOW)
    assert loading.text == "Loading\nand a line that the runtime cut\n 12 % done"
    assert loading.silent_seconds == pytest.approx(30, abs=0.01)
    assert heard(said, Wanted(container="llama"), now=NOW).silent_seconds == 0
    assert heard(line(NOW + timedelta(seconds=5)), Wanted(container="llama", goes_on=True), now=NOW).silent_seconds == 0
    assert heard("", Wanted(container="llama", goes_on=True), now=NOW).text == ""


class Logs:
    """Logs of a container, and which of its runs were asked for."""

    def __init__(self, *, now: str, before: str = "") -> None:
        self.said = {False: now, True: before}
        self.asked: list[tuple[bool, bool]] = []

    async def read(self, one: Wanted) -> str:
        """Give one."""
        self.asked.append((one.previous, one.is_second))
        return self.said[one.previous]


async def of(state: dict[str, Any], last: dict[str, Any] | None, logs: Logs) -> str:
    return (await last_words(pod_view(pod(state, last)), logs.read, now=lambda: NOW)).text


async def test_what_the_failed_run_said_is_looked_for_in_the_run_before_where_another_has_begun() -> None:
    logs = Logs(now=line(NOW, "loading"), before=line(BEGAN, "out of memory"))
    assert await of(WAITING, TERMINATED, logs) == "out of memory"
    assert logs.asked == [(False, False), (True, True)]


async def test_and_only_there() -> None:
    logs = Logs(now=line(BEGAN, "out of memory"), before=line(BEGAN, "of an earlier failure"))
    assert await of(WAITING, TERMINATED, logs) == "out of memory"
    assert logs.asked == [(False, False)]


@pytest.mark.parametrize("now", ["", line(NOW, "loading")], ids=["silent", "loading"])
async def test_one_that_has_failed_since_counts_before_one_that_goes_on(now: str) -> None:
    """Two runs began and one of them ended, all between three questions to a cluster that is slow."""
    logs = Logs(now=now, before=line(ENDED + timedelta(seconds=5), "not there"))
    assert await of(WAITING, TERMINATED, logs) == "not there"


@pytest.mark.parametrize("before", ["", line(BEGAN - timedelta(seconds=5), "earlier")], ids=["none", "an earlier one"])
async def test_what_was_read_first_counts_where_the_run_before_is_none_of_it(before: str) -> None:
    assert await of(WAITING, TERMINATED, Logs(now=line(NOW, "loading"), before=before)) == "loading"


async def test_the_run_before_one_that_goes_on_is_no_second_choice() -> None:
    logs = Logs(now=line(NOW, "loading"), before=line(BEGAN, "out of memory"))
    assert await of(RUNNING, TERMINATED, logs) == "out of memory"
    assert logs.asked == [(True, False)]


async def test_of_one_that_never_began_nothing_is_read() -> None:
    logs = Logs(now="")
    assert await of(WAITING, None, logs) == ""
    assert logs.asked == []
