"""Results of earlier code are marked wherever they stand, and no aim is said to be reached, or missed, by them."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.scaling import design, rest
from tests.bench.scaling.aims import aims
from tests.bench.scaling.book import Book, load, rewrite
from tests.bench.scaling.cells import cell
from tests.bench.scaling.digest import digest_of
from tests.bench.scaling.grid import DESIGNED, GATEWAY
from tests.bench.scaling.losses import beside_the_best, losses
from tests.bench.scaling.page import page, tables
from tests.bench.scaling.run import Run
from tests.bench.scaling.work import dated
from tests.unit.bench.scaling.made import CHEAPEST, HOPELESS, REFERENCE, SWEPT, book, everywhere, kept

OURS = everywhere("gemma4", (99.5, 5.1))
ALL = REFERENCE | CHEAPEST | SWEPT | HOPELESS | OURS
BURSTS = "azure-code-bursts"


def with_stale(found: Book, *stale: Run) -> Book:
    """Return a book of which some is of earlier code."""
    for run in stale:
        one = found.kept(run)
        assert one is not None
        found.add(run, replace(one, is_stale=True))
    return found


def met(found: Book, start: str) -> bool | None:
    (aim,) = [aim for aim in aims(found) if aim.what.startswith(start)]
    return aim.is_met


def test_a_result_is_dated_by_the_code_as_it_is():
    now, before = Run(workload="ramp", policy="keda"), Run(workload="ramp", policy="hpa")
    found = dated(Book({now: kept(digest=digest_of(now)), before: kept(digest="of another time")}))
    assert [one.is_stale for run in (now, before) if (one := found.kept(run))] == [False, True]


def test_the_file_does_not_say_what_was_stale_when_it_was_written(tmp_path: Path):
    path, run = tmp_path / "results.jsonl", Run(workload="ramp", policy="keda")
    rewrite(path, Book({run: replace(kept(), is_stale=True)}))
    assert "stale" not in path.read_text()
    assert load(path).kept(run) == kept()


@pytest.mark.parametrize(("percent", "text"), [(99.5, "99.50 @ 5.00†"), (98.5, "98.50 @ 5.00 ✗†")])
def test_a_cell_of_earlier_code_is_marked(percent: float, text: str):
    assert cell(replace(kept(percent), is_stale=True)) == text


def test_the_page_marks_what_the_code_as_it_is_did_not_play():
    found = book(ALL)
    assert "99.50 @ 5.10† |" in tables(found)
    assert "† marks figures" in page(found)
    fresh = Book({run: replace(one, digest=digest_of(run)) for run in found if (one := found.kept(run))})
    assert "†" not in tables(fresh)


def test_a_ratio_of_which_either_side_is_of_earlier_code_is_marked():
    for policy, column in (("clairvoyant", "1.020† |"), ("gemma4", "1.020† |")):
        text = design.singles(with_stale(book(ALL), Run(workload="ramp", policy=policy)))
        (line,) = [line for line in text.splitlines() if line.startswith("| gemma4")]
        assert column in line
    assert "†" not in design.singles(book(ALL))


def test_so_are_worst_minutes_and_the_best_of_the_others():
    queue = replace(GATEWAY, workload="ramp", policy="gemma4")
    assert "90.00†" in rest.worst_minutes(Book({queue: replace(kept(), is_stale=True)}))
    text = beside_the_best(with_stale(book(ALL), Run(workload="ramp", policy="static:replicas=9")))
    assert "static replicas=9: 99.90 @ 9.00†" in text
    broken = {("ramp", "gemma4"): (98.0, 4.0)}
    (sentence,) = losses(with_stale(book(ALL | broken), Run(workload="ramp", policy="gemma4")))
    assert "(98.00 @ 4.00 ✗†)" in sentence


@pytest.mark.parametrize(
    ("start", "policy"),
    [
        ("at least 99 % on every workload that rules are made with", "gemma4"),
        ("replicas at most 1.05 times those of clairvoyant", "gemma4"),
        ("replicas at most 1.05 times those of clairvoyant", "clairvoyant"),
        ("replicas at most 1.05 times those of the cheapest", "clairvoyant:times=1"),
        (f"{BURSTS}: no worse", "gemma4"),
        (f"{BURSTS}: no worse", "static:replicas=9"),
    ],
)
def test_an_aim_that_rests_on_earlier_code_is_not_known_yet(start: str, policy: str):
    assert met(book(ALL), start) is True
    assert met(with_stale(book(ALL), Run(workload=BURSTS, policy=policy)), start) is None


@pytest.mark.parametrize("policy", ["gemma4", "hpa:target=3"])
def test_nor_how_many_fewer_replicas_ours_takes(policy: str):
    found = ALL | everywhere("hpa:target=3", (99.5, 9.0)) | everywhere("hpa:target=3.5", (98.0, 8.0))
    assert met(book(found), "at least 25 % fewer replicas than hpa") is True
    stale = with_stale(book(found), Run(workload="ramp", policy=policy))
    assert met(stale, "at least 25 % fewer replicas than hpa") is None


def test_a_promise_that_the_code_as_it_is_breaks_is_broken_whatever_else_is_old():
    start = "at least 99 % on every workload that rules are made with"
    found = ALL | {("ramp", "gemma4"): (98.0, 5.0), ("conv8", "gemma4"): (97.0, 5.0)}
    assert met(with_stale(book(found), Run(workload="conv8", policy="gemma4")), start) is False
    everything = [Run(workload=workload, policy="gemma4") for workload in DESIGNED]
    assert met(with_stale(book(found), *everything), start) is None


def test_so_is_what_a_wrong_plan_costs():
    start = "still 99 % where the plan's times are 30 % too short"
    found = ALL | everywhere("gemma4:prior=0.7", (99.2, 5.2))
    assert met(book(found), start) is True
    assert met(with_stale(book(found), Run(workload="ramp", policy="gemma4")), start) is None
