"""What is told as an event: only what is new between two statuses."""

import asyncio
from typing import Any

import pytest

from gemma4_operator.kube.events import Event
from gemma4_operator.runtime.announce import Announcer

READY = {"type": "Ready", "status": "True", "reason": "Ready", "message": "2 of 2 replicas serve."}


class Recorder:
    def __init__(self) -> None:
        self.events: list[Event] = []

    async def publish(self, event: Event) -> None:
        self.events.append(event)


def told(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the events between two statuses, both of a resource that serves."""
    recorder = Recorder()
    resource = {"metadata": {"namespace": "team-a", "name": "chat"}, "status": {"conditions": [READY], **before}}
    announcer = Announcer(recorder)  # type: ignore[arg-type]
    asyncio.run(announcer.announce(resource, {"conditions": [READY], **after}, ()))
    return [(event.reason, event.note) for event in recorder.events]


def scaled(number: int | None, message: str = "Many come.") -> dict[str, Any]:
    return {"autoscaling": {"desiredReplicas": number, "message": message}}


def test_another_number_of_replicas_is_told_with_why() -> None:
    assert told(scaled(2), scaled(5)) == [("Scaled", "From 2 to 5 replicas. Many come.")]
    assert told(scaled(1), scaled(0, "Nobody asks.")) == [("Scaled", "From 1 to 0 replicas. Nobody asks.")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (scaled(2), scaled(2, "Fewer come.")),
        ({}, scaled(2)),
        ({"autoscaling": None}, scaled(2)),
        (scaled(2), {}),
        (scaled(None), scaled(2)),
    ],
)
def test_the_same_number_the_first_and_none_are_not(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert told(before, after) == []
