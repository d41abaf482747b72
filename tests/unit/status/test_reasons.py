"""Every reason can be looked up."""

import re

import pytest

from gemma4_operator.planner import plan
from gemma4_operator.status.reasons import Reason


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_has_a_sentence_and_an_advice(reason: Reason) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z]+", reason.value)
    assert reason.sentence.endswith(".")
    assert reason.advice.endswith(".")


def test_the_planner_gives_no_reason_that_is_not_listed() -> None:
    constants = [value for name, value in vars(plan).items() if name.isupper()]
    assert constants
    assert all(Reason(value) for value in constants)
