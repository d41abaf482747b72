"""Results as cells of a table: what was kept, what it took, and plainly said where nothing has been played."""

from collections.abc import Sequence
from statistics import fmean

from tests.bench.scaling.book import Book, Kept
from tests.bench.scaling.choice import REFERENCE as CLAIRVOYANT
from tests.bench.scaling.choice import own, reference_of
from tests.bench.scaling.run import Run

NOT_PLAYED = "not played"
NOTHING = "-"
FAILS = "✗"


def cell(kept: Kept | None) -> str:
    """Return `99.78 @ 4.91`: percent of requests at that many replicas on average, marked where it is too few."""
    if kept is None:
        return NOT_PLAYED
    mark = "" if kept.passes else f" {FAILS}"
    return f"{percent(kept.attainment_percent)} @ {kept.average_replicas:.2f}{mark}"


def percent(value: float) -> str:
    """Return two digits, cut and not rounded, so that 98.998 does not look like 99."""
    return f"{int(value * 100 + 1e-6) / 100:.2f}"


def ratio(value: float | None) -> str:
    """Return a ratio, three digits."""
    return NOTHING if value is None else f"{value:.3f}"


def against(book: Book, kept: Sequence[Kept | None], runs: Sequence[Run], *, cheapest: bool = False) -> float | None:
    """Return replicas relative to the clairvoyant rule's, the mean over some runs; None while any is missing.

    Args:
        book: All results.
        kept: Those of the runs.
        runs: In the same order.
        cheapest: Whether to take, in place of the clairvoyant rule without margin, its cheapest setting that passes.
    """
    ratios = []
    for one, run in zip(kept, runs, strict=True):
        reference = _cheapest(book, run) if cheapest else book.kept(reference_of(run.workload, run))
        if one is None or reference is None:
            return None
        ratios.append(one.average_replicas / reference.average_replicas)
    return fmean(ratios) if ratios else None


def _cheapest(book: Book, run: Run) -> Kept | None:
    found = own(book, CLAIRVOYANT, run.workload)
    return found.kept[0] if found and found.passes else None


def name_of(policy: str) -> str:
    """Return a rule's name."""
    return policy.partition(":")[0]


def knobs_of(policy: str) -> str:
    """Return what is set, in words that fit a cell; a lower threshold that keeps its share of the upper is left out."""
    knobs = policy.partition(":")[2]
    return ", ".join(knob for knob in knobs.split(",") if not knob.startswith("down=")) or "defaults"
