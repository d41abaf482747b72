"""The workloads that rules are designed with: they are what their sources say, at the scale that is said."""

import re
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import groupby
from pathlib import Path
from statistics import fmean

import pytest

from gemma4_operator.sim.invalid import InvalidTrace
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.workloads import DESIGN, ENGINE, HELD_OUT, STEPS

TRACES = Path(__file__).parents[2] / "data" / "traces"


@cache
def made(name: str) -> tuple[Request, ...]:
    return DESIGN[name].make(TRACES, 1)


@pytest.mark.parametrize(
    ("name", "hours", "rate", "input_tokens", "output_tokens"),
    [("conv8", 0.973, 44.2, 1155, 211), ("azure-code-bursts", 8, 25.0, 2490, 18)],
)
def test_it_has_this_traffic(name: str, hours: float, rate: float, input_tokens: float, output_tokens: float):
    requests = made(name)
    seconds = requests[-1].arrival_seconds
    assert seconds / 3600 == pytest.approx(hours, rel=0.01)
    assert len(requests) / seconds == pytest.approx(rate, rel=0.03)
    assert fmean(one.input_tokens for one in requests) == pytest.approx(input_tokens, rel=0.02)
    assert fmean(one.output_tokens for one in requests) == pytest.approx(output_tokens, rel=0.05)


def test_another_seed_makes_other_traffic_of_the_same_kind():
    other = DESIGN["conv8"].make(TRACES, 2)
    assert other != made("conv8")
    assert len(other) == len(made("conv8"))


def test_code_comes_in_bursts_and_chats_do_not():
    def index(requests: tuple[Request, ...]) -> float:
        """Return variance over mean of the counts of ten seconds, within each minute, so that no trend is in it."""
        counts = Counter(int(one.arrival_seconds // 10) for one in requests)
        minutes = [[counts[6 * minute + ten] for ten in range(6)] for minute in range(57)]
        return fmean(
            sum((count - fmean(minute)) ** 2 for count in minute) / 5 / fmean(minute)
            for minute in minutes
            if any(minute)
        )

    assert 2 * index(made("conv8")) < index(made("azure-code-bursts"))


class TestSteps:
    """Traffic that nothing foretells."""

    @staticmethod
    def counts(seed: int) -> list[float]:
        """Return the requests a second of each half minute."""
        arrived = Counter(int(one.arrival_seconds // 30) for one in STEPS["steps"].make(TRACES, seed))
        return [arrived[half] / 30 for half in range(240)]

    def test_it_is_at_one_of_two_levels_but_for_the_moments_between(self):
        levels = [min((12, 45), key=lambda level: abs(level - rate)) for rate in self.counts(1)]
        between = sum(abs(rate - level) > 5 for rate, level in zip(self.counts(1), levels, strict=True))
        assert between < 240 / 6
        assert set(levels) == {12, 45}

    def test_it_lasts_two_hours_and_is_mostly_quiet(self):
        requests = STEPS["steps"].make(TRACES, 1)
        assert requests[-1].arrival_seconds == pytest.approx(7200, rel=0.01)
        assert 15 < len(requests) / 7200 < 30

    def test_the_long_ones_are_the_same_for_longer(self):
        assert STEPS["steps-long"].make == replace(STEPS["steps"].make, hours=12)

    def test_each_level_stays_for_a_minute_and_more(self):
        is_high = [rate > 28 for rate in self.counts(1)]
        lengths = [len(list(part)) for _, part in groupby(is_high)]
        # The first and the last are cut off, and half minutes have edges.
        assert min(lengths[1:-1]) >= 2

    def test_when_steps_come_is_chance_that_the_seed_repeats(self):
        assert self.counts(1) == self.counts(1)
        high = [[rate > 28 for rate in self.counts(seed)] for seed in (1, 2)]
        assert high[0] != high[1]


class TestHeldOut:
    """Traffic that no rule was made with."""

    def test_none_of_it_is_among_what_rules_are_made_with(self):
        assert not set(HELD_OUT) & set(DESIGN)
        parts = [repr(one.make) for one in (*HELD_OUT.values(), *DESIGN.values())]
        assert len(set(parts)) == len(parts)

    def test_it_can_be_made(self):
        requests = HELD_OUT["azure-code-later-day"].make(TRACES, 1)
        seconds = requests[-1].arrival_seconds
        assert seconds / 3600 == pytest.approx(8, rel=0.01)
        assert fmean(one.output_tokens for one in requests) == pytest.approx(18, rel=0.1)

    def test_every_file_is_there(self):
        for workload in HELD_OUT.values():
            rates = re.search(r"rates='([^']+)'", repr(workload.make))
            assert rates
            assert (TRACES / rates[1]).exists()


def test_the_cache_holds_81_chats_that_are_half_answered():
    chat = fmean(one.input_tokens + one.output_tokens / 2 for one in made("conv8"))
    assert round(ENGINE.cache_tokens / chat) == 81


def test_a_folder_without_the_traces_is_told(tmp_path: Path):
    for workload in (*DESIGN.values(), *HELD_OUT.values()):
        with pytest.raises(InvalidTrace, match=f"{tmp_path}/.*gz: must be a file that can be read: No such file"):
            workload.make(tmp_path, 1)


def test_every_source_has_its_licence_beside_it():
    sources = (TRACES / "SOURCES.md").read_text()
    files = [path.name for path in TRACES.iterdir() if path.suffix == ".gz"]
    assert len(files) == 7
    for name in files:
        assert f"`{name}`" in sources
    for licence in ("CC-BY 4.0", "Apache-2.0"):
        assert licence in sources
