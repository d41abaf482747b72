"""The poll of the cluster's tests."""

import pytest

from tests.cluster.waiting import PATIENCE, wait_for


def test_returns_the_first_truthy_answer() -> None:
    answers = iter([None, 0, "", "yes"])
    assert wait_for(lambda: next(answers), 5, interval_seconds=0) == "yes"


def test_says_what_it_waited_for_and_saw() -> None:
    with pytest.raises(TimeoutError, match=r"^waited 0 s for the pod to be Ready; last answer: \[\]$"):
        wait_for(list, 0, "the pod to be Ready")


def test_a_slow_machine_has_longer_than_callers_ask_for() -> None:
    with pytest.raises(TimeoutError, match=f"^waited {PATIENCE * 0.01:g} s for the pod"):
        wait_for(list, 0.01, "the pod", interval_seconds=0.01)


def test_asks_for_the_description_at_the_end_only() -> None:
    asked = []

    def describe() -> str:
        asked.append(True)
        return "a thing"

    assert wait_for(lambda: True, 0, describe)
    assert not asked
    with pytest.raises(TimeoutError, match="a thing"):
        wait_for(lambda: False, 0, describe)


def test_lets_errors_pass_unless_told() -> None:
    def refuse() -> bool:
        raise ConnectionError("not yet")

    with pytest.raises(ConnectionError):
        wait_for(refuse, 1)
    with pytest.raises(TimeoutError, match="not yet"):
        wait_for(refuse, 0.05, interval_seconds=0.01, retry_on=(ConnectionError,))
