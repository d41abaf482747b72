"""The bench plays what is missing or stale, keeps each result at once, and can be stopped."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.bench.scaling.__main__ import main
from tests.bench.scaling.book import Book, Kept, append, load
from tests.bench.scaling.digest import digest_of
from tests.bench.scaling.run import Run
from tests.bench.scaling.work import fill, fresh
from tests.unit.bench.scaling.made import kept

REFERENCES = [Run(workload=workload, policy="clairvoyant") for workload in ("conv8", "ramp")]


@pytest.fixture
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as made:
        yield made


class Player:
    """Plays at once, and remembers what."""

    def __init__(self) -> None:
        self.played: list[Run] = []

    def __call__(self, run: Run, digest: str) -> Kept:
        self.played.append(run)
        return kept(digest=digest)


def references(stage: str, run: Run) -> bool:
    return stage == "reference" and run in REFERENCES


def go(
    path: Path,
    pool: Executor,
    player: Callable[[Run, str], Kept],
    *,
    jobs: int = 1,
    minutes: float | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> None:
    fill(
        fresh(load(path)),
        path,
        is_wanted=references,
        jobs=jobs,
        minutes=minutes,
        say=say,
        pool=pool,
        play=player,
    )


def test_it_plays_what_is_missing_and_the_next_time_nothing(tmp_path: Path, pool: Executor):
    path, player = tmp_path / "results.jsonl", Player()
    go(path, pool, player)
    assert player.played == REFERENCES
    go(path, pool, player)
    assert len(player.played) == 2


def test_several_are_played_at_once_and_none_twice(tmp_path: Path, pool: Executor):
    player = Player()
    go(tmp_path / "results.jsonl", pool, player, jobs=2)
    assert sorted(run.workload for run in player.played) == ["conv8", "ramp"]


def test_what_other_code_has_played_is_played_again(tmp_path: Path, pool: Executor):
    path, player = tmp_path / "results.jsonl", Player()
    append(path, REFERENCES[0], kept(50.0, digest="of another time"))
    append(path, REFERENCES[1], kept(99.0, digest=digest_of(REFERENCES[1])))
    go(path, pool, player)
    assert player.played == REFERENCES[:1]
    assert load(path).kept(REFERENCES[0]) == kept(digest=digest_of(REFERENCES[0]))


def test_a_stale_result_does_not_steer_what_is_played_next():
    stale = Book({REFERENCES[0]: kept(digest="of another time")})
    assert len(fresh(stale)) == 0


def test_after_its_time_it_begins_nothing(tmp_path: Path, pool: Executor):
    player = Player()
    go(tmp_path / "results.jsonl", pool, player, minutes=0)
    assert player.played == []


def test_what_was_played_before_a_failure_is_kept(tmp_path: Path, pool: Executor):
    path = tmp_path / "results.jsonl"

    def fails(run: Run, digest: str) -> Kept:
        if run.workload == "ramp":
            raise OSError("no space")
        return kept(digest=digest)

    with pytest.raises(OSError, match="no space"):
        go(path, pool, fails)
    assert list(load(path)) == REFERENCES[:1]


def test_each_run_is_told_with_what_is_left(tmp_path: Path, pool: Executor):
    said: list[str] = []
    go(tmp_path / "results.jsonl", pool, Player(), say=said.append)
    assert said[0].startswith("conv8 clairvoyant: 99.50 % @ 5.00; at least 1 runs left, about ")
    assert "at least 0 runs left" in said[1]


def test_the_command_without_time_prints_what_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "results.jsonl"
    append(path, REFERENCES[0], kept(99.87, 7.25, digest=digest_of(REFERENCES[0])))
    assert main(["--results", str(path), "--minutes", "0"]) == 0
    out, err = capsys.readouterr()
    assert "99.87 @ 7.25" in out
    assert "1 results are kept, and 0 are of code that has changed" in err


def test_the_command_plays_what_it_is_asked_for(tmp_path: Path):
    path = tmp_path / "results.jsonl"
    assert main(["--results", str(path), "--only", "steps static:replicas=6"]) == 0
    assert [run.text for run in load(path)] == ["steps static:replicas=6"]


def test_the_command_wants_at_least_one_at_once(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["--jobs", "0"])
    assert "argument --jobs: must be at least 1" in capsys.readouterr().err
