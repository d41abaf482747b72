"""Events on transitions: one object for each, a series where it repeats, and a bound on how many."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from gemma4_operator.kube.api import Api, Object
from gemma4_operator.kube.errors import ApiError, NotFound
from gemma4_operator.kube.kinds import EVENT

REPEAT_SECONDS = 120.0
REMEMBER_SECONDS = 3600.0
BURST = 25
REFILL_SECONDS = 60.0
_NOTE_BYTES = 1024  # events.k8s.io/v1 refuses a longer note, and counts bytes


def about(kind: str, name: str) -> str:
    """Return the field selector of the events about one object of a namespace."""
    return f"regarding.kind={kind},regarding.name={name}"


class EventType(StrEnum):
    """The two types that Kubernetes knows."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to one object. `action` is what the operator did or tried, in UpperCamelCase."""

    regarding: Object
    type: EventType
    reason: str
    action: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Published:
    name: str
    count: int
    last_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Budget:
    tokens: float
    at_seconds: float


class Recorder:
    """Publishes events, and never lets them be in the way: what cannot be published is dropped and counted.

    The same event (object, reason, note) within `REPEAT_SECONDS` is only counted; later it is published as a series.
    An object gets a burst of `BURST` events, then one each `REFILL_SECONDS`.
    """

    def __init__(
        self,
        api: Api,
        *,
        controller: str,
        instance: str,
        monotonic: Callable[[], float],
        now: Callable[[], datetime],
        on_drop: Callable[[str], None],
    ) -> None:
        self._api = api
        self._controller = controller
        self._instance = instance
        self._monotonic = monotonic
        self._now = now
        self._on_drop = on_drop
        self._published: dict[str, dict[tuple[str, str], _Published]] = {}
        self._budgets: dict[str, _Budget] = {}

    async def publish(self, event: Event) -> None:
        """Publish, count or drop one event."""
        uid = event.regarding["metadata"]["uid"]
        self._prune(uid)
        key = (event.reason, event.note)
        known = self._published[uid].get(key)
        if known is not None and self._monotonic() - known.last_seconds < REPEAT_SECONDS:
            self._published[uid][key] = replace(known, count=known.count + 1)
            return
        if not self._take_token(uid):
            self._on_drop(f"more than {BURST} events in a row")
            return
        try:
            name = await self._send(event, known)
        except ApiError as error:
            self._on_drop(error.message)
            return
        count = known.count + 1 if known is not None else 1
        self._published[uid][key] = _Published(name=name, count=count, last_seconds=self._monotonic())

    def forget(self, uid: str) -> None:
        """Drop what is remembered of an object that is gone."""
        self._published.pop(uid, None)
        self._budgets.pop(uid, None)

    def _prune(self, uid: str) -> None:
        oldest = self._monotonic() - REMEMBER_SECONDS
        known = self._published.get(uid, {})
        self._published[uid] = {key: seen for key, seen in known.items() if seen.last_seconds > oldest}

    async def _send(self, event: Event, known: _Published | None) -> str:
        if known is not None and await self._goes_on(event, known):
            return known.name
        body = self._body(event)
        await self._api.create(EVENT, body)
        return str(body["metadata"]["name"])

    async def _goes_on(self, event: Event, known: _Published) -> bool:
        """Tell of an event once more; whether it is still there, as API servers keep events for any time they like."""
        series = {"count": known.count + 1, "lastObservedTime": self._timestamp()}
        namespace = event.regarding["metadata"]["namespace"]
        try:
            await self._api.merge(EVENT, {"series": series}, namespace=namespace, name=known.name)
        except NotFound:
            return False
        return True

    def _take_token(self, uid: str) -> bool:
        now = self._monotonic()
        budget = self._budgets.get(uid, _Budget(tokens=BURST, at_seconds=now))
        tokens = min(BURST, budget.tokens + (now - budget.at_seconds) / REFILL_SECONDS)
        self._budgets[uid] = _Budget(tokens=max(tokens - 1, 0.0) if tokens >= 1 else tokens, at_seconds=now)
        return tokens >= 1

    def _timestamp(self) -> str:
        return self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _body(self, event: Event) -> Object:
        metadata = event.regarding["metadata"]
        unique = f"{int(self._now().timestamp() * 1_000_000):x}"
        return {
            "apiVersion": EVENT.api_version,
            "kind": EVENT.kind,
            "metadata": {"namespace": metadata["namespace"], "name": f"{metadata['name']}.{unique}"},
            "eventTime": self._timestamp(),
            "reportingController": self._controller,
            "reportingInstance": self._instance[:128],
            "action": event.action,
            "reason": event.reason,
            "type": event.type.value,
            "note": _fitting(event.note),
            "regarding": {
                "apiVersion": event.regarding["apiVersion"],
                "kind": event.regarding["kind"],
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
                "resourceVersion": metadata.get("resourceVersion", ""),
            },
        }


def _fitting(note: str) -> str:
    """Return a note that the API server takes; what is cut off ends in dots."""
    if len(note.encode()) <= _NOTE_BYTES:
        return note
    room = _NOTE_BYTES - len("…".encode())
    return note.encode()[:room].decode(errors="ignore") + "…"
