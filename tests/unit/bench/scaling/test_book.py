"""Results survive a stop at any moment, and the file says the same whatever the order in which they came."""

from dataclasses import replace
from pathlib import Path

import pytest

from gemma4_operator.sim.result import Result
from tests.bench.scaling.book import PATH, append, kept_of, load, rewrite
from tests.bench.scaling.run import Run
from tests.unit.bench.scaling.made import kept

ONE, TWO = Run(workload="conv8", policy="keda"), Run(workload="ramp", policy="hpa:target=30", seed=2)


def test_what_is_added_is_there_the_next_time(tmp_path: Path):
    path = tmp_path / "results.jsonl"
    append(path, ONE, kept(98.0))
    append(path, TWO, kept(99.9))
    book = load(path)
    assert (book.kept(ONE), book.kept(TWO), len(book)) == (kept(98.0), kept(99.9), 2)


def test_a_file_that_is_not_there_holds_nothing(tmp_path: Path):
    assert len(load(tmp_path / "none.jsonl")) == 0


def test_a_later_result_takes_the_place_of_an_earlier_one(tmp_path: Path):
    path = tmp_path / "results.jsonl"
    append(path, ONE, kept(98.0, digest="old"))
    append(path, ONE, kept(99.0, digest="new"))
    assert load(path).kept(ONE) == kept(99.0, digest="new")
    rewrite(path, load(path))
    assert len(path.read_text().splitlines()) == 1


def test_half_a_line_of_a_run_that_was_stopped_counts_for_nothing(tmp_path: Path):
    path = tmp_path / "results.jsonl"
    append(path, ONE, kept())
    append(path, TWO, kept())
    text = path.read_text()
    for length in range(text.index("\n") + 1, len(text)):
        path.write_text(text[:length])
        assert list(load(path)) == [ONE]


def test_a_run_that_is_added_after_half_a_line_is_not_lost(tmp_path: Path):
    path = tmp_path / "results.jsonl"
    path.write_text('{"run": {"workl')
    rewrite(path, load(path))
    append(path, ONE, kept())
    assert list(load(path)) == [ONE]


def test_the_file_does_not_tell_the_order_in_which_runs_were_played(tmp_path: Path):
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for path, runs in zip(paths, ((ONE, TWO), (TWO, ONE)), strict=True):
        for run in runs:
            append(path, run, kept())
        rewrite(path, load(path))
    assert paths[0].read_text() == paths[1].read_text()


@pytest.mark.parametrize(("percent", "passes"), [(98.99999, False), (99.0, True), (99.00001, True)])
def test_cutting_digits_makes_nothing_pass(percent: float, passes: bool):
    result = Result(
        requests=10,
        attainment_percent=percent,
        average_replicas=4.123456,
        peak_replicas=6,
        scale_events_per_hour=1,
        worst_five_minute_percent=80,
        missed_first_token=1,
        missed_token=0,
        lost=0,
        preemptions=0,
        minutes=(),
    )
    found = kept_of(result, digest="d", cpu_seconds=1.26)
    assert (found.passes, found.average_replicas, found.cpu_seconds) == (passes, 4.1235, 1.3)
    assert replace(found, attainment_percent=0.0).passes is False


def test_what_the_project_keeps_can_be_read():
    book = load(PATH)
    assert all(found.requests > 0 for run in book if (found := book.kept(run)))
