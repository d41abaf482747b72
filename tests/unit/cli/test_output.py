"""What is printed: tables that people read on a screen, and colour only where somebody sees it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.cli import output
from gemma4_operator.cli.main import main
from gemma4_operator.cli.output import WIDTH, columns, emit, folded, paragraph, strong
from tests.unit.cli.calls import MIXED, deployment, written

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


class TestWidth:
    """Of a terminal, and never of what is none."""

    LONG: ClassVar[list[tuple[str, str]]] = [("why", "word " * 40), ("cost", "2.95")]
    WIDE: ClassVar[list[tuple[str, str, str]]] = [
        ("a" * 30, "b" * 20, "some words too many for what is left"),
        ("", "", "-"),
    ]

    @pytest.fixture
    def terminal(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
        """Make standard output a terminal of so many columns."""

        def become(size: int) -> None:
            monkeypatch.setenv("COLUMNS", str(size))
            monkeypatch.setattr(output.sys, "stdout", Terminal(is_one=True))

        return become

    @pytest.mark.parametrize(("size", "most"), [(40, 60), (60, 60), (80, 80), (120, 120), (200, WIDTH)])
    def test_lines_end_where_the_terminal_does(self, size: int, most: int, terminal: Callable[[int], None]):
        terminal(size)
        longest = max(map(len, columns(self.LONG).splitlines()))
        assert most - len("word ") <= longest <= most

    def test_what_goes_on_is_aligned(self, terminal: Callable[[int], None]):
        terminal(60)
        first, *others, last = columns(self.LONG).splitlines()
        assert first.index("word") == last.index("2.95")
        assert {line.index("word") for line in others} == {first.index("word")}

    def test_where_nothing_is_left_for_it_the_last_cell_stands_below(self, terminal: Callable[[int], None]):
        terminal(60)
        assert columns(self.WIDE, indent="  ").splitlines() == [
            f"  {'a' * 30}  {'b' * 20}",
            "      some words too many for what is left",
            "",
            "      -",
        ]

    def test_short_last_cells_stay_where_they_are(self, terminal: Callable[[int], None]):
        terminal(60)
        assert columns([("a" * 58, "1"), ("b", "2")]).splitlines() == ["a" * 58 + "  1", "b" + " " * 59 + "2"]

    @pytest.mark.parametrize("tell", [lambda text: columns([("why", text)]), lambda text: "\n".join(paragraph(text))])
    def test_what_is_no_terminal_has_no_width(self, tell: Callable[[str], str], monkeypatch: pytest.MonkeyPatch):
        text = "word " * 40
        monkeypatch.setattr(output.sys, "stdout", Terminal(is_one=False))
        monkeypatch.setenv("COLUMNS", "60")
        narrow = tell(text)
        monkeypatch.setenv("COLUMNS", "200")
        assert tell(text) == narrow
        assert max(map(len, narrow.splitlines())) > 110

    def test_a_paragraph_is_one_line_for_programs(self, terminal: Callable[[int], None]):
        assert paragraph("word " * 40, before="- ") == ["- " + "word " * 40]
        terminal(80)
        lines = paragraph("word " * 40, before="- ")
        assert len(lines) == 3
        assert max(map(len, lines)) <= 80

    def test_what_is_bold_takes_no_room(self, terminal: Callable[[int], None], monkeypatch: pytest.MonkeyPatch):
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        terminal(80)
        bold, plain = columns([(strong("problem"), "gpus", "none"), ("ok", "kubernetes", "new")]).splitlines()
        assert bold.replace("\033[1m", "").replace("\033[0m", "").index("gpus") == plain.index("kubernetes")


@pytest.mark.parametrize(
    "command",
    [
        ["plan", "-f", "{file}", "--inventory", MIXED],
        ["explain", "-f", "{file}", "--inventory", MIXED],
        ["fit", "--variant", "31B", "--quantization", "BF16", "--gpu", "NVIDIA-H100-80GB-HBM3", "--context", "131072"],
    ],
    ids=lambda command: command[0],
)
def test_on_a_terminal_no_verb_is_wider(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    file = written(tmp_path, deployment(spec={"model": {"variant": "31B", "quantization": "BF16"}}))
    monkeypatch.setenv("COLUMNS", "72")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    main([part.format(file=file) for part in command])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 10
    assert [line for line in lines if len(line) > 72] == []


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
