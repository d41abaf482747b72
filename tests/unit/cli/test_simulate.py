"""`gemma4 simulate`: what it plays, what it prints, and one sentence for what it cannot play."""

import gzip
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from gemma4_operator.cli import simulate
from gemma4_operator.cli.main import main
from gemma4_operator.sim import world
from tests.unit.sim.fixed import Static

STATIC = ("--policy", "static:replicas=2")


@pytest.fixture
def trace(tmp_path: Path) -> str:
    """Return a log of ten minutes with four requests a second, of 1,000 tokens and 100."""
    lines = [f'{{"timestamp": {at * 250}, "input_length": 1000, "output_length": 100}}' for at in range(2400)]
    (tmp_path / "trace.jsonl").write_text("\n".join(lines))
    return str(tmp_path / "trace.jsonl")


@pytest.fixture
def rates(tmp_path: Path) -> str:
    """Return rates of two hours: two a second in the first, four in the second."""
    points = [(0, 2), (3599, 2), (3600, 4), (7200, 4)]
    text = "t_s,total_rate_rps\n" + "".join(f"{at},{rate}\n" for at, rate in points)
    (tmp_path / "rates.csv").write_text(text)
    return str(tmp_path / "rates.csv")


class Run:
    """The program, and what it prints."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def json(self, *words: str) -> Any:
        assert main(["simulate", *words, "-o", "json"]) == 0
        return json.loads(self._capsys.readouterr().out)

    def only(self, *words: str) -> Any:
        """Return the figures of the one rule."""
        return self.json(*words)["policies"][0]

    def text(self, *words: str) -> str:
        assert main(["simulate", *words]) == 0
        return self._capsys.readouterr().out

    def error(self, *words: str) -> str:
        assert main(["simulate", *words]) == 2
        return self._capsys.readouterr().err.strip()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(capsys)


class TestResult:
    def test_has_the_traffic_and_each_rules_figures(self, run: Run, trace: str):
        found = run.json("--trace", trace, "--policy", "static:replicas=2", "--policy", "static:replicas=3")
        assert found["trace"] == {
            "requests": 2400,
            "durationSeconds": 599.8,
            "requestsPerSecond": 4.002,
            "inputTokens": 1000,
            "outputTokens": 100,
            "startReplicas": 1,
        }
        assert found["policies"] == [
            {
                "policy": f"static:replicas={replicas}",
                "attainmentPercent": 100.0,
                "averageReplicas": float(replicas),
                "peakReplicas": replicas,
                "costRatioToClairvoyant": float(replicas),
                "scaleEventsPerHour": 6.0,
                "worstFiveMinutePercent": 100.0,
                "missedFirstToken": 0,
                "missedToken": 0,
                "lost": 0,
                "preemptions": 0,
            }
            for replicas in (2, 3)
        ]

    def test_reads_like_this_for_people(self, run: Run, trace: str):
        assert run.text("--trace", trace, *STATIC, "--start", "2") == (
            "2400 requests in 0.17 hours, of 1000 + 100 tokens on average; 2 replicas at first\n\n"
            "POLICY             ATTAINMENT  REPLICAS  PEAK  TO CLAIRVOYANT  CHANGES/H  WORST 5 MIN\n"
            "static:replicas=2  100.00 %    2.00      2     2.00            0.0        100.0 %\n"
        )

    def test_one_is_not_told_as_several(self, run: Run, tmp_path: Path):
        (tmp_path / "one.jsonl").write_text('{"timestamp": 0, "input_length": 10, "output_length": 1}')
        (head, *_) = run.text("--trace", str(tmp_path / "one.jsonl"), *STATIC).splitlines()
        assert head == "1 request in 0.00 hours, of 10 + 1 tokens on average; 1 replica at first"

    def test_the_cost_is_compared_with_a_rule_that_sees_the_future(
        self, run: Run, trace: str, monkeypatch: pytest.MonkeyPatch
    ):
        made = simulate.make
        monkeypatch.setattr(
            simulate,
            "make",
            lambda text, **known: Static(replicas=4) if text == "clairvoyant" else made(text, **known),
        )
        assert run.only("--trace", trace, *STATIC, "--start", "2")["costRatioToClairvoyant"] == 0.5
        assert "  0.50  " in run.text("--trace", trace, *STATIC, "--start", "2")


class TestProgress:
    """A day takes some rules a minute; who waits at a terminal is told which one is being played."""

    WORDS = ("--policy", "static:replicas=2", "--policy", "hpa:target=30", "--hours", "0.01")

    def test_a_terminal_gets_a_line_for_each_rule_when_it_begins(
        self, trace: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ):
        told: list[str] = []

        def play(*words: Any, **more: Any) -> Any:
            told.append(capsys.readouterr().err)
            return world.play(*words, **more)

        monkeypatch.setattr("sys.stderr.isatty", lambda: True)
        monkeypatch.setattr(simulate, "play", play)
        assert main(["simulate", "--trace", trace, *self.WORDS, "-o", "json"]) == 0
        assert told == [
            "gemma4: 1 of 3: playing clairvoyant, by which costs are measured\n",
            "gemma4: 2 of 3: playing static:replicas=2\n",
            "gemma4: 3 of 3: playing hpa:target=30\n",
        ]
        printed = capsys.readouterr()
        assert printed.err == ""
        assert [row["policy"] for row in json.loads(printed.out)["policies"]] == ["static:replicas=2", "hpa:target=30"]

    def test_nothing_else_gets_one(self, trace: str, capsys: pytest.CaptureFixture[str]):
        assert main(["simulate", "--trace", trace, *self.WORDS]) == 0
        assert capsys.readouterr().err == ""


class TestEachOptionChangesSomething:
    """Each is played with and without it, on traffic in which it matters."""

    @pytest.mark.parametrize(
        ("option", "value", "key"),
        [
            ("--slo-ttft-ms", "80", "attainmentPercent"),
            ("--slo-tpot-ms", "16", "attainmentPercent"),
            ("--routing", "random", "missedFirstToken"),
            ("--boot-seconds", "300", "attainmentPercent"),
            ("--boot-variation", "2", "missedFirstToken"),
            ("--mean-life-seconds", "100", "lost"),
            ("--min-replicas", "3", "averageReplicas"),
            ("--max-replicas", "1", "averageReplicas"),
            ("--start", "2", "attainmentPercent"),
            ("--engine", "prompt_token_us=90", "attainmentPercent"),
            ("--engine", "fixed_ms=30", "attainmentPercent"),
            ("--engine", "sequence_us=2000", "attainmentPercent"),
            ("--engine", "context_token_ns=2000", "attainmentPercent"),
            ("--engine", "cache_tokens=20000", "attainmentPercent"),
            ("--engine", "max_sequences=10", "attainmentPercent"),
            ("--engine", "max_batched_tokens=8192", "missedFirstToken"),
            ("--scale", "0.5", "attainmentPercent"),
            ("--hours", "0.05", "attainmentPercent"),
            ("--from-hours", "0.1", "attainmentPercent"),
            ("--seed", "3", "missedFirstToken"),
        ],
    )
    def test_of_the_deployment(self, run: Run, trace: str, option: str, value: str, key: str):
        """Eight and more a second at first meet one replica, which cannot keep up, until the second has booted."""
        usual = ("--trace", trace, *STATIC, "--start", "1", "--scale", "3")
        others = [word for place, word in enumerate(usual) if option not in (word, usual[place - 1])]
        assert run.only(*others, option, value)[key] != run.only(*usual)[key]

    def test_gateway(self, run: Run, trace: str):
        usual = ("--trace", trace, *STATIC, "--start", "1", "--scale", "3")
        assert run.only(*usual, "--gateway")["attainmentPercent"] > run.only(*usual)["attainmentPercent"]

    def test_what_only_a_rule_sees(self, run: Run, trace: str, monkeypatch: pytest.MonkeyPatch):
        """The attainment that is aimed at, how old counts are, and what a request usually is."""
        known: list[Any] = []

        def make(text: str, *, setting: Any, trace: Any) -> Static:
            known.append(setting)
            return Static(replicas=2)

        monkeypatch.setattr(simulate, "make", make)
        run.json("--trace", trace, *STATIC, "--attainment-percent", "95", "--scrape-delay-seconds", "15")
        assert known[0].objectives.attainment == 0.95
        assert known[0].scrape_delay_seconds == 15
        assert (known[0].input_tokens, known[0].output_tokens) == (1000, 100)


class TestTraces:
    def test_rates_need_lengths(self, run: Run, rates: str):
        words = ("--trace", rates, *STATIC, "--lengths", "input=654/973,output=67/160")
        about = run.json(*words)["trace"]
        assert about["requests"] == pytest.approx(3600 * 6, rel=0.03)
        assert about["inputTokens"] == pytest.approx(973, rel=0.05)
        assert about["outputTokens"] == pytest.approx(160, rel=0.06)

    def test_lengths_may_come_from_a_file(self, run: Run, rates: str, tmp_path: Path):
        points = "trace,field,quantile,tokens\nchat,input,0.0001,100\nchat,output,0.0001,7\n"
        (tmp_path / "lengths.csv.gz").write_bytes(gzip.compress(points.encode()))
        about = run.json("--trace", rates, *STATIC, "--lengths", f"{tmp_path}/lengths.csv.gz:chat")["trace"]
        assert (about["inputTokens"], about["outputTokens"]) == (100, 7)

    def test_a_part_of_them_may_be_played(self, run: Run, rates: str):
        words = ("--trace", rates, *STATIC, "--lengths", "input=100/100,output=10/10")
        about = run.json(*words, "--from-hours", "1", "--hours", "0.5")["trace"]
        assert about["requests"] == pytest.approx(1800 * 4, rel=0.05)
        assert about["durationSeconds"] == pytest.approx(1800, rel=0.01)

    def test_bursts_are_harder(self, run: Run, rates: str):
        words = ("--trace", rates, *STATIC, "--lengths", "input=1000/1000,output=10/10", "--scale", "3")
        even, bursts = run.only(*words, "--burstiness", "0.5"), run.only(*words, "--burstiness", "4")
        assert even["attainmentPercent"] == 100 > bursts["attainmentPercent"]

    def test_standard_input(self, run: Run, trace: str, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("sys.stdin", StringIO(Path(trace).read_text()))
        assert run.json("--trace", "-", *STATIC)["trace"]["requests"] == 2400


class TestWhatCannotBePlayed:
    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("--policy", "best"), "`--policy`: a policy must be one of gemma4,"),
            (("--scale", "0"), "`--scale` must be above 0 and at most 1000, and is 0"),
            (("--scale", "nan"), "`--scale` must be above 0 and at most 1000, and is nan"),
            (("--burstiness", "-1"), "`--burstiness` must be above 0 and at most 100, and is -1"),
            (("--from-hours", "-1"), "`--from-hours` must be at least 0, and is -1"),
            (("--from-hours", "3"), "`--from-hours` must be within {trace}, which has 0.17 hours"),
            (("--hours", "0"), "`--hours` must be above 0 and at most 8784, and is 0"),
            (("--hours", "0.00000001", "--from-hours", "0.00001"), "{trace}: must hold requests where"),
            (("--slo-ttft-ms", "0"), "`--slo-ttft-ms` must be above 0, and is 0"),
            (("--slo-tpot-ms", "inf"), "`--slo-tpot-ms` must be above 0, and is inf"),
            (("--policy", "gemma4:share=5"), "`--policy`: `share` of `gemma4` must be a number from 0.01 to 1, and is"),
            (("--policy", "llmd:share=5"), "`--policy`: `share` of `llmd` must be a number from 0.01 to 1, and is '5'"),
            (
                ("--policy", "dynamo:load_seconds=0.0001"),
                "`--policy`: `load_seconds` of `dynamo` must be a number from 1",
            ),
            (("--attainment-percent", "100"), "`--attainment-percent` must be above 0 and below 100, and is 100"),
            (("--attainment-percent", "0"), "`--attainment-percent` must be above 0 and below 100, and is 0"),
            (("--boot-seconds", "-1"), "`--boot-seconds` must be at least 0 and at most 86400, and is -1"),
            (("--boot-seconds", "1e9"), "`--boot-seconds` must be at least 0 and at most 86400, and is 1e+09"),
            (("--boot-variation", "9"), "`--boot-variation` must be at least 0 and at most 3, and is 9"),
            (("--scrape-delay-seconds", "-1"), "`--scrape-delay-seconds` must be at least 0, and is -1"),
            (("--mean-life-seconds", "0.001"), "`--mean-life-seconds` must be at least 1, and is 0.001"),
            (("--min-replicas", "-1"), "`--min-replicas` must be at least 0, and is -1"),
            (("--max-replicas", "0"), "`--max-replicas` must be at least 1 and at most 10000, and is 0"),
            (("--min-replicas", "50"), "`--max-replicas` must be at least 50 and at most 10000, and is 40"),
            (("--start", "-1"), "`--start` must be at least 0 and at most 40, and is -1"),
            (("--start", "41"), "`--start` must be at least 0 and at most 40, and is 41"),
            (("--engine", "speed=1"), "`--engine` must have keys of fixed_ms, sequence_us, context_token_ns,"),
            (("--engine", "fixed_ms=0"), "`--engine fixed_ms` must be above 0"),
            (("--engine", "cache_tokens=0"), "`--engine cache_tokens` must be at least 1"),
            (("--engine", "fixed_ms"), "`--engine fixed_ms` must be a number, and is ''"),
        ],
    )
    def test_is_told_in_a_sentence(self, run: Run, trace: str, words: tuple[str, ...], message: str):
        policy = () if "--policy" in words else STATIC
        error = run.error("--trace", trace, *policy, *words)
        assert error.startswith(f"gemma4: {message.format(trace=trace)}")
        assert "\n" not in error

    @pytest.mark.parametrize(
        ("count", "options", "played"),
        [
            (1000, (), "40 replicas, which is `--max-replicas`"),
            (2, ("--max-replicas", "1"), "1 replica, which is `--max-replicas`"),
            (1, ("--min-replicas", "3"), "3 replicas, which is `--min-replicas`"),
        ],
    )
    def test_a_fixed_count_beyond_the_bounds_is_told(
        self, trace: str, capsys: pytest.CaptureFixture[str], count: int, options: tuple[str, ...], played: str
    ):
        policy = f"static:replicas={count}"
        assert main(["simulate", "--trace", trace, "--hours", "0.01", "--policy", policy, *options]) == 0
        assert capsys.readouterr().err == f"gemma4: `--policy` {policy} plays {played}\n"

    @pytest.mark.parametrize(
        ("lengths", "message"),
        [
            (None, "`--lengths` must be given where a trace has rates alone: input=MEDIAN/MEAN"),
            ("short", "`--lengths` must be input=MEDIAN/MEAN,output=MEDIAN/MEAN or FILE:TRACE, and is 'short'"),
            ("input=1/2", "`--lengths` must be input=MEDIAN/MEAN,output=MEDIAN/MEAN or FILE:TRACE, and is 'input=1/2'"),
            ("input=1,output=1/2", "`--lengths` input must be a number, and is ''"),
            ("input=9/2,output=1/2", "`--lengths` input must be a median of at least 1 and a mean not below it"),
            ("input=1/2,output=0/2", "`--lengths` output must be a median of at least 1 and a mean not below it"),
            ("none.csv:chat", "none.csv: must be a file that can be read"),
        ],
    )
    def test_lengths_too(self, run: Run, rates: str, lengths: str | None, message: str):
        words = () if lengths is None else ("--lengths", lengths)
        assert run.error("--trace", rates, *STATIC, *words).startswith(f"gemma4: {message}")

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("--lengths", "input=654/973,output=67/160"),
            ("--lengths", "foo"),
            ("--burstiness", "3"),
            ("--burstiness", "1"),
        ],
    )
    def test_what_is_for_rates_is_refused_for_a_log(self, run: Run, trace: str, option: str, value: str):
        """A log has each request with its time and its lengths; a page that told others would tell an untruth."""
        error = run.error("--trace", trace, *STATIC, option, value)
        assert error == (
            f"gemma4: `{option}` must be left out: it is for rates only, and {trace} is a log, which has each request"
        )

    @pytest.mark.parametrize("text", ["", " \n\n"])
    def test_an_empty_file(self, run: Run, tmp_path: Path, text: str):
        (tmp_path / "empty.csv").write_text(text)
        error = run.error("--trace", str(tmp_path / "empty.csv"), *STATIC)
        assert error == f"gemma4: {tmp_path}/empty.csv: must hold recorded traffic, and is empty"

    def test_a_row_that_was_cut_off(self, run: Run, tmp_path: Path):
        (tmp_path / "cut.csv").write_text("t_s,total_rate_rps\n0,1\n60\n")
        error = run.error("--trace", str(tmp_path / "cut.csv"), *STATIC)
        assert error.startswith(f"gemma4: {tmp_path}/cut.csv:3: has too few columns")

    def test_a_row_of_lengths_that_was_cut_off(self, run: Run, rates: str, tmp_path: Path):
        (tmp_path / "lengths.csv").write_text("trace,field,quantile,tokens\nchat,input,0.5\n")
        error = run.error("--trace", rates, *STATIC, "--lengths", f"{tmp_path}/lengths.csv:chat")
        assert error.startswith(f"gemma4: {tmp_path}/lengths.csv:2: has too few columns")

    def test_a_file_that_is_none(self, run: Run):
        error = run.error("--trace", "none.csv", *STATIC)
        assert error == "gemma4: none.csv: must be a file that can be read: No such file or directory"

    def test_a_wrong_rule_is_told_before_anything_is_played(
        self, run: Run, trace: str, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(simulate, "play", lambda *_, **__: pytest.fail("played"))
        assert "is 'best'" in run.error("--trace", trace, *STATIC, "--policy", "best")
