"""The page is what the kept results give, and says how they came about."""

from dataclasses import replace

import pytest

from gemma4_operator.sim.workloads import ENGINE
from tests.bench.scaling.book import PATH, Book, load
from tests.bench.scaling.digest import digest_of
from tests.bench.scaling.page import PAGE, page, tables, write
from tests.bench.scaling.run import WORKLOADS
from tests.unit.bench.scaling.made import HOPELESS, REFERENCE, SWEPT, book, everywhere


def test_it_is_what_the_kept_results_give():
    assert PAGE.read_text() == page(load(PATH)), "write it with `python -m tests.bench.scaling --minutes 0`"


@pytest.mark.parametrize(
    "part",
    [
        "make scaling-bench",
        "written anew",
        "instantaneous metrics",
        "below 5 % are noise",
        "which no command here repeats",
        "[misses its own band in one cell](simulator.md)",
        "up to 5 % more replicas count as equal",
        "0.7 to 1.3 times what",
        "gemma4 simulate --help",
        f"{ENGINE.max_batched_tokens} tokens at most",
        *WORKLOADS,
    ],
)
def test_it_says_how_to_read_it_and_how_to_make_it_again(part: str):
    assert part in page(Book())


def test_the_model_of_an_engine_misses_its_band_where_it_says_so():
    # Should a later measurement keep the band, the sentence has to go.
    found = (PAGE.parent / "simulator.md").read_text()
    assert found.count("**missed**") == 1
    assert "First token" in next(line for line in found.splitlines() if "**missed**" in line)


def test_what_one_workload_does_to_the_mean_is_computed():
    text = page(book(REFERENCE | everywhere("gemma4", (99.5, 6.0), azure_code_bursts=(99.5, 4.0))))
    assert "ours is 1.120† (without azure-code-bursts 1.200†)" in text


def test_rules_whose_one_setting_is_not_known_yet_are_named():
    text = tables(book(REFERENCE | SWEPT | everywhere("gemma4", (99.5, 5.0))))
    assert "still searched for of: llmd, dynamo, wva, keda, hpa, knative, kubeai." in text
    assert "still searched for" not in tables(book(REFERENCE | SWEPT | HOPELESS | everywhere("gemma4", (99.5, 5.0))))


def test_without_results_it_claims_nothing():
    text = page(Book())
    assert "Our own rule has not been played yet." in text
    assert "| yes |" not in text
    assert "Kept now: 0 runs" in text


def test_results_of_earlier_code_are_told():
    told = page(book(REFERENCE))
    assert f"{len(REFERENCE)} of its {len(REFERENCE)} results are of earlier code" in told
    now = Book()
    for run in (kept := book(REFERENCE)):
        one = kept.kept(run)
        assert one is not None
        now.add(run, replace(one, digest=digest_of(run)))
    assert "All of it is of the code as it is." in page(now)


def test_a_book_in_which_nobody_is_better_says_so():
    assert "does another rule with its one setting keep" in tables(book(REFERENCE | everywhere("gemma4", (99.5, 5.0))))


def test_a_result_changes_it():
    assert page(book(REFERENCE)) != page(book(REFERENCE | everywhere("gemma4", (99.5, 5.0))))


def test_it_is_written_where_it_is_asked_for(tmp_path):
    path = write(book(REFERENCE), tmp_path / "page.md")
    assert path.read_text() == page(book(REFERENCE))
