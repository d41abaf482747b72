"""The operator's own metrics, in a registry of its own."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gemma4_operator.kube.api import Request


class Outcome(StrEnum):
    """How a pass ended."""

    DONE = "done"
    AGAIN = "again"
    UNAVAILABLE = "unavailable"
    ERROR = "error"


class Metrics:
    """Everything that /metrics shows.

    Args:
        queue_depth: How many keys wait.
        queue_oldest_seconds: How long the most overdue key has waited.
        ready_reasons: The reason of each custom resource's Ready condition.
        is_leader: Whether this process leads.
    """

    def __init__(
        self,
        *,
        queue_depth: Callable[[], float],
        queue_oldest_seconds: Callable[[], float],
        ready_reasons: Callable[[], Iterable[str]],
        is_leader: Callable[[], bool],
    ) -> None:
        self._registry = CollectorRegistry()
        self._passes = Histogram(
            "gemma4_operator_reconcile_seconds",
            "Duration of one pass over one Gemma4Deployment.",
            ["outcome"],
            registry=self._registry,
            buckets=(0.001, 0.005, 0.025, 0.1, 0.5, 2.0, 10.0, 60.0),
        )
        self._requests = Counter(
            "gemma4_operator_api_requests_total",
            "Requests to the API server; code 0 is a request without an answer.",
            ["verb", "kind", "code"],
            registry=self._registry,
        )
        self._dropped = Counter(
            "gemma4_operator_events_dropped_total", "Events that could not be published.", registry=self._registry
        )
        self._faults = Gauge(
            "gemma4_operator_catalog_faults",
            "Entries of the catalogue's override that are not used; the log says why.",
            registry=self._registry,
        )
        self._gauge("gemma4_operator_queue_depth", "Keys that wait for a worker or for their time.", queue_depth)
        self._gauge("gemma4_operator_queue_oldest_seconds", "How long a due key has waited.", queue_oldest_seconds)
        self._gauge("gemma4_operator_leader", "1 while this process leads.", is_leader)
        self._registry.register(_Reasons(ready_reasons))

    def _gauge(self, name: str, sentence: str, value: Callable[[], float]) -> None:
        Gauge(name, sentence, registry=self._registry).set_function(value)

    def reconciled(self, outcome: Outcome, *, seconds: float) -> None:
        """Count one pass."""
        self._passes.labels(outcome.value).observe(seconds)

    def requested(self, request: Request) -> None:
        """Count one request."""
        self._requests.labels(request.verb, request.kind.kind, str(request.code)).inc()

    def event_dropped(self) -> None:
        """Count one event that was not published."""
        self._dropped.inc()

    def catalog_faults(self, count: int) -> None:
        """Say how many entries of the catalogue's override are not used."""
        self._faults.set(count)

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _Reasons(Collector):
    """Counts custom resources at the moment of a scrape, so that a series goes with its last resource."""

    def __init__(self, reasons: Callable[[], Iterable[str]]) -> None:
        self._reasons = reasons

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Count."""
        family = GaugeMetricFamily(
            "gemma4_deployments", "Gemma4Deployments by the reason of their Ready condition.", labels=["reason"]
        )
        for reason, count in sorted(Tally(self._reasons()).items()):
            family.add_metric([reason], count)
        return [family]
