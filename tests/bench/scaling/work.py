"""Plays what is missing, several runs at once if asked to, and keeps each result as soon as it is there."""

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import replace
from pathlib import Path

from tests.bench.scaling.book import Book, Kept, append
from tests.bench.scaling.digest import digest_of
from tests.bench.scaling.grid import missing
from tests.bench.scaling.player import played
from tests.bench.scaling.progress import left
from tests.bench.scaling.run import Run

Play = Callable[[Run, str], Kept]


def fresh(book: Book) -> Book:
    """Return those results that the code as it is now would give again."""
    return book.only(lambda run, kept: kept.digest == digest_of(run))


def dated(book: Book) -> Book:
    """Return the same results, of which each says whether the code as it is now might give another."""
    rows = {run: kept for run in book if (kept := book.kept(run))}
    return Book({run: replace(kept, is_stale=kept.digest != digest_of(run)) for run, kept in rows.items()})


def fill(
    book: Book,
    path: Path,
    *,
    is_wanted: Callable[[str, Run], bool],
    jobs: int,
    minutes: float | None,
    say: Callable[[str], None],
    pool: Executor,
    play: Play = played,
) -> None:
    """Play what a book lacks, until nothing does or the time is up; what has begun by then is brought to its end.

    Args:
        book: Results that are still right; new ones are added.
        path: The file to which they are added as well.
        is_wanted: Says of a stage and a run whether to play it.
        jobs: How many at once.
        minutes: When to begin no more; None: never.
        say: Gets a line for each run.
        pool: Where runs are played.
        play: What plays one.
    """
    started, spent = time.monotonic(), 0.0
    running: dict[Future[Kept], Run] = {}
    while True:
        todo = [run for run in missing(book, is_wanted=is_wanted) if run not in running.values()]
        is_over = minutes is not None and time.monotonic() - started >= minutes * 60
        for run in [] if is_over else todo[: jobs - len(running)]:
            running[pool.submit(play, run, digest_of(run))] = run
        if not running:
            return
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            run, kept = running.pop(future), future.result()
            book.add(run, kept)
            append(path, run, kept)
            spent += kept.cpu_seconds
            slowdown = jobs * (time.monotonic() - started) / spent if spent else 1.0
            rest = left(book, (one for one in todo if one != run), jobs=jobs, slowdown=slowdown)
            say(f"{run.text}: {kept.attainment_percent:.2f} % @ {kept.average_replicas:.2f}; {rest}")
