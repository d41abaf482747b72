"""A section as Markdown, and the report that all of them make."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.accuracy import __main__ as report
from tests.accuracy.section import Section

GOOD = Section(title="Weights", intro=" In short. ", columns=("a", "b"), rows=(("1", "x|y"),), verdict=("fine",))
BAD = Section(title="Cache", intro="Worse.", passed=False)


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "accuracy.md"
    monkeypatch.setattr(report, "PAGE", path)
    return path


def sections(monkeypatch: pytest.MonkeyPatch, *made: Section) -> None:
    makers: tuple[Callable[[], Section], ...] = tuple(lambda one=one: one for one in made)
    monkeypatch.setattr(report, "SECTIONS", makers)


def test_a_section_is_heading_intro_verdict_and_table():
    assert GOOD.markdown() == "## Weights\n\nIn short.\n\n* fine\n\n| a | b |\n| --- | --- |\n| 1 | x/y |"


def test_a_section_without_rows_has_no_table():
    assert BAD.markdown() == "## Cache\n\nWorse."


def test_the_report_is_printed_and_written(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    sections(monkeypatch, GOOD)
    assert report.main(["--write-docs", "--check"]) == 0
    assert capsys.readouterr().out == page.read_text()
    assert "## Weights" in page.read_text()


def test_a_part_that_does_not_hold_fails_the_check_alone(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    sections(monkeypatch, GOOD, BAD)
    assert report.main(["--write-docs"]) == 0
    assert report.main(["--check"]) == 1
    assert capsys.readouterr().err == "failed: Cache\n"


def test_a_page_that_is_out_of_date_fails_the_check(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    sections(monkeypatch, GOOD)
    assert report.main(["--check"]) == 1
    assert "accuracy.md is out of date" in capsys.readouterr().err
    report.main(["--write-docs"])
    sections(monkeypatch, GOOD, BAD)
    assert report.main(["--check"]) == 1
