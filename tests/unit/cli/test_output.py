"""What is printed: tables that people read on a screen, and colour only where somebody sees it."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.cli import output
from gemma4_operator.cli.output import WIDTH, columns, emit, folded, strong

RESULT = {"name": "chat", "gpus": 2, "note": "größer"}


def test_json_is_for_programs(capsys: pytest.CaptureFixture[str]):
    emit(RESULT, "json", table=lambda: "never")
    printed = capsys.readouterr().out
    assert json.loads(printed) == RESULT
    assert printed.isascii(), "whatever the terminal's encoding is"


def test_yaml_keeps_the_order_and_reads_back(capsys: pytest.CaptureFixture[str]):
    emit(RESULT, "yaml", table=lambda: "never")
    printed = capsys.readouterr().out
    assert yaml.safe_load(printed) == RESULT
    assert list(yaml.safe_load(printed)) == list(RESULT)


def test_a_table_ends_with_one_line_break(capsys: pytest.CaptureFixture[str]):
    emit(RESULT, "table", table=lambda: "chat  2")
    assert capsys.readouterr().out == "chat  2\n"


class TestColumns:
    def test_cells_stand_below_each_other(self):
        assert columns([("model", "31B"), ("why", "it is the best")]) == "model  31B\nwhy    it is the best"

    def test_no_line_ends_in_blanks(self):
        assert columns([("a", ""), ("long", "b")]) == "a\nlong  b"

    def test_nothing_is_nothing(self):
        assert columns([]) == ""

    def test_a_long_last_cell_goes_on_below_itself(self):
        lines = columns([("why", "word " * 40)], indent="  ").splitlines()
        assert len(lines) == 2
        assert all(len(line) <= WIDTH for line in lines)
        assert lines[1].startswith(" " * len("  why  ") + "word")

    def test_names_are_never_broken(self):
        name = "docker.io/vllm/vllm-openai:v0.33.0@sha256:" + "a" * 100
        assert name in columns([("image", f"VLLM {name}")])

    def test_beside_a_very_wide_column_the_last_one_keeps_room_to_be_read(self):
        lines = columns([("x" * 118, "some words of which there are too many for a line")]).splitlines()
        assert max(len(line.split("  ")[-1].strip()) for line in lines) >= 20

    @given(st.lists(st.text(alphabet="abc", min_size=1, max_size=20), max_size=80))
    def test_folding_loses_no_word(self, words: list[str]):
        lines = folded(" ".join(words), before="  - ")
        assert " ".join(lines).removeprefix("  -").split() == words
        assert all(len(line) <= WIDTH for line in lines)


class Terminal:
    def __init__(self, *, is_one: bool) -> None:
        self._is_one = is_one

    def isatty(self) -> bool:
        return self._is_one


COLOURS = {
    "on a terminal": (True, {}, True),
    "not in a pipe": (False, {}, False),
    "not where NO_COLOR is set": (True, {"NO_COLOR": "1"}, False),
    "not on a dumb terminal": (True, {"TERM": "dumb"}, False),
}


@pytest.mark.parametrize("case", COLOURS)
def test_colour(case: str, monkeypatch: pytest.MonkeyPatch):
    is_terminal, environment, is_coloured = COLOURS[case]
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(output.sys, "stdout", Terminal(is_one=is_terminal))
    assert strong("chat") == ("\033[1mchat\033[0m" if is_coloured else "chat")
