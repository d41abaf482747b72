"""`gemma4 simulate --report`: the file, what it says was played, and one sentence where it cannot be written."""

import argparse
import json
import re
import time
from html import unescape
from pathlib import Path

import pytest

from gemma4_operator.cli import simulate, simulate_report
from gemma4_operator.cli.main import VERBS, main, parser
from gemma4_operator.cli.tree import tree_of
from gemma4_operator.sim.request import Request
from tests.unit.sim.settings import circumstances

SIMULATE = {flag for branch in tree_of(parser(VERBS)).branches for option in branch.options for flag in option.flags}
POLICIES = ("--policy", "static:replicas=2", "--policy", "static:replicas=3")


@pytest.fixture
def trace(tmp_path: Path) -> str:
    """Return a log of five minutes with four requests a second."""
    lines = [f'{{"timestamp": {at * 250}, "input_length": 1000, "output_length": 100}}' for at in range(1200)]
    (tmp_path / "chats.jsonl").write_text("\n".join(lines))
    return str(tmp_path / "chats.jsonl")


def report(trace: str, target: Path | str, *words: str) -> int:
    return main(["simulate", "--trace", trace, *POLICIES, "--report", str(target), *words])


class TestFile:
    def test_it_has_the_page_and_programs_get_their_result_all_the_same(
        self, trace: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        assert report(trace, tmp_path / "report.html", "-o", "json") == 0
        printed = capsys.readouterr()
        found = json.loads(printed.out)
        text = (tmp_path / "report.html").read_text()
        assert text.startswith("<!doctype html>")
        for row in found["policies"]:
            cells = re.findall(rf'<th scope="row">{row["policy"]}\s*</th>(.*?)</tr>', text)[0]
            assert f"<td>{row['averageReplicas']:.2f}</td>" in cells
        assert printed.err == ""

    def test_it_is_written_anew(self, trace: str, tmp_path: Path):
        (tmp_path / "report.html").write_text("old")
        assert report(trace, tmp_path / "report.html") == 0
        assert "old" not in (tmp_path / "report.html").read_text()[:100]

    def test_the_same_seed_gives_the_same_page(self, trace: str, tmp_path: Path):
        for name in ("one", "other"):
            report(trace, tmp_path / name)
        assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()

    def test_a_relative_name_is_enough(self, trace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.chdir(tmp_path)
        assert report(trace, "report.html") == 0
        assert (tmp_path / "report.html").exists()

    def test_without_the_option_there_is_none(self, trace: str, tmp_path: Path):
        assert main(["simulate", "--trace", trace, *POLICIES]) == 0
        assert [path.name for path in tmp_path.iterdir()] == ["chats.jsonl"]


class TestWhatCannotBeWritten:
    @pytest.fixture(autouse=True)
    def unplayed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is told before hours are played."""
        monkeypatch.setattr(simulate, "play", lambda *_, **__: pytest.fail("played"))

    def test_no_such_folder(self, trace: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        target = tmp_path / "none" / "report.html"
        assert report(trace, target) == 2
        assert capsys.readouterr().err == (
            f"gemma4: `--report` must be a file that can be written, and '{target}' cannot: "
            "there is no such directory\n"
        )

    def test_a_folder(self, trace: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        assert report(trace, tmp_path) == 2
        assert capsys.readouterr().err == (
            f"gemma4: `--report` must be a file, and '{tmp_path}' is a directory: add a name, such as report.html\n"
        )

    @pytest.mark.parametrize("exists", [True, False])
    def test_one_that_is_locked(
        self,
        exists: bool,
        trace: str,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ):
        """Root may write everything, so that the answer of the system is made up."""
        target = tmp_path / "report.html"
        if exists:
            target.touch()
        locked = target if exists else tmp_path
        monkeypatch.setattr(simulate_report.os, "access", lambda path, mode: Path(path) != locked)
        assert report(trace, target) == 2
        assert capsys.readouterr().err.endswith(f"'{target}' cannot: permission denied\n")


def test_a_disk_that_is_full_costs_the_page_and_not_the_figures(
    trace: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(simulate_report.Path, "write_text", full)
    assert report(trace, tmp_path / "report.html") == 2
    printed = capsys.readouterr()
    assert "static:replicas=2" in printed.out
    assert printed.err.endswith("cannot: No space left on device\n")


class TestFacts:
    """Each option that changes what is played is told, so that anybody can play it again."""

    @staticmethod
    def facts(*words: str) -> dict[str, str]:
        args: argparse.Namespace = parser(VERBS).parse_args(["simulate", "--trace", "chats.csv", *POLICIES, *words])
        trace = [Request(arrival_seconds=at * 6.0, input_tokens=1000, output_tokens=100) for at in range(1201)]
        return dict(simulate_report.facts_of(args, trace, circumstances()))

    def test_of_a_usual_run(self):
        assert self.facts() == {
            "Traffic": "1,201 requests in 2.00 hours, 0.167 a second",
            "Part of it": "from hour 0, 24 hours at most; scale 1",
            "Tokens": "200 in, 50 out on average",
            "Objectives": "first token within 2000 ms, each further one 60 ms on average",
            "Attainment": "99 % of requests are to keep both",
            "Routing": "two-choices, without a queue in front",
            "Boot": "100 s on average, deviation 10 %",
            "Scrape delay": "0 s",
            "A replica": "none dies",
            "Replicas": "1 to 40, 1 at first",
            "Engine": "as by default",
            "Seed": "1",
        }

    def test_a_single_request_is_not_told_as_several(self):
        args = parser(VERBS).parse_args(["simulate", "--trace", "chats.csv", *POLICIES])
        one = [Request(arrival_seconds=0.0, input_tokens=1000, output_tokens=100)]
        assert simulate_report.facts_of(args, one, circumstances())[0] == ("Traffic", "1 request in 0.00 hours")

    @pytest.mark.parametrize(
        ("words", "name", "told"),
        [
            ("--from-hours 216", "Part of it", "from hour 216,"),
            ("--hours 3", "Part of it", "3 hours at most"),
            ("--hours 1", "Part of it", "1 hour at most"),
            ("--scale 0.15", "Part of it", "scale 0.15"),
            ("--lengths input=654/973,output=67/160", "Tokens", "by input=654/973,output=67/160"),
            ("--lengths a:b", "Traffic", "gaps vary by 1 times their mean"),
            ("--lengths a:b --burstiness 2", "Traffic", "gaps vary by 2 times their mean"),
            ("--slo-ttft-ms 500", "Objectives", "within 500 ms"),
            ("--slo-tpot-ms 30", "Objectives", "one 30 ms"),
            ("--attainment-percent 99.5", "Attainment", "99.5 % of"),
            ("--gateway", "Routing", "with a queue in front"),
            ("--boot-seconds 240", "Boot", "240 s on"),
            ("--boot-variation 0.5", "Boot", "deviation 50 %"),
            ("--scrape-delay-seconds 15", "Scrape delay", "15 s"),
            ("--mean-life-seconds 900", "A replica", "dies after 900 s on average"),
            ("--min-replicas 2", "Replicas", "2 to 40"),
            ("--max-replicas 9", "Replicas", "1 to 9"),
            ("--engine fixed_ms=20", "Engine", "fixed_ms=20"),
            ("--seed 7", "Seed", "7"),
        ],
    )
    def test_of_each_option(self, words: str, name: str, told: str):
        assert told in self.facts(*words.split())[name]
        assert told not in self.facts()[name]


@pytest.mark.parametrize(
    ("name", "title"),
    [("chats.csv", "chats.csv"), ("<b>&.csv", "<b>&.csv"), ("a\x1b[1m\n.csv", "a�[1m�.csv"), ("\udcff.csv", "�.csv")],
)
def test_any_name_of_a_file_is_a_title(name: str, title: str, tmp_path: Path, trace: str):
    folder = tmp_path / "deep" / "down"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(Path(trace).read_bytes())
    assert report(str(folder / name), tmp_path / "report.html") == 0
    text = (tmp_path / "report.html").read_text()
    (found,) = re.findall(r"<h1>(.*?)</h1>", text, re.DOTALL)
    assert unescape(found) == title
    assert "deep" not in text, "where it lies is nobody's business"


def test_so_is_standard_input(trace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with Path(trace).open() as file:
        monkeypatch.setattr("sys.stdin", file)
        assert report("-", tmp_path / "report.html") == 0
    assert "<h1>Traffic of standard input</h1>" in (tmp_path / "report.html").read_text()


def test_the_guides_command_makes_one(trace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    guide = (Path(__file__).parents[3] / "docs" / "guides" / "scaling.md").read_text()
    (section,) = re.findall(r"^## Try it on your own traffic\n(.*?)^## ", guide, re.DOTALL | re.MULTILINE)
    (command,) = re.findall(r"^gemma4 (.*)$", section.replace("\\\n", " "), re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    assert main(command.replace("chats.csv", trace).split()) == 0
    assert (tmp_path / "report.html").exists()
    for option in re.findall(r"`(--[a-z-]+)", section):
        assert option in SIMULATE


def test_a_page_of_a_day_takes_seconds_at_most(tmp_path: Path):
    from tests.unit.sim.report.runs import about, minute, result, shown

    run = result(minutes=[minute(number, wanted=number % 9, arrived=60 + number % 50) for number in range(1440)])
    started = time.process_time()
    policies = [shown(f"p{number}", minutes=run.minutes) for number in range(10)]
    simulate_report.page(about(duration_seconds=86400.0), policies, reference=run)
    assert time.process_time() - started < 20
