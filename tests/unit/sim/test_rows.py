"""Rows with their places."""

import pytest

from gemma4_operator.sim.invalid import InvalidTrace
from gemma4_operator.sim.rows import Row, columns_of, csv_rows, json_rows


def test_csv_has_lines_and_its_first_line_is_no_row():
    rows = list(csv_rows("a,b\n1,2\n3,4\n", "file"))
    assert [(row.where, row.values) for row in rows] == [
        ("file:2", {"a": "1", "b": "2"}),
        ("file:3", {"a": "3", "b": "4"}),
    ]
    assert columns_of("a,b\n1,2\n", "file") == {"a", "b"}
    assert columns_of("", "file") == frozenset()


def test_json_lines_have_lines_too_and_empty_ones_are_none():
    rows = list(json_rows('{"a": 1}\n\n  \n{"a": 2}\n', "file"))
    assert [(row.where, row.values["a"]) for row in rows] == [("file:1", 1), ("file:4", 2)]


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("1.5", 1.5), ("10", 10), (3, 3)])
def test_a_number(text: object, number: float):
    assert Row({"a": text}, "file:1").number("a", 10) == number


@pytest.mark.parametrize("text", ["-0.1", "10.1", "inf", "nan", "", "x", None, [], {}])
def test_what_is_no_number_within_its_limits(text: object):
    with pytest.raises(InvalidTrace, match=r"file:1: `a` must be a number from 0 to 10, and is '"):
        Row({"a": text}, "file:1").number("a", 10)


@pytest.mark.parametrize(("text", "tokens"), [("0", 1), ("0.4", 1), ("7", 7), ("7.6", 8)])
def test_a_count_of_tokens_is_whole_and_at_least_one(text: str, tokens: int):
    assert Row({"a": text}, "file:1").tokens("a") == tokens


def test_a_message_shows_no_more_of_a_value_than_a_person_reads():
    assert len(str(Row({"a": "x" * 1000}, "file:1").wrong("a", "short"))) < 100
