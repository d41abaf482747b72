"""A cell of the grid is found again under what was played in it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.routing import Routing
from tests.bench.scaling.run import WORKLOADS, Run, run_of

RUNS = st.builds(
    Run,
    workload=st.sampled_from(sorted(WORKLOADS)),
    policy=st.sampled_from(["gemma4", "llmd:up=0.85,down=0.618"]),
    routing=st.sampled_from(Routing),
    has_gateway=st.booleans(),
    max_batched_tokens=st.integers(1, 8192),
    boot_seconds=st.floats(0, 600),
    delay_seconds=st.floats(0, 60),
    mean_life_seconds=st.none() | st.floats(1, 1e6),
    seed=st.integers(0, 9),
)


@given(RUNS)
def test_what_is_kept_of_it_gives_it_back(run: Run):
    assert run_of(run.document) == run


def test_what_is_usual_is_not_said():
    assert Run(workload="conv8", policy="gemma4").document == {"workload": "conv8", "policy": "gemma4"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"routing": Routing.RANDOM}, "routing=random"),
        ({"has_gateway": True}, "has_gateway=True"),
        ({"max_batched_tokens": 8192}, "max_batched_tokens=8192"),
        ({"boot_seconds": 40.0}, "boot_seconds=40.0"),
        ({"delay_seconds": 15.0}, "delay_seconds=15.0"),
        ({"mean_life_seconds": 60.0}, "mean_life_seconds=60.0"),
        ({"seed": 2}, "seed=2"),
    ],
)
def test_what_is_not_usual_is_said_to_people(changed: dict[str, Any], said: str):
    assert Run(workload="conv8", policy="gemma4", **changed).text == f"conv8 gemma4 {said}"
