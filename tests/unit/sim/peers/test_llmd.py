"""llm-d's SLO-aware recipe: its signal, its formula with the credit for replicas that start, and its pace."""

from itertools import pairwise
from typing import Any

import pytest

from gemma4_operator.scaling.sample import Counts, Histogram, Stage
from gemma4_operator.sim.peers.llmd import Knobs, Llmd
from gemma4_operator.sim.policy import View
from tests.unit.sim.peers.views import counts, drive, fleet, setting, times, view

AT_ONCE: dict[str, Any] = {
    "mean_seconds": 15.0,
    "up_window_seconds": 0.0,
    "up_percent": 1000.0,
    "down_window_seconds": 0.0,
    "down_pods": 10,
}
"""Without smoothing, stabilization or a limit to its pace, so that one turn shows the formula."""


def llmd(**knobs: Any) -> Llmd:
    return Llmd(Knobs(**knobs), setting(maximum=50))


def told(number: float, *, first: float, token: float) -> Counts:
    """An engine that has answered so many, nine tenths of them within those multiples of the objectives."""
    return counts(first_token=times(2.0 * first, number), request_token=times(0.060 * token, number))


def two_turns(rule: Llmd, count: int, *, starting: int = 0, first: float = 0.1, token: float = 0.1) -> int:
    """What it wants at the second turn, when something has grown."""
    for at, number in ((0.0, 0.0), (15.0, 100.0)):
        ready = fleet(count - starting, at=at, counts=told(number, first=first, token=token))
        wanted = rule.wanted(view([*ready, *fleet(starting, stage=Stage.LOADING)], now=at, wanted=count))
    return wanted


class TestFormula:
    @pytest.mark.parametrize(
        ("count", "starting", "late", "expected"),
        [
            (4, 0, 1.0, 8),  # 4 + ceil(4 x 0.818)
            (4, 0, 0.6, 5),  # 4 + ceil(0.36)
            (4, 0, 0.5, 4),  # between 0.40 and 0.55
            (4, 0, 0.41, 4),
            (4, 0, 0.2, 2),  # 4 - floor(2)
            (4, 0, 0.31, 4),  # 4 - floor(0.9)
            (4, 2, 1.0, 4),  # half of them start: 0.5 is below 0.55, and nothing goes for it
            (4, 2, 1.9, 7),  # 0.95: 4 + ceil(4 x 0.727)
            (4, 2, 0.2, 2),  # shrinking gives no credit
            (4, 0, 5.0, 15),  # no more than 2: 4 + ceil(4 x 2.636)
        ],
    )
    def test_worked_examples(self, count: int, starting: int, late: float, expected: int) -> None:
        assert two_turns(llmd(**AT_ONCE), count, starting=starting, first=late) == expected

    @pytest.mark.parametrize(
        ("knobs", "late", "expected"),
        [
            ({"up": 0.85}, 1.0, 5),  # 4 + ceil(4 x 0.176)
            ({"up": 0.85}, 0.8, 4),
            ({"down": 0.20}, 0.25, 4),
            ({"most": 1.0}, 5.0, 8),
        ],
    )
    def test_thresholds_are_knobs(self, knobs: dict[str, Any], late: float, expected: int) -> None:
        assert two_turns(llmd(**AT_ONCE | knobs), 4, first=late) == expected

    def test_the_worse_of_both_objectives_counts(self) -> None:
        assert two_turns(llmd(**AT_ONCE), 4, first=0.1, token=1.0) == 8
        assert two_turns(llmd(**AT_ONCE), 4, first=1.0, token=0.6) == 8

    def test_which_quantile_is_a_knob(self) -> None:
        # All times are even within a bucket whose width is a tenth of the value: the median is 4 % lower.
        assert two_turns(llmd(**AT_ONCE), 4, first=0.56) == 5
        assert two_turns(llmd(**AT_ONCE | {"share": 0.5}), 4, first=0.56) == 4

    def test_while_nothing_is_served_it_shrinks_to_one(self) -> None:
        assert two_turns(llmd(**AT_ONCE), 4, starting=4) == 1

    def test_within_a_tenth_the_autoscaler_does_nothing(self) -> None:
        assert two_turns(llmd(**AT_ONCE), 20, first=0.56) == 20  # 21 wanted
        assert two_turns(llmd(**AT_ONCE), 9, first=0.56) == 10

    def test_an_engine_that_tells_times_between_tokens_only_is_judged_by_those(self) -> None:
        rule = llmd(**AT_ONCE)
        for at, number in ((0.0, 0.0), (15.0, 100.0)):
            engine = counts(output_token=times(0.060, number))
            wanted = rule.wanted(view(fleet(4, at=at, counts=engine), now=at))
        assert wanted == 8


