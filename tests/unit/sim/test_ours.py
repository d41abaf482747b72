"""The operator's own rule beside simulated engines: what it believes of them after an hour is what is so."""

import itertools
from dataclasses import dataclass
from functools import cache
from statistics import fmean

import pytest

from gemma4_operator.scaling.decision import Decision
from gemma4_operator.sim.arrivals import from_rates
from gemma4_operator.sim.lengths import LogNormal, Mix
from gemma4_operator.sim.need import start_of
from gemma4_operator.sim.ours import Knobs, Ours
from gemma4_operator.sim.policy import View
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.result import Result, result_of
from gemma4_operator.sim.run import Circumstances
from gemma4_operator.sim.traces import Rates
from gemma4_operator.sim.workloads import ENGINE
from gemma4_operator.sim.world import play
from tests.unit.sim.settings import setting

HOUR_SECONDS = 3600.0
CHAT = Mix(input=LogNormal(median=700, mean=1000), output=LogNormal(median=120, mean=200))
CODE = Mix(input=LogNormal(median=1500, mean=2000), output=LogNormal(median=15, mean=25))


@cache
def traffic(mix: Mix, *, rate: float, variation: float) -> tuple[Request, ...]:
    """Return an hour of requests; a variation of 1 is rain, more comes in bursts."""
    rates = Rates(points=((0.0, rate), (HOUR_SECONDS, rate)))
    return from_rates(rates, mix, scale=1.0, variation=variation, seed=7)


@dataclass
class Watched:
    """The rule, and what it has decided."""

    rule: Ours
    decided: list[Decision]

    @property
    def interval_seconds(self) -> float:
        """As the rule's own."""
        return self.rule.interval_seconds

    def wanted(self, view: View) -> int:
        """Decide as the rule does, and keep it."""
        number = self.rule.wanted(view)
        assert self.rule.last is not None
        self.decided.append(self.rule.last)
        return number


def an_hour(trace: tuple[Request, ...], *, prior: float = 1.0) -> tuple[Result, list[Decision]]:
    """Return what came of an hour, and what was decided in its second half."""
    usual = setting(
        engine=ENGINE,
        input_tokens=fmean(one.input_tokens for one in trace),
        output_tokens=fmean(one.output_tokens for one in trace),
    )
    rule = Watched(Ours(Knobs(prior=prior), usual), [])
    played = play(trace, rule, circumstances=Circumstances(setting=usual, start=start_of(trace, usual)))
    return result_of(played, usual.objectives), rule.decided[len(rule.decided) // 2 :]


@pytest.mark.parametrize(
    ("mix", "variation", "off"),
    [(CHAT, 1.0, 0.02), (CHAT, 2.0, 0.02), (CODE, 1.0, 0.03), (CODE, 2.0, 0.06)],
    ids=["chat as rain", "chat in bursts", "code as rain", "code in bursts"],
)
def test_where_the_plan_is_right_nothing_else_is_believed_and_nothing_is_paid_for_care(
    mix: Mix, variation: float, off: float
) -> None:
    """Short answers to bursts of long prompts are written while those are read, within a sample: that looks slow."""
    result, decided = an_hour(traffic(mix, rate=12.0, variation=variation))
    assert result.attainment_percent >= 99
    assert all(one.state.slowness == pytest.approx(1.0, abs=off) for one in decided)
    assert {one.state.caution for one in decided} == {1.0}


@pytest.mark.parametrize("prior", [0.7, 1.3])
def test_a_wrong_plan_is_put_right_by_real_batches(prior: float) -> None:
    result, decided = an_hour(traffic(CHAT, rate=12.0, variation=1.0), prior=prior)
    assert result.attainment_percent >= 99
    assert all(one.state.slowness * prior == pytest.approx(1.0, abs=0.05) for one in decided)


def test_traffic_that_stays_as_it_is_moves_the_number_hardly_ever() -> None:
    _, decided = an_hour(traffic(CHAT, rate=12.0, variation=1.0))
    numbers = [one.replicas for one in decided]
    assert sum(one != other for one, other in itertools.pairwise(numbers)) <= 4
