"""The measurement of reading figures measures what it says, on a few pods; its times are nobody's promise here."""

import contextlib
import http.client
from datetime import UTC, datetime

import pytest

from tests.bench import scraping


@pytest.fixture(scope="module")
def measured() -> scraping.Measured:
    return scraping.measure(pods=20, rounds=2, reads=100, period_seconds=0.5)


def test_all_is_measured(measured: scraping.Measured) -> None:
    assert 0 < measured.parse_milliseconds < min(measured.read_milliseconds, measured.opened_milliseconds)
    assert 0 < measured.core_share < 1
    assert 0 < measured.round_seconds < 5


@pytest.mark.parametrize(("ends", "answers"), [(False, 2), (True, 1)])
def test_a_connection_is_kept_or_ends_after_one_answer(ends: bool, answers: int) -> None:
    with (
        scraping.serving(scraping.RECORDED, ends=ends) as port,
        contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection,
    ):
        answered = 0
        with contextlib.suppress(http.client.RemoteDisconnected, ConnectionError):
            for _ in range(2):
                connection.request("GET", "/metrics")
                connection.auto_open = 0
                answered += connection.getresponse().read() == scraping.RECORDED.read_bytes()
        assert answered == answers


def test_reading_the_few_series_is_far_from_parsing_all(measured: scraping.Measured) -> None:
    """Whatever the machine, and whoever else uses it."""
    assert measured.parse_milliseconds < measured.whole_milliseconds / 8


def test_the_report_names_each_figure_beside_its_aim(measured: scraping.Measured) -> None:
    said = scraping.report(measured)
    assert "1126 lines" in said
    rows = {cells[1].strip(): cells[2:4] for line in said.splitlines() if len(cells := line.split("|")) > 3}
    assert [one.strip() for one in rows["one pod, with HTTP"]] == [f"{measured.read_milliseconds:.2f} ms", "1 ms"]
    assert [one.strip() for one in rows["20 pods every 5 s, of one core"]] == [f"{measured.core_share:.1%}", "15%"]


def test_pods_have_addresses_of_their_own() -> None:
    fleet = scraping.targets(500)
    assert len({target.address for target in fleet}) == len({target.name for target in fleet}) == 500
    assert all(target.address.startswith("127.") for target in fleet)


def test_the_page_says_when_on_what_and_beside_whom(measured: scraping.Measured) -> None:
    said = scraping.page(measured, today=datetime(2026, 12, 1, tzinfo=UTC))
    assert "`make bench-scrape`, on 2026-12-01" in said
    assert f"others used {measured.foreign:.0%}" in said
    assert scraping.figures(measured) in said


def test_the_page_that_is_kept_is_of_this_form() -> None:
    """Its figures are of the machine that it names; its words and rows are of this code."""
    kept = scraping.PAGE.read_text(encoding="utf-8")
    for row in (
        "figures of one pod, from its answer",
        "one pod, with HTTP",
        "the same with a new connection for each question",
        "500 pods every 5 s, of one core",
    ):
        assert f"| {row} " in kept
