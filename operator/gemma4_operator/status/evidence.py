"""All that one diagnosis is drawn from: a pod, the events about it, and the end of a container's log.

Events and log are optional: an event is gone after an hour, and a log is read only of a container that fails. What is
kept is small, in an order that does not depend on the order in which it came, and free of secrets.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from gemma4_operator.status.pods import PodView, mapping, moment, pod_view, text
from gemma4_operator.status.redact import LINE_READ, clean

_MOST_EVENTS: Final = 100
LOG_LINES: Final = 200
"""Of a log's end: vLLM's cause stands some hundred lines above its last words."""
LOG_BYTES: Final = 65536
"""Of their end: lines in JSON may be long."""
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_SILENCE: Final = re.compile(r"^\[(?:no|nothing)\b[^\]]{0,60}?\b(\d{1,9}(?:\.\d{1,9})?) ?(s|min|h)\w*\]$")
_SECONDS: Final = {"s": 1, "min": 60, "h": 3600}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One event: what happened to which object."""

    reason: str
    message: str
    kind: str = ""
    name: str = ""
    at: datetime = _LONG_AGO

    @property
    def subject(self) -> str:
        """The object in words."""
        return f"{self.kind or 'object'} '{self.name}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of one pod that does not serve.

    Attributes:
        pod: None when no pod was ever made, or it is gone.
        events: The newest first.
        log: The last lines of the container that matters, of its previous run if it was restarted.
        silent_seconds: For how long nothing more was printed, where that is known.
        read_at: When all this was so; None: nobody knows, and so nothing in it is too old.
    """

    pod: PodView | None = None
    events: tuple[EventView, ...] = ()
    log: tuple[str, ...] = ()
    silent_seconds: float = 0.0
    read_at: datetime | None = None

    def told(self, *reasons: str, kind: str = "") -> tuple[EventView, ...]:
        """Return the events of some reasons, about objects of one kind if it is given."""
        return tuple(event for event in self.events if event.reason in reasons and kind in ("", event.kind))


def gather(
    pod: Mapping[str, Any] | PodView | None,
    events: Iterable[Any] = (),
    log: Sequence[str] | str = (),
    *,
    silent_seconds: float = 0.0,
    read_at: datetime | None = None,
) -> Evidence:
    """Return the evidence from raw objects.

    A last line such as `[no further output for 90 s]` is no output: whoever read the log says how long it is silent.
    What happened to a node before the pod was made is no evidence.
    """
    view = pod if isinstance(pod, PodView) or pod is None else pod_view(pod)
    made_at = view.created_at if view is not None and view.created_at is not None else _LONG_AGO
    kept = log_lines(log.splitlines() if isinstance(log, str) else log)
    silence = _SILENCE.match(kept[-1]) if kept else None
    return Evidence(
        pod=view,
        events=_events(events, made_at=made_at),
        log=kept[:-1] if silence else kept,
        silent_seconds=float(silence[1]) * _SECONDS[silence[2]] if silence else silent_seconds,
        read_at=read_at,
    )


def _events(events: Iterable[Any], *, made_at: datetime) -> tuple[EventView, ...]:
    views = {_event(event) for event in events if isinstance(event, Mapping)}
    of_then = (view for view in views if view.kind != "Node" or view.at is _LONG_AGO or view.at >= made_at)
    ordered = sorted(of_then, key=lambda view: (view.reason, view.kind, view.name, view.message))
    return tuple(sorted(ordered, key=lambda view: view.at, reverse=True)[:_MOST_EVENTS])


def _event(event: Mapping[str, Any]) -> EventView:
    """Read an event of either API: v1 has `involvedObject` and `message`, events.k8s.io has `regarding` and `note`."""
    regarding = mapping(event.get("involvedObject")) or mapping(event.get("regarding"))
    series = mapping(event.get("series"))
    times = (
        series.get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("deprecatedLastTimestamp"),
        event.get("eventTime"),
        event.get("firstTimestamp"),
    )
    return EventView(
        reason=text(event.get("reason")),
        message=text(event.get("message")) or text(event.get("note")),
        kind=text(regarding.get("kind")),
        name=text(regarding.get("name")),
        at=next((found for found in map(moment, times) if found is not None), _LONG_AGO),
    )


def log_lines(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the last lines of a log, ready to be read and shown."""
    said = [line for line in lines[-LOG_LINES:] if isinstance(line, str) and line.strip()]
    rows = [row[:LINE_READ] for line in said for row in _lines(line)][-LOG_LINES:]
    # As a whole: a list of arguments, or a key, may have several lines.
    whole = "\n".join(rows)
    return tuple(row.strip() for row in clean(whole, most=len(whole)).splitlines() if row.strip())


def _lines(line: str) -> list[str]:
    """Return what a line of a log says; one in JSON (NIM_JSONL_LOGGING, programs in Go) may hold a whole traceback."""
    plain = [line.rstrip()]
    if not line.lstrip().startswith("{"):
        return plain
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return plain
    parts = [entry.get(key) for key in ("message", "msg", "error", "err", "exc_info", "stack_trace")]
    # NIM writes what is absent as the word None.
    said = [row for part in parts if isinstance(part, str) and part != "None" for row in part.splitlines()]
    level = entry.get("level") or entry.get("levelname") or entry.get("severity")
    if isinstance(level, str) and level.upper() in {"INFO", "DEBUG"}:
        said = [f"{level.upper()} {row}" for row in said]
    return [row for row in said if row.strip()] or plain
