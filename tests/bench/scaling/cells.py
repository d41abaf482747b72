"""Results as cells of a table: what was kept, what it took, and plainly said where nothing has been played."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from tests.bench.scaling import search
from tests.bench.scaling.book import Book, Kept
from tests.bench.scaling.choice import REFERENCE as CLAIRVOYANT
from tests.bench.scaling.choice import own, reference_of
from tests.bench.scaling.run import Run

NOT_PLAYED = "not played"
NOTHING = "-"
FAILS = "✗"
STALE = "†"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Replicas to those of another rule, and whether one of the results behind that is of earlier code."""

    value: float
    is_stale: bool = False


def cell(kept: Kept | None) -> str:
    """Return `99.78 @ 4.91`: percent of requests at that many replicas on average.

    What is below the promise is marked, and so is a result of earlier code.
    """
    if kept is None:
        return NOT_PLAYED
    mark = "" if kept.passes else f" {FAILS}"
    return f"{percent(kept.attainment_percent)} @ {kept.average_replicas:.2f}{mark}{age(kept)}"


def age(*kept: Kept | None) -> str:
    """Return the mark of results of earlier code, or nothing where there is none among these."""
    return STALE if any(one.is_stale for one in kept if one) else ""


def percent(value: float) -> str:
    """Return two digits, cut and not rounded, so that 98.998 does not look like 99."""
    return f"{int(value * 100 + 1e-6) / 100:.2f}"


def ratio(found: Ratio | None) -> str:
    """Return a ratio, three digits."""
    return NOTHING if found is None else f"{found.value:.3f}{STALE if found.is_stale else ''}"


def mean_ratio(pairs: Sequence[tuple[Kept | None, Kept | None]]) -> Ratio | None:
    """Return replicas relative to others, the mean over some pairs; None while any of them is missing."""
    known = [(one, other) for one, other in pairs if one and other]
    if not known or len(known) < len(pairs):
        return None
    value = fmean(one.average_replicas / other.average_replicas for one, other in known)
    return Ratio(value=value, is_stale=any(one.is_stale or other.is_stale for one, other in known))


def against(book: Book, kept: Sequence[Kept | None], runs: Sequence[Run], *, cheapest: bool = False) -> Ratio | None:
    """Return replicas relative to the clairvoyant rule's, the mean over some runs; None while any is missing.

    Args:
        book: All results.
        kept: Those of the runs.
        runs: In the same order.
        cheapest: Whether to take, in place of the clairvoyant rule that staffs for the traffic as it is, its cheapest
            setting that passes; nothing is told before that is known.
    """
    references = [_cheapest(book, run) if cheapest else book.kept(reference_of(run.workload, run)) for run in runs]
    return mean_ratio(list(zip(kept, references, strict=True)))


def _cheapest(book: Book, run: Run) -> Kept | None:
    if any(search.for_each(book, CLAIRVOYANT, run.workload)):
        return None
    found = own(book, CLAIRVOYANT, run.workload)
    return found.kept[0] if found and found.passes else None


def name_of(policy: str) -> str:
    """Return a rule's name."""
    return policy.partition(":")[0]


def knobs_of(policy: str) -> str:
    """Return what is set, in words that fit a cell; a lower threshold that keeps its share of the upper is left out."""
    knobs = policy.partition(":")[2]
    return ", ".join(knob for knob in knobs.split(",") if not knob.startswith("down=")) or "defaults"
