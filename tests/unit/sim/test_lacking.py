"""Rows that lack a value: people are told so, and not that None is no number."""

import pytest

from gemma4_operator.sim.invalid import InvalidTrace
from gemma4_operator.sim.lacking import told
from gemma4_operator.sim.traces import read

AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,374,44\n"
SECONDS = "t_s,total_rate_rps\n0,10\n"


def said(text: str) -> str:
    with pytest.raises(InvalidTrace) as caught:
        read(text, where="a: trace")
    return str(told(caught.value, text, where="a: trace"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{AZURE}2023-11-16 18:15:50,396\n", "a: trace:3: has too few columns: there must be 3 as in the first line"),
        (f"{AZURE}2023-11-16 18:15:50\n", "a: trace:3: has too few columns: there must be 3 as in the first line"),
        (f"{SECONDS}60\n", "a: trace:3: has too few columns: there must be 2 as in the first line"),
        (
            '{"timestamp": 0, "input_length": 9}\n',
            "a: trace:1: must have `output_length`, and has timestamp,input_length",
        ),
        ("{}\n", "a: trace:1: must have `timestamp`, and has nothing"),
    ],
)
def test_what_is_not_there_is_told(text: str, message: str):
    assert said(text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"{SECONDS}60,None\n",
            "a: trace:3: `total_rate_rps` must be a number from 0 to 1000000000000000, and is 'None'",
        ),
        (f"{SECONDS}60,\n", "a: trace:3: `total_rate_rps` must be a number from 0 to 1000000000000000, and is ''"),
        ('{"timestamp": null}\n', "a: trace:1: `timestamp` must be a number from 0 to 1000000000000000, and is 'None'"),
        ("time\n1\n", "a: trace: must be JSON lines with timestamp,input_length,output_length, or CSV with"),
    ],
)
def test_what_is_there_and_wrong_is_told_as_before(text: str, message: str):
    assert said(text).startswith(message)
