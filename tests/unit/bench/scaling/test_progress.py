"""How long it will take is guessed by what was played."""

import pytest

from tests.bench.scaling.book import Book
from tests.bench.scaling.progress import left, seconds_of
from tests.bench.scaling.run import Run
from tests.unit.bench.scaling.made import kept

RUN = Run(workload="ramp", policy="keda")
BOOK = Book({RUN: kept()})


@pytest.mark.parametrize(
    ("runs", "jobs", "slowdown", "said"),
    [
        (6, 1, 1.0, "at least 6 runs left, about 1 min"),
        (60, 1, 2.0, "at least 60 runs left, about 20 min"),
        (60, 2, 2.0, "at least 60 runs left, about 10 min"),
        (1800, 1, 1.0, "at least 1800 runs left, about 5.0 h"),
    ],
)
def test_time_grows_with_runs_and_shrinks_with_jobs(runs: int, jobs: int, slowdown: float, said: str):
    assert left(BOOK, [RUN] * runs, jobs=jobs, slowdown=slowdown) == said


def test_a_workload_that_was_not_played_takes_as_long_as_others():
    assert seconds_of(BOOK)(Run(workload="conv8", policy="hpa")) == 10.0
    assert seconds_of(Book())(RUN) > 0
