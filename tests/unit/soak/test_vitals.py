"""What counts as growth of a process, and what is only its youth."""

import pytest

from tests.soak.vitals import MOST_FILES_MORE, MOST_GROWTH, MOST_THREADS_MORE, Sample, Vitals, growth


def sample(at: float, *, rss: float = 100.0, threads: int = 5, files: int = 20, pid: int = 1) -> Sample:
    return Sample(pid=pid, at_seconds=at, rss_mib=rss, threads=threads, files=files)


def test_a_process_that_stays_as_it_is_has_no_faults():
    assert growth([sample(at) for at in range(9)]).faults() == []


def test_what_it_takes_in_its_youth_does_not_count():
    found = growth([sample(0, rss=50), sample(1, rss=60), sample(2), sample(3), sample(4), sample(5)])
    assert (found.warm.at_seconds, found.ratio) == (2, 1.0)


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (sample(9, rss=100 * MOST_GROWTH + 1), "memory grew to 1.51 of what it was after the warm-up"),
        (sample(9, threads=5 + MOST_THREADS_MORE + 1), "threads grew from 5 to 26"),
        (sample(9, files=20 + MOST_FILES_MORE + 1), "open files grew from 20 to 41"),
    ],
    ids=["memory", "threads", "files"],
)
def test_what_grows_afterwards_is_a_fault(end: Sample, words: str):
    assert growth([sample(0), sample(1), end]).faults() == [words]


def test_an_earlier_life_says_nothing_of_this_one():
    vitals = Vitals(samples=[sample(0, pid=1, rss=900), sample(1, pid=2), sample(2, pid=2)])
    assert [one.at_seconds for one in vitals.last_life()] == [1, 2]
