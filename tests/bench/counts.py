"""What an operator asked for, out of the API server's audit log."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.cluster import audit

AuditEvent = dict[str, Any]

_NO_ERROR = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """The requests of one user in one span of time.

    Attributes:
        by_verb: What is done for custom resources, such as `patch services`, with its number.
        leases: Requests of leader election.
        lists: Listings of a whole kind.
        watches: Watches that began.
        refused: How many of `by_verb` were answered with an error.
    """

    by_verb: dict[str, int]
    leases: int
    lists: int
    watches: int
    refused: int

    @property
    def total(self) -> int:
        """All but leader election, lists and watches."""
        return sum(self.by_verb.values())


def count_requests(found: Iterable[AuditEvent], *, user: str) -> Requests:
    """Count the requests of one user, most frequent first."""
    events = list(found)
    counted = audit.count(events, user=user)
    accepted = audit.count(events, user=user, include_refused=False)
    kept = {request: number for request, number in counted.items() if _is_kept(request)}
    ordered = sorted(kept.items(), key=lambda item: (-item[1], item[0].resource, item[0].verb))
    return Requests(
        by_verb={f"{request.verb} {request.resource}": number for request, number in ordered},
        leases=_sum(counted, resource="leases"),
        lists=_sum(counted, verb="list"),
        watches=_sum(counted, verb="watch"),
        refused=sum(number - accepted[request] for request, number in kept.items()),
    )


def writes(found: Iterable[AuditEvent], *, user: str) -> int:
    """Count the writes of one user besides leader election."""
    return audit.count(list(found), user=user, verbs=audit.WRITES, include_leases=False).total()


def received_between(found: Iterable[AuditEvent], start_seconds: float, end_seconds: float) -> list[AuditEvent]:
    """Return the requests that came in a span of time; a watch belongs to the moment it began."""
    return [event for event in found if start_seconds <= received_seconds(event) < end_seconds]


def received_seconds(event: AuditEvent) -> float:
    """Return when a request came, as seconds since 1970."""
    return _seconds(event["requestReceivedTimestamp"])


def answered_seconds(event: AuditEvent) -> float:
    """Return when a request was answered, as seconds since 1970."""
    return _seconds(event["stageTimestamp"])


def writes_to(
    found: Iterable[AuditEvent], *, user: str, resources: Iterable[str], name: str | None = None
) -> list[AuditEvent]:
    """Return the accepted writes of one user to objects of some kinds, their subresources left out."""
    plurals = set(resources)
    return [event for event in found if _is_write(event, user, plurals, name)]


def refusals(found: Iterable[AuditEvent], *, user: str, name: str) -> Iterator[str]:
    """Yield what the API server said to the requests of one user for an object that it refused."""
    for event in found:
        answer = event.get("responseStatus", {})
        named = event.get("objectRef", {}).get("name") == name
        if event["user"]["username"] == user and named and answer.get("code", 0) >= _NO_ERROR:
            yield answer.get("message", str(answer["code"]))


def percentile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that at least this share of all values does not exceed (nearest rank)."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("there is no percentile of nothing")
    rank = -(-len(ordered) * share // 1)
    return ordered[max(int(rank), 1) - 1]


def _is_write(event: AuditEvent, user: str, plurals: set[str], name: str | None) -> bool:
    reference = event.get("objectRef", {})
    return (
        event["user"]["username"] == user
        and event["verb"] in audit.WRITES
        and reference.get("resource") in plurals
        and "subresource" not in reference
        and (name is None or reference.get("name") == name)
        and event.get("responseStatus", {}).get("code", 0) < _NO_ERROR
    )


def _is_kept(request: audit.Request) -> bool:
    return request.resource != "leases" and request.verb not in {"list", "watch"}


def _sum(counted: Counter[audit.Request], *, verb: str | None = None, resource: str | None = None) -> int:
    return sum(
        number
        for request, number in counted.items()
        if (verb is None or request.verb == verb) and (resource is None or request.resource == resource)
    )


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