def late(first: float, *, until: float = 1e9, then: float = 0.5) -> Any:
    """A fleet as large as is wanted whose requests wait that long, until they do not."""

    def show(now: float, wanted: int) -> View:
        # Each engine answers 100 a turn; the histogram must never shrink, so both kinds are kept apart.
        slow, quick = 100.0 * min(now, until) / 15, 100.0 * max(0.0, now - until) / 15
        both = Histogram(
            sum_seconds=0.0,
            buckets=tuple(
                (bound, count)
                for bound, count in (
                    (1.91 * min(first, then), 0.0),
                    (2.01 * min(first, then), quick if then < first else slow),
                    (1.91 * max(first, then), quick if then < first else slow),
                    (2.01 * max(first, then), slow + quick),
                    (float("inf"), slow + quick),
                )
            ),
        )
        return view(fleet(wanted, at=now, counts=counts(first_token=both)), now=now, wanted=wanted)

    return show


class TestPace:
    def test_it_grows_by_a_mean_of_45_seconds_and_the_least_of_30(self) -> None:
        # Nothing, then 0.5 and 0.67 of the limit, then all of it. The formula asks for 4, 5, 8 and, of 5, for 10.
        turns = drive(llmd(), late(1.0), until=60.0, wanted=4)
        assert [wanted for _, wanted in turns] == [4, 4, 4, 5, 8]

    def test_at_most_the_double_or_four_in_60_seconds(self) -> None:
        turns = drive(llmd(up_window_seconds=0.0, mean_seconds=15.0), late(2.0), until=120.0, wanted=4)
        assert [wanted for _, wanted in turns] == [4, 8, 8, 8, 8, 16, 16, 16, 16]

    def test_the_policies_are_knobs(self) -> None:
        quick: dict[str, Any] = {"up_window_seconds": 0.0, "mean_seconds": 15.0, "down_window_seconds": 90.0}
        for knobs, second in (({"up_pods": 6}, 10), ({"up_percent": 50.0}, 8), ({"up_percent": 25.0, "up_pods": 2}, 6)):
            turns = drive(llmd(**quick, **knobs), late(2.0), until=15.0, wanted=4)
            assert turns[-1][1] == second
        turns = drive(llmd(**quick, up_period_seconds=30.0), late(2.0), until=45.0, wanted=4)
        assert [wanted for _, wanted in turns] == [4, 8, 8, 16]

    def test_one_less_in_120_seconds_after_180(self) -> None:
        turns = drive(llmd(), late(0.05), until=600.0, wanted=6)
        changes = [now for (_, before), (now, after) in pairwise(turns) if after != before]
        assert changes == [180.0, 300.0, 420.0, 540.0]
        assert next(wanted for _, wanted in turns if wanted < 6) == 5

    def test_shrinking_is_a_knob(self) -> None:
        turns = drive(
            llmd(down_window_seconds=60.0, down_period_seconds=30.0, down_pods=2), late(0.05), until=90.0, wanted=6
        )
        assert [wanted for _, wanted in turns] == [6, 6, 6, 6, 4, 4, 2]

    def test_it_syncs_every_15_seconds(self) -> None:
        assert llmd().interval_seconds == 15.0
        assert llmd(sync_seconds=10.0).interval_seconds == 10.0

    def test_histograms_are_of_the_last_minute(self) -> None:
        # Slow until 150 s. At 210 s nothing of that is in the last minute, nor in the mean from 255 s on.
        for seconds, calm_from in ((60.0, 195.0), (30.0, 165.0)):
            rule = llmd(mean_seconds=15.0, up_window_seconds=0.0, up_percent=1.0, up_pods=1, rate_seconds=seconds)
            turns = drive(rule, late(1.0, until=150.0), until=300.0, wanted=4)
            last = turns[-1][1]
            settled = next(now for now, wanted in turns if wanted == last)
            assert settled <= calm_from


def test_thresholds_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`down` must be below `up`, and is 0\.4 where that is 0\.3"):
        Knobs(up=0.3)
    with pytest.raises(ValueError, match="`down` must be below `up`"):
        Knobs(up=0.4)
