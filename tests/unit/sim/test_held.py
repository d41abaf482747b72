"""A Prometheus between the engines and a scaler, as the simulator has it."""

from itertools import pairwise

import pytest

from gemma4_operator.scaling.sample import Counts, Sample
from gemma4_operator.sim.arrivals import from_rates
from gemma4_operator.sim.held import Held
from gemma4_operator.sim.ours import Knobs, Ours
from gemma4_operator.sim.policy import View
from gemma4_operator.sim.result import result_of
from gemma4_operator.sim.run import Circumstances
from gemma4_operator.sim.traces import Rates
from gemma4_operator.sim.world import play
from tests.scaling import replica
from tests.unit.sim.settings import setting
from tests.unit.sim.test_ours import CHAT

TICK_SECONDS = 5.0


def told(held: Held, name: str, *, ticks: int) -> list[float | None]:
    """Return when each sample was scraped that is told at each tick."""
    seen = []
    for tick in range(ticks):
        now = Sample(at_seconds=tick * TICK_SECONDS, counts=Counts(running=float(tick), waiting=0.0))
        said = held.told(replica(name, at=now.at_seconds, said=now.counts))
        assert said is None or said.counts.running == said.at_seconds / TICK_SECONDS
        seen.append(said.at_seconds if said is not None else None)
    return seen


@pytest.mark.parametrize("every", [15.0, 30.0, 60.0])
def test_a_sample_is_told_until_the_next_is_scraped(every: float) -> None:
    seen = [one for one in told(Held(every), "a", ticks=100) if one is not None]
    scraped = sorted(set(seen))
    assert {later - earlier for earlier, later in pairwise(scraped)} == {every}
    assert seen == sorted(seen)


def test_nothing_is_told_of_one_that_was_not_scraped_yet_or_does_not_serve() -> None:
    seen = told(Held(60.0), "a", ticks=13)
    assert seen[0] is None
    assert seen[-1] is not None
    assert Held(60.0).told(replica("b")) is None


def test_each_has_a_turn_of_its_own() -> None:
    held = Held(60.0)
    firsts = {next(one for one in told(held, f"replica-{each}", ticks=13) if one) for each in range(12)}
    assert len(firsts) > 4


class Seldom(Ours):
    """The rule, with how often what it was told of a replica has changed."""

    changes = 0
    before: float | None = None

    def wanted(self, view: View) -> int:
        """Decide, and see of when the first replica's sample is."""
        number = super().wanted(view)
        heard = self._state.meter.heard.get(view.replicas[0].replica.name)
        if heard is not None and heard.sample.at_seconds != self.before:
            self.before, self.changes = heard.sample.at_seconds, self.changes + 1
        return number


@pytest.mark.parametrize(("scrape", "changes"), [(0.0, 360), (30.0, 60), (60.0, 30)])
def test_the_rule_keeps_its_promise_by_what_a_prometheus_tells(scrape: float, changes: int) -> None:
    trace = from_rates(Rates(points=((0.0, 3.0), (1800.0, 9.0))), CHAT, scale=1.0, variation=1.0, seed=7)
    usual = setting()
    rule = Seldom(Knobs(scrape=scrape), usual)
    result = result_of(play(trace, rule, circumstances=Circumstances(setting=usual, start=2)), usual.objectives)
    assert result.attainment_percent >= 99
    assert rule.changes == pytest.approx(changes, abs=2)
