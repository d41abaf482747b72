"""How far a bench is, and how much time is left, by how long runs like these took."""

from collections.abc import Callable, Iterable
from statistics import fmean

from tests.bench.scaling.book import Book
from tests.bench.scaling.run import Run

_UNKNOWN_SECONDS = 30.0


def seconds_of(book: Book) -> Callable[[Run], float]:
    """Return a guess of how long a run takes: the mean of those of its workload, or else of all."""
    taken: dict[str, list[float]] = {}
    for run in book:
        kept = book.kept(run)
        if kept is not None:
            taken.setdefault(run.workload, []).append(kept.cpu_seconds)
    every = [seconds for several in taken.values() for seconds in several]
    usual = fmean(every) if every else _UNKNOWN_SECONDS
    means = {workload: fmean(several) for workload, several in taken.items()}
    return lambda run: means.get(run.workload, usual)


def left(book: Book, runs: Iterable[Run], *, jobs: int, slowdown: float) -> str:
    """Return how many runs are left and for how long, in words.

    Args:
        book: What has been played.
        runs: What is known to be missing; searches may ask for more.
        jobs: How many are played at once.
        slowdown: Elapsed seconds for each second of a run's own, since others use the machine too.
    """
    guess, several = seconds_of(book), list(runs)
    minutes = sum(map(guess, several)) * slowdown / jobs / 60
    return f"at least {len(several)} runs left, about {_span(minutes)}"


def _span(minutes: float) -> str:
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"
