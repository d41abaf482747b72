"""What holds for every rule, whatever it sees: limits, no crash, and the same answer to the same questions."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.scaling.sample import Stage
from gemma4_operator.sim.policy import Seen, View
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.rules import make, names
from tests.unit.sim.peers.views import counts, seen, setting, times, view

TRACE = [Request(arrival_seconds=second / 5, input_tokens=1000, output_tokens=200) for second in range(3000)]
SETTING = setting(minimum=2, maximum=12)


@st.composite
def replicas(draw: Any) -> list[Seen]:
    """A few replicas at any stage, with any work, some of which tell nothing of it."""
    made = []
    for index in range(draw(st.integers(0, 8))):
        number = draw(st.integers(0, 1000))
        engine = counts(
            finished=float(number),
            prompt_tokens=number * 900.0,
            generation_tokens=number * 150.0,
            first_token=times(draw(st.floats(0.01, 30)), float(number)),
        )
        made.append(
            seen(
                f"r{index}",
                stage=draw(st.sampled_from(list(Stage))),
                running=draw(st.integers(0, 256)),
                waiting=draw(st.integers(0, 5000)),
                queued=draw(st.integers(0, 1_000_000)),
                cache=draw(st.integers(0, 100_000)),
                counts=draw(st.sampled_from([None, engine, counts()])),
            )
        )
    return made


@st.composite
def views(draw: Any) -> list[View]:
    """What a rule may see turn by turn; engines of the same name may tell less than before."""
    turns, arrived = [], 0
    for turn in range(draw(st.integers(1, 12))):
        arrived += draw(st.integers(0, 500))
        at = turn * 15.0
        there = [
            seen(
                each.replica.name,
                stage=each.replica.stage,
                running=each.running,
                waiting=each.waiting,
                queued=each.queued_prompt_tokens,
                cache=each.cache_tokens,
                at=at,
                counts=None if each.replica.sample is None else each.replica.sample.counts,
            )
            for each in draw(replicas())
        ]
        held = draw(st.integers(0, 2000))
        turns.append(view(there, now=at, wanted=draw(st.integers(2, 12)), held=held, arrived=arrived))
    return turns


def answers(text: str, turns: list[View]) -> list[int]:
    rule = make(text, setting=SETTING, trace=TRACE)
    return [rule.wanted(turn) for turn in turns]


@pytest.mark.parametrize("name", names())
@given(turns=views())
def test_whatever_it_sees_it_stays_within_limits_and_answers_alike(name: str, turns: list[View]) -> None:
    text = f"{name}:replicas=5" if name == "static" else name
    wanted = answers(text, turns)
    assert all(isinstance(count, int) and 2 <= count <= 12 for count in wanted)
    assert answers(text, turns) == wanted


MONOTONE = ("hpa", "keda", "knative", "kubeai", "wva")


@pytest.mark.parametrize("name", MONOTONE)
@given(running=st.integers(0, 200), waiting=st.integers(0, 4), more=st.integers(1, 500), count=st.integers(2, 12))
def test_more_held_in_front_of_them_never_makes_fewer(
    name: str, running: int, waiting: int, more: int, count: int
) -> None:
    each = [seen(f"r{index}", running=running, waiting=waiting, cache=running * 400) for index in range(count)]
    (less,), (greater,) = answers(name, [view(each)]), answers(name, [view(each, held=more)])
    assert greater >= less
