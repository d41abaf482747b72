"""The operator's own metrics, in a registry of its own."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gemma4_operator.kube.api import Request
from gemma4_operator.kube.errors import ApiRejected, ApiUnavailable, Conflict, Forbidden, NotFound
from gemma4_operator.runtime import families
from gemma4_operator.runtime.exposed import Resources, Told
from gemma4_operator.runtime.families import Family
from gemma4_operator.runtime.store import Key, key_of
from gemma4_operator.scaling.latencies import Latencies

PASS_SECONDS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.0, 10.0, 60.0)
REQUEST_SECONDS = (0.002, 0.01, 0.05, 0.2, 1.0, 4.0)
"""The last is what one attempt may take; a listing may take ten times as long."""


class Outcome(StrEnum):
    """How a pass ended."""

    DONE = "done"
    AGAIN = "again"
    UNAVAILABLE = "unavailable"
    ERROR = "error"


class ErrorReason(StrEnum):
    """What ended a pass with an error."""

    UNAVAILABLE = "unavailable"
    """The API server does not answer, or not now."""
    NOT_FOUND = "not_found"
    """An object or a kind is not there."""
    CONFLICT = "conflict"
    """Somebody else was first."""
    FORBIDDEN = "forbidden"
    """A permission is missing, or a quota is used up."""
    REJECTED = "rejected"
    """The API server refuses a request for another cause."""
    BUG = "bug"
    """Anything else: the log has the traceback."""


_REASONS: tuple[tuple[type[Exception], ErrorReason], ...] = (
    (ApiUnavailable, ErrorReason.UNAVAILABLE),
    (NotFound, ErrorReason.NOT_FOUND),
    (Conflict, ErrorReason.CONFLICT),
    (Forbidden, ErrorReason.FORBIDDEN),
    (ApiRejected, ErrorReason.REJECTED),
)


def error_reason(error: Exception) -> ErrorReason:
    """Return under which word an error is counted."""
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), ErrorReason.BUG)


class Metrics:
    """Everything that /metrics shows.

    Args:
        version: The operator's.
        lease: Namespace and name of the Lease by which it may lead: what tells operators of one cluster apart.
        queue_depth: How many keys wait.
        queue_oldest_seconds: How long the most overdue key has waited.
        is_leader: Whether this process leads.
        resources: All custom resources, as they are stored.
        latencies: What the engines of one have counted; None: nobody reads them.
    """

    def __init__(
        self,
        *,
        version: str,
        lease: str,
        queue_depth: Callable[[], float],
        queue_oldest_seconds: Callable[[], float],
        is_leader: Callable[[], bool],
        resources: Callable[[], Iterable[Mapping[str, Any]]],
        latencies: Callable[[Key], Latencies | None],
    ) -> None:
        self._registry = CollectorRegistry()
        self._gauge(families.INFO).labels(version).set(1)
        self._asked: tuple[tuple[Gauge, Callable[[], float]], ...] = (
            (self._gauge(families.LEADER).labels(lease), is_leader),
            (self._gauge(families.QUEUE_DEPTH), queue_depth),
            (self._gauge(families.QUEUE_OLDEST_SECONDS), queue_oldest_seconds),
        )
        self._passes = self._histogram(families.RECONCILE_SECONDS, PASS_SECONDS)
        self._errors = self._counter(families.RECONCILE_ERRORS)
        self._requests = self._counter(families.API_REQUESTS)
        self._request_seconds = self._histogram(families.API_REQUEST_SECONDS, REQUEST_SECONDS)
        self._dropped = self._counter(families.EVENTS_DROPPED)
        self._faults = self._gauge(families.CATALOG_FAULTS)
        # A rate can be taken of a series that is there before the first error.
        for reason in ErrorReason:
            self._errors.labels(reason.value)
        self._all_resources = resources
        self._latencies = latencies
        self._resources = Resources()
        self._registry.register(self._resources)

    def _gauge(self, family: Family) -> Gauge:
        return Gauge(family.name, family.sentence, family.labels, registry=self._registry)

    def _counter(self, family: Family) -> Counter:
        return Counter(family.name, family.sentence, family.labels, registry=self._registry)

    def _histogram(self, family: Family, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(family.name, family.sentence, family.labels, registry=self._registry, buckets=buckets)

    def reconciled(self, outcome: Outcome, *, seconds: float) -> None:
        """Count one pass."""
        self._passes.labels(outcome.value).observe(seconds)

    def failed(self, error: Exception) -> None:
        """Count one pass that an error has ended."""
        self._errors.labels(error_reason(error).value).inc()

    def requested(self, request: Request) -> None:
        """Count one request."""
        self._requests.labels(request.verb, request.kind.kind, str(request.code)).inc()
        self._request_seconds.labels(request.verb).observe(request.seconds)

    def event_dropped(self) -> None:
        """Count one event that was not published."""
        self._dropped.inc()

    def catalog_faults(self, count: int) -> None:
        """Say how many entries of the catalogue's override are not used."""
        self._faults.set(count)

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        self._look()
        return generate_latest(self._registry)

    async def scraped(self) -> bytes:
        """Return the same without holding up the loop: of a thousand resources the text takes most of a second.

        What belongs to the loop is looked at in it, and only what does not change any more goes to the thread.
        """
        self._look()
        return await asyncio.to_thread(generate_latest, self._registry)

    def _look(self) -> None:
        for gauge, value in self._asked:
            gauge.set(value())
        self._resources.told = [
            Told(resource=resource, latencies=self._latencies(key_of(resource))) for resource in self._all_resources()
        ]
