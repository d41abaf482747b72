"""Recorded traffic in the forms in which it is published, and one sentence for what cannot be read."""

import gzip
from pathlib import Path

import pytest

from gemma4_operator.sim.files import text_of
from gemma4_operator.sim.invalid import InvalidTrace
from gemma4_operator.sim.traces import Log, Rates, read

AZURE = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9305900,396,109
"""
MOONCAKE = """{"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]}

{"timestamp": 1500, "input_length": 7322, "output_length": 490}
"""
DAILY = "day_offset,req_per_min_mid,req_per_min_low\n0.0,120,1\n0.5,240,1\n1.0,60,1\n"
SECONDS = "t_s,total_rate_rps,active_clients\n0,10,5\n600,20,5\n1200,10,5\n"


def rows(text: str) -> list[tuple[float, int, int]]:
    log = read(text, where="trace")
    assert isinstance(log, Log)
    return [(one.arrival_seconds, one.input_tokens, one.output_tokens) for one in log.requests]


def points(text: str) -> tuple[tuple[float, float], ...]:
    rates = read(text, where="trace")
    assert isinstance(rates, Rates)
    return rates.points


class TestLogs:
    def test_azures(self):
        assert rows(AZURE) == [(0.0, 374, 44), (4.25, 396, 109)]

    def test_mooncakes(self):
        assert rows(MOONCAKE) == [(0.0, 6758, 500), (1.5, 7322, 490)]

    def test_time_begins_with_the_first_wherever_it_stands(self):
        head, first, second = AZURE.splitlines()
        assert rows(f"{head}\n{second}\n{first}\n") == [(0.0, 374, 44), (4.25, 396, 109)]

    def test_a_prompt_and_an_answer_have_at_least_one_token(self):
        assert rows(MOONCAKE.replace("6758", "0").replace("500,", "0,"))[0] == (0.0, 1, 1)

    def test_a_part_has_its_own_time(self):
        text = "".join(f'{{"timestamp": {at}000, "input_length": {at}, "output_length": 1}}\n' for at in range(1, 9))
        log = read(text, where="trace")
        assert log.end_seconds == 7
        part = log.between(2.0, 5.0)
        assert isinstance(part, Log)
        assert [(one.arrival_seconds, one.input_tokens) for one in part.requests] == [(0, 3), (1, 4), (2, 5), (3, 6)]

    def test_an_empty_one_ends_where_it_begins(self):
        log = read("TIMESTAMP,ContextTokens,GeneratedTokens\n", where="trace")
        assert (log.end_seconds, rows("TIMESTAMP,ContextTokens,GeneratedTokens\n")) == (0.0, [])


class TestRates:
    def test_a_minute_by_days(self):
        assert points(DAILY) == ((0.0, 2.0), (43200.0, 4.0), (86400.0, 1.0))

    def test_a_second_by_seconds(self):
        assert points(SECONDS) == ((0.0, 10.0), (600.0, 20.0), (1200.0, 10.0))

    def test_a_part_begins_and_ends_on_the_line_between_points(self):
        part = read(SECONDS, where="trace").between(300.0, 750.0)
        assert isinstance(part, Rates)
        assert part.points == ((0.0, 15.0), (300.0, 20.0), (450.0, 17.5))
        assert part.end_seconds == 450

    def test_before_the_first_point_and_after_the_last_the_rate_stays(self):
        part = read("t_s,total_rate_rps\n100,10\n200,20\n", where="trace").between(0.0, 300.0)
        assert isinstance(part, Rates)
        assert part.points == ((0.0, 10.0), (100.0, 10.0), (200.0, 20.0), (300.0, 20.0))


BAD = {
    "other columns": (
        "time,tokens\n1,2\n",
        "trace: must be JSON lines with timestamp,input_length,output_length, or CSV with one of these sets of "
        "columns: TIMESTAMP,ContextTokens,GeneratedTokens; day_offset,req_per_min_mid; t_s,total_rate_rps",
    ),
    "nothing": ("", "trace: must be JSON lines with"),
    "a time that is none": (
        AZURE.replace("2023-11-16 18:15:50.9305900", "soon"),
        "trace:3: `TIMESTAMP` must be a time such as 2023-11-16 18:15:46.680, and is 'soon'",
    ),
    "times with a zone and without": (
        AZURE.replace("50.9305900", "50.930590+01:00"),
        "trace:3: `TIMESTAMP` must be a time like those before it, all with a zone or all without, and is",
    ),
    "tokens that are no number": (
        AZURE.replace("396", "many"),
        "trace:3: `ContextTokens` must be a number from 0 to 10000000, and is 'many'",
    ),
    "negative tokens": (AZURE.replace("396", "-1"), "trace:3: `ContextTokens` must be a number from 0"),
    "endless tokens": (AZURE.replace("396", "1e99"), "trace:3: `ContextTokens` must be a number from 0"),
    "tokens that are not a number at all": (AZURE.replace("396", "nan"), "trace:3: `ContextTokens` must be a number"),
    "a short row": (AZURE.replace(",396,109", ""), "trace:3: `ContextTokens` must be a number"),
    "a line that is not JSON": (MOONCAKE.replace("500,", "500;"), "trace:1: must be one JSON object, and is not"),
    "endless nesting": ('{"a":' * 100_000, "trace:1: must be one JSON object, and is not"),
    "a broken second line": (MOONCAKE.replace('{"timestamp": 1500', "1500"), "trace:3: must be one JSON object"),
    "a missing key": (MOONCAKE.replace("input_length", "length"), "trace:1: `input_length` must be a number"),
    "a list for a number": (MOONCAKE.replace("6758", "[1]"), "trace:1: `input_length` must be a number"),
    "one point": ("t_s,total_rate_rps\n0,10\n", "trace:2: there must be at least two rows with rates"),
    "no point": ("t_s,total_rate_rps\n", "the file: there must be at least two rows with rates"),
    "time that goes back": (
        "t_s,total_rate_rps\n0,10\n600,1\n300,2\n",
        "trace:4: `t_s` must be later than in the row before, and is '300'",
    ),
    "a negative rate": ("t_s,total_rate_rps\n0,10\n600,-1\n", "trace:3: `total_rate_rps` must be a number from 0"),
    "a first line that is not CSV": ('"' + "x" * 200_000, "trace:1: must be CSV, and is not: field larger than"),
    "what is not CSV": ('t_s,total_rate_rps\n0,"' + "x" * 200_000 + "\n", "trace:2: must be CSV, and is not: field"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_told_with_its_place(case: str):
    text, message = BAD[case]
    with pytest.raises(InvalidTrace) as caught:
        read(text, where="trace")
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 300


class TestFiles:
    def test_plain_and_packed(self, tmp_path: Path):
        (tmp_path / "trace.csv").write_text(AZURE)
        (tmp_path / "trace.csv.gz").write_bytes(gzip.compress(AZURE.encode()))
        assert text_of(tmp_path / "trace.csv") == text_of(tmp_path / "trace.csv.gz") == AZURE

    @pytest.mark.parametrize(
        ("name", "data", "message"),
        [
            ("none.csv", None, "must be a file that can be read: No such file or directory"),
            ("text.csv.gz", b"plain", "must be a file that can be read: it is not what gzip makes"),
            (
                "cut.csv.gz",
                gzip.compress(b"x" * 1000, mtime=0)[:-9],
                "must be a file that can be read: it is not what gzip",
            ),
            (
                "bad.csv.gz",
                gzip.compress(b"abc" * 99, mtime=0)[:12] + b"\xff" * 20,
                "must be a file that can be read: it is not",
            ),
            ("bytes.csv", b"\xff\xfe", "must be CSV or JSON lines, and is not even UTF-8 text"),
        ],
    )
    def test_what_cannot_be_read(self, name: str, data: bytes | None, message: str, tmp_path: Path):
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(InvalidTrace) as caught:
            text_of(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: {message}")
