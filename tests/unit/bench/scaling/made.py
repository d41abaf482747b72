"""Results as tests want them: an attainment and an average, the rest as if nothing else had happened."""

from collections.abc import Mapping

from tests.bench.scaling.book import Book, Kept
from tests.bench.scaling.grid import DESIGNED, PEERS
from tests.bench.scaling.ladder import ladders_of
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
CHEAPEST = everywhere("clairvoyant:times=1", (99.5, 5.0)) | everywhere("clairvoyant:times=0.95", (95.0, 4.7))
"""What ends the search for the cheapest clairvoyance that passes."""
SWEPT = {
    (workload, f"static:replicas={count}"): (99.9 if count >= 9 else 90.0, float(count))
    for workload in DESIGNED
    for count in range(4, 21)
}
"""All of a rule's sweep, so that its search has ended."""
HOPELESS = {
    key: (50.0, 30.0)
    for name in PEERS
    if name != "static"
    for ladder in ladders_of(name)
    for key in everywhere(ladder[-1], (50.0, 30.0))
}
"""What ends the searches of all other rules: not even their most generous settings pass."""
