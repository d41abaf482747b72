"""The file of results: a line of JSON for each run, added as soon as it has been played."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gemma4_operator.sim.result import Result
from tests.bench.scaling.run import Run, run_of

PATH = Path(__file__).parents[2] / "data" / "scaling-bench.jsonl"
AIM_PERCENT = 99.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of a run: its figures, the digest of the code that played it, and how long that took.

    Attributes:
        is_stale: Whether that code has changed since, as far as somebody has looked; it is not written into the file.
    """

    digest: str
    cpu_seconds: float
    requests: int
    attainment_percent: float
    average_replicas: float
    peak_replicas: int
    scale_events_per_hour: float
    worst_five_minute_percent: float
    missed_first_token: int
    missed_token: int
    lost: int
    preemptions: int
    is_stale: bool = field(default=False, compare=False)

    @property
    def passes(self) -> bool:
        """Whether as many requests as promised kept their objectives."""
        return self.attainment_percent >= AIM_PERCENT


def kept_of(result: Result, *, digest: str, cpu_seconds: float) -> Kept:
    """Return what to keep of a result."""
    return Kept(
        digest=digest,
        cpu_seconds=round(cpu_seconds, 1),
        requests=result.requests,
        # Cut, not rounded: what is kept must not pass where the run did not.
        attainment_percent=int(result.attainment_percent * 10_000) / 10_000,
        average_replicas=round(result.average_replicas, 4),
        peak_replicas=result.peak_replicas,
        scale_events_per_hour=round(result.scale_events_per_hour, 3),
        worst_five_minute_percent=round(result.worst_five_minute_percent, 3),
        missed_first_token=result.missed_first_token,
        missed_token=result.missed_token,
        lost=result.lost,
        preemptions=result.preemptions,
    )


class Book:
    """All results there are; of two for the same run, the later one."""

    def __init__(self, rows: Mapping[Run, Kept] | None = None) -> None:
        self._rows = dict(rows or {})

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._rows)

    def kept(self, run: Run) -> Kept | None:
        """Return a run's result, or None if it has not been played."""
        return self._rows.get(run)

    def add(self, run: Run, kept: Kept) -> None:
        """Take up a result, in place of an earlier one."""
        self._rows[run] = kept

    def only(self, is_wanted: Callable[[Run, Kept], bool]) -> "Book":
        """Return a book of some of its results."""
        return Book({run: kept for run, kept in self._rows.items() if is_wanted(run, kept)})


def load(path: Path) -> Book:
    """Return what a file holds; one that is not there holds nothing.

    A last line without its end is what a stop left behind: it counts for nothing, and is played again.
    """
    book = Book()
    if not path.exists():
        return book
    for line in path.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            document = json.loads(line)
            book.add(run_of(document.pop("run")), Kept(**document))
    return book


def append(path: Path, run: Run, kept: Kept) -> None:
    """Add a result to the file."""
    with path.open("a") as file:
        file.write(_line(run, kept))


def rewrite(path: Path, book: Book) -> None:
    """Write the file anew, in an order that does not depend on when what was played."""
    lines = sorted(_line(run, kept) for run in book if (kept := book.kept(run)))
    part = path.with_suffix(".part")
    part.write_text("".join(lines))
    part.replace(path)


def _line(run: Run, kept: Kept) -> str:
    figures = {key: value for key, value in asdict(kept).items() if key != "is_stale"}
    return json.dumps({"run": run.document, **figures}) + "\n"
