"""The events recorder: one event once, repeats as a series, floods bounded, failures never in the way."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gemma4_operator.kube.errors import ApiUnavailable, NotFound
from gemma4_operator.kube.events import BURST, Event, EventType, Recorder

RESOURCE = {
    "apiVersion": "gemma4.dev/v1alpha1",
    "kind": "Gemma4Deployment",
    "metadata": {"namespace": "team", "name": "chat", "uid": "u1", "resourceVersion": "7"},
}


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 11, 25, tzinfo=UTC) + timedelta(seconds=self.seconds)


class Log:
    """Stands in for the API: keeps what is created and merged."""

    def __init__(self) -> None:
        self.created: list[dict[str, Any]] = []
        self.merged: list[tuple[str, dict[str, Any]]] = []
        self.broken = False

    async def create(self, _kind: Any, obj: dict[str, Any]) -> dict[str, Any]:
        if self.broken:
            raise ApiUnavailable("away")
        self.created.append(obj)
        return obj

    async def merge(self, _kind: Any, patch: dict[str, Any], *, namespace: str, name: str) -> dict[str, Any]:
        assert namespace == "team"
        if name not in {obj["metadata"]["name"] for obj in self.created}:
            raise NotFound("it has expired")
        self.merged.append((name, patch))
        return patch


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def dropped() -> list[str]:
    return []


@pytest.fixture
def recorder(clock: Clock, log: Log, dropped: list[str]) -> Recorder:
    return Recorder(
        log,  # type: ignore[arg-type]
        controller="gemma4-operator",
        instance="pod-1",
        monotonic=clock.monotonic,
        now=clock.now,
        on_drop=dropped.append,
    )


def event(note: str = "No node has a free GPU.", *, uid: str = "u1") -> Event:
    metadata = {**RESOURCE["metadata"], "uid": uid}  # type: ignore[dict-item]
    return Event(
        regarding={**RESOURCE, "metadata": metadata},
        type=EventType.WARNING,
        reason="Unschedulable",
        action="Reconcile",
        note=note,
    )


async def test_an_event_says_of_whom_by_whom_and_why(recorder: Recorder, log: Log) -> None:
    await recorder.publish(event())
    (body,) = log.created
    assert body["regarding"]["uid"] == "u1"
    assert body["regarding"]["kind"] == "Gemma4Deployment"
    assert body["reportingController"] == "gemma4-operator"
    assert (body["type"], body["reason"], body["action"]) == ("Warning", "Unschedulable", "Reconcile")
    assert body["metadata"]["namespace"] == "team"
    assert body["metadata"]["name"].startswith("chat.")
    assert body["eventTime"].endswith("Z")


async def test_the_same_event_again_is_only_counted(recorder: Recorder, log: Log, clock: Clock) -> None:
    for _ in range(10):
        await recorder.publish(event())
        clock.seconds += 5
    assert len(log.created) == 1
    assert log.merged == []


async def test_after_a_while_the_count_is_published_as_a_series(recorder: Recorder, log: Log, clock: Clock) -> None:
    for _ in range(10):
        await recorder.publish(event())
    clock.seconds += 121
    await recorder.publish(event())
    ((name, patch),) = log.merged
    assert name == log.created[0]["metadata"]["name"]
    assert patch["series"]["count"] == 11


async def test_one_that_the_api_server_keeps_no_longer_is_made_anew(
    recorder: Recorder, log: Log, clock: Clock, dropped: list[str]
) -> None:
    await recorder.publish(event())
    log.created.clear()
    for _ in range(2):
        clock.seconds += 121
        await recorder.publish(event())
    assert dropped == []
    assert [name for name, _ in log.merged] == [obj["metadata"]["name"] for obj in log.created]


async def test_another_note_is_another_event(recorder: Recorder, log: Log) -> None:
    await recorder.publish(event("one"))
    await recorder.publish(event("two"))
    assert [body["note"] for body in log.created] == ["one", "two"]
    assert len({body["metadata"]["name"] for body in log.created}) >= 1


async def test_one_object_cannot_flood_and_does_not_silence_another(
    recorder: Recorder, log: Log, dropped: list[str]
) -> None:
    for number in range(100):
        await recorder.publish(event(f"note {number}"))
    assert len(log.created) == BURST
    assert len(dropped) == 100 - BURST
    await recorder.publish(event(uid="u2"))
    assert len(log.created) == BURST + 1


async def test_the_budget_comes_back_with_time(recorder: Recorder, log: Log, clock: Clock) -> None:
    for number in range(BURST + 5):
        await recorder.publish(event(f"note {number}"))
    clock.seconds += 180
    for number in range(5):
        await recorder.publish(event(f"later {number}"))
    assert len(log.created) == BURST + 3


async def test_what_cannot_be_published_is_dropped_and_tried_anew_next_time(
    recorder: Recorder, log: Log, dropped: list[str]
) -> None:
    log.broken = True
    await recorder.publish(event())
    assert dropped == ["away"]
    log.broken = False
    await recorder.publish(event())
    assert len(log.created) == 1


@pytest.mark.parametrize("letter", ["x", "é", "…", "😀"])
async def test_a_long_note_is_cut_to_what_the_api_takes_which_counts_bytes(
    recorder: Recorder, log: Log, letter: str
) -> None:
    await recorder.publish(event(letter * 5000))
    note = log.created[0]["note"]
    assert 1020 < len(note.encode()) <= 1024
    assert set(note) == {letter, "…"}
    assert note.endswith("…")


async def test_a_note_that_fits_is_left_whole(recorder: Recorder, log: Log) -> None:
    await recorder.publish(event("é" * 512))
    assert log.created[0]["note"] == "é" * 512


async def test_an_object_that_is_gone_is_forgotten(recorder: Recorder, log: Log) -> None:
    await recorder.publish(event())
    recorder.forget("u1")
    await recorder.publish(event())
    assert len(log.created) == 2


async def test_memory_does_not_grow_with_notes_that_never_come_back(recorder: Recorder, clock: Clock) -> None:
    for number in range(500):
        await recorder.publish(event(f"note {number}"))
        clock.seconds += 300
    assert len(recorder._published["u1"]) < 20
