"""KEDA on an engine's queue: AverageValue through the autoscaler, and its own way from and to zero."""

from typing import Any

import pytest

from gemma4_operator.scaling.sample import Stage
from gemma4_operator.sim.peers.keda import Keda, Knobs
from tests.unit.sim.peers.views import drive, fleet, setting, steady, view


def keda(minimum: int = 1, **knobs: Any) -> Keda:
    return Keda(Knobs(**knobs), setting(minimum=minimum, maximum=100))


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({}, 6),  # 30 wait in all, 5 for each
        ({"target": 10.0}, 3),
        ({"running": True, "target": 20.0}, 5),  # 100 in flight
        ({"target": 7.0, "tolerance": 0.1}, 5),  # 30 / 35 is not within 10 %
        ({"target": 6.5, "tolerance": 0.0}, 5),
        ({"target": 12.0, "tolerance": 0.6}, 5),  # 30 / 60 is within 60 %
    ],
)
def test_waiting_requests_by_threshold(knobs: dict[str, Any], expected: int) -> None:
    rule = keda(down_window_seconds=0.0, **knobs)
    assert rule.wanted(view(fleet(5, running=14, waiting=6))) == expected


def test_the_tolerance_is_of_what_there_is() -> None:
    assert keda().wanted(view(fleet(5, waiting=5), held=2)) == 5  # 27 / 25
    assert keda(tolerance=0.05).wanted(view(fleet(5, waiting=5), held=2)) == 6


def test_what_is_held_in_front_waits_too() -> None:
    assert keda().wanted(view(fleet(2), held=20)) == 4


def test_replicas_that_leave_or_load_do_not_add_to_the_queue() -> None:
    others = [*fleet(1, stage=Stage.LEAVING, waiting=99), *fleet(2, waiting=10)]
    assert keda().wanted(view(others)) == 4


def test_it_shrinks_by_the_autoscalers_window() -> None:
    rule = keda()
    turns = drive(rule, steady(rule), until=330.0, wanted=4)
    assert next(now for now, wanted in turns if wanted < 4) == 300.0
    rule = keda(down_window_seconds=30.0)
    turns = drive(rule, steady(rule), until=330.0, wanted=4)
    assert next(now for now, wanted in turns if wanted < 4) == 30.0


def test_the_autoscaler_asks_every_15_seconds_and_is_answered_afresh() -> None:
    rule = keda()
    assert rule.interval_seconds == 15.0
    assert rule.wanted(view(fleet(2), now=0.0)) == 2
    assert rule.wanted(view(fleet(2, waiting=10), now=15.0)) == 4


def test_cached_it_gets_what_was_polled_at_most_30_seconds_ago() -> None:
    rule = keda(cached=True)
    assert rule.wanted(view(fleet(2), now=0.0)) == 2
    assert rule.wanted(view(fleet(2, waiting=10), now=15.0)) == 2
    assert rule.wanted(view(fleet(2, waiting=10), now=30.0)) == 4


def test_other_times_are_knobs() -> None:
    assert keda(sync_seconds=5.0).interval_seconds == 5.0
    rule = keda(cached=True, poll_seconds=15.0)
    rule.wanted(view(fleet(2), now=0.0))
    assert rule.wanted(view(fleet(2, waiting=10), now=15.0)) == 4


class TestZero:
    def test_after_300_quiet_seconds_it_sleeps(self) -> None:
        rule = keda(minimum=0)
        rule.wanted(view(fleet(1, waiting=1), now=0.0))
        turns = drive(rule, steady(rule), start=15.0, until=345.0, wanted=1)
        assert next(now for now, wanted in turns if wanted == 0) == 330.0  # the first poll after more than 300

    def test_the_cooldown_is_a_knob(self) -> None:
        rule = keda(minimum=0, cooldown_seconds=60.0)
        rule.wanted(view(fleet(1, waiting=1), now=0.0))
        turns = drive(rule, steady(rule), start=15.0, until=345.0, wanted=1)
        assert next(now for now, wanted in turns if wanted == 0) == 90.0

    def test_requests_in_work_keep_it_awake_only_if_they_count(self) -> None:
        for running, asleep in ((False, True), (True, False)):
            rule = keda(minimum=0, running=running)
            turns = drive(rule, steady(rule, running=3), until=400.0, wanted=1)
            assert any(wanted == 0 for _, wanted in turns) is asleep

    def test_a_request_held_in_front_wakes_it_at_the_next_poll(self) -> None:
        rule = keda(minimum=0)
        assert rule.wanted(view([], now=0.0)) == 0
        assert rule.wanted(view([], now=15.0, held=4)) == 0
        assert rule.wanted(view([], now=30.0, held=4)) == 1

    def test_with_a_minimum_it_never_sleeps(self) -> None:
        rule = keda(minimum=2, down_window_seconds=0.0)
        turns = drive(rule, steady(rule), until=900.0, wanted=3)
        assert turns[-1][1] == 2
