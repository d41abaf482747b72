"""What a run says is what is played: each of its fields reaches the simulator."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from gemma4_operator.sim.need import start_of
from gemma4_operator.sim.policy import Policy
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.routing import Routing
from gemma4_operator.sim.run import Circumstances, Played
from gemma4_operator.sim.workloads import ENGINE, STEPS
from gemma4_operator.sim.world import play
from tests.bench.scaling import player
from tests.bench.scaling.run import Run

RUN = Run(workload="steps", policy="static:replicas=3")
SHORT = 300


@dataclass
class Stage:
    """Plays the first requests alone, and remembers in which circumstances."""

    circumstances: list[Circumstances] = field(default_factory=list)
    traces: list[Sequence[Request]] = field(default_factory=list)

    def __call__(self, trace: Sequence[Request], policy: Policy, *, circumstances: Circumstances) -> Played:
        self.circumstances.append(circumstances)
        self.traces.append(trace)
        return play(trace[:SHORT], policy, circumstances=circumstances)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage()
    monkeypatch.setattr(player, "play", made)
    return made


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("routing", Routing.LEAST, lambda found: found.routing),
        ("has_gateway", True, lambda found: found.has_gateway),
        ("max_batched_tokens", 8192, lambda found: found.setting.engine.max_batched_tokens),
        ("boot_seconds", 40.0, lambda found: found.setting.boot_seconds),
        ("delay_seconds", 15.0, lambda found: found.setting.scrape_delay_seconds),
        ("mean_life_seconds", 99.0, lambda found: found.mean_life_seconds),
        ("seed", 2, lambda found: found.seed),
    ],
)
def test_each_field_reaches_the_simulator(
    stage: Stage, field: str, value: object, shown: Callable[[Circumstances], object]
):
    usual: Any = getattr(RUN, field)
    for one in (usual, value):
        player.played(replace(RUN, **{field: one}), "d")
        assert shown(stage.circumstances[-1]) == one
    assert usual != value


def test_another_seed_is_other_traffic_as_well(stage: Stage):
    for seed in (1, 2, 1):
        player.played(replace(RUN, seed=seed), "d")
    assert stage.traces[0] == stage.traces[2] != stage.traces[1]


def test_the_rule_that_is_named_is_the_one_that_decides(stage: Stage):
    few, many = (player.played(replace(RUN, policy=f"static:replicas={count}"), "d") for count in (1, 30))
    assert few.average_replicas < many.average_replicas
    assert few.attainment_percent <= many.attainment_percent


def test_it_begins_with_what_the_first_minutes_need_and_the_rule_knows_usual_lengths(stage: Stage):
    player.played(RUN, "d")
    (circumstances,), (trace,) = stage.circumstances, stage.traces
    assert trace == STEPS["steps"].make(player.TRACES, 1)
    assert circumstances.start == start_of(trace, circumstances.setting)
    assert circumstances.setting.input_tokens == pytest.approx(sum(one.input_tokens for one in trace) / len(trace))
    assert circumstances.setting.output_tokens == pytest.approx(sum(one.output_tokens for one in trace) / len(trace))
    assert circumstances.setting.engine == ENGINE


def test_the_same_run_gives_the_same_figures(stage: Stage):
    one, other = (player.played(RUN, "d") for _ in range(2))
    assert replace(one, cpu_seconds=0) == replace(other, cpu_seconds=0)
    assert (one.digest, one.requests) == ("d", SHORT)
