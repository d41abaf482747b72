"""HorizontalPodAutoscaler on requests in flight: each of its numbers shows in what it does."""

from typing import Any

import pytest

from gemma4_operator.scaling.sample import Stage
from gemma4_operator.sim.peers.hpa import Hpa, Knobs
from tests.unit.sim.peers.views import drive, fleet, setting, steady, view


def hpa(maximum: int = 100, minimum: int = 1, **knobs: Any) -> Hpa:
    return Hpa(Knobs(**knobs), setting(maximum=maximum, minimum=minimum))


def test_running_and_waiting_requests_are_averaged_over_ready_replicas() -> None:
    # 24 in flight at each of 4, of 16: 1.5 times as many.
    assert hpa().wanted(view(fleet(4, running=20, waiting=4))) == 6


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({}, 8),  # 4 x 36 / 16 = 9, but at most the double in 15 seconds
        ({"target": 20.0}, 8),  # 7.2
        ({"target": 24.0}, 6),
        ({"up_percent": 200.0}, 9),
        ({"up_pods": 6}, 9),
        ({"up_percent": 50.0, "up_pods": 1}, 6),
        ({"tolerance": 1.3}, 4),
        ({"up_window_seconds": 30.0}, 4),
    ],
)
def test_each_knob_changes_what_is_wanted(knobs: dict[str, Any], expected: int) -> None:
    assert hpa(**knobs).wanted(view(fleet(4, running=36))) == expected


def test_growth_is_counted_by_period() -> None:
    rule = hpa(up_period_seconds=60.0)
    turns = drive(rule, steady(rule, running=100), until=60.0, wanted=2)
    assert [wanted for _, wanted in turns] == [6, 6, 6, 6, 12]


def test_it_syncs_every_15_seconds_unless_told_otherwise() -> None:
    assert hpa().interval_seconds == 15.0
    assert hpa(sync_seconds=30.0).interval_seconds == 30.0


@pytest.mark.parametrize(("seconds", "shrinks_at"), [(300.0, 300.0), (60.0, 60.0), (0.0, 0.0)])
def test_it_shrinks_when_the_window_is_over(seconds: float, shrinks_at: float) -> None:
    rule = hpa(down_window_seconds=seconds)
    turns = drive(rule, steady(rule, running=1), until=330.0, wanted=8)
    assert next(now for now, wanted in turns if wanted < 8) == shrinks_at


def test_replicas_that_load_have_no_metric_and_dampen_growth() -> None:
    # 48 in flight at each of 2, and 2 that load: 96 / 4 / 16 = 1.5 x 4, and not 3 x 4.
    assert hpa().wanted(view([*fleet(2, running=48), *fleet(2, stage=Stage.LOADING)])) == 6
    assert hpa().wanted(view([*fleet(2, running=48), *fleet(2, stage=Stage.FAILED)])) == 6
    assert hpa().wanted(view([*fleet(2, running=48), *fleet(2, stage=Stage.UNPLACED)])) == 6


def test_replicas_that_leave_count_for_nothing() -> None:
    leaving = fleet(3, stage=Stage.LEAVING, running=50)
    assert hpa().wanted(view([*fleet(2, running=16), *leaving])) == 2


def test_what_is_held_in_front_counts_as_shared_out() -> None:
    assert hpa().wanted(view(fleet(2, running=16), held=32)) == 4


def test_while_nothing_serves_it_waits() -> None:
    assert hpa().wanted(view(fleet(3, stage=Stage.LOADING), held=500)) == 3


def test_it_never_goes_to_zero_and_leaves_zero_alone() -> None:
    assert hpa(minimum=0, down_window_seconds=0.0).wanted(view(fleet(2))) == 1
    assert hpa(minimum=0).wanted(view([], wanted=0, held=50)) == 0
