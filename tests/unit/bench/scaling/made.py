"""Results as tests want them: an attainment and an average, the rest as if nothing else had happened."""

from collections.abc import Mapping

from tests.bench.scaling.book import Book, Kept
from tests.bench.scaling.grid import DESIGNED
from tests.bench.scaling.run import Run

Figures = tuple[float, float]
"""Percent of requests, and replicas."""


def kept(
    attainment_percent: float = 99.5, average_replicas: float = 5.0, *, digest: str = "d", worst: float = 90.0
) -> Kept:
    return Kept(
        digest=digest,
        cpu_seconds=10.0,
        requests=1000,
        attainment_percent=attainment_percent,
        average_replicas=average_replicas,
        peak_replicas=9,
        scale_events_per_hour=4.0,
        worst_five_minute_percent=worst,
        missed_first_token=3,
        missed_token=2,
        lost=0,
        preemptions=0,
    )


def book(rows: Mapping[tuple[str, str], Figures]) -> Book:
    """Return a book of rules on workloads, in the usual circumstances."""
    return Book({Run(workload=workload, policy=policy): kept(*figures) for (workload, policy), figures in rows.items()})


def everywhere(policy: str, figures: Figures, **others: Figures) -> dict[tuple[str, str], Figures]:
    """Return a rule's rows on all traffic that rules are made with; `others` are those that differ, _ for -."""
    differing = {name.replace("_", "-"): one for name, one in others.items()}
    return {(workload, policy): differing.get(workload, figures) for workload in DESIGNED}


REFERENCE = everywhere("clairvoyant", (99.5, 5.0))
