"""KubeAI: a ten-minute mean that begins with what there is, and three readings before it shrinks."""

from typing import Any

import pytest

from gemma4_operator.scaling.sample import Stage
from gemma4_operator.sim.peers.kubeai import Knobs, KubeAI
from tests.unit.sim.peers.views import drive, fleet, setting, steady, view


def kubeai(minimum: int = 1, **knobs: Any) -> KubeAI:
    return KubeAI(Knobs(**knobs), setting(minimum=minimum, maximum=50))


def first(turns: list[tuple[float, int]], count: int) -> int:
    """Which turn was the first, counted from 1, to want so many."""
    return next(turn for turn, (_, wanted) in enumerate(turns, start=1) if wanted == count)


def load(rule: KubeAI, requests: int, *, until: float, wanted: int = 1) -> list[tuple[float, int]]:
    return drive(rule, lambda now, count: view(fleet(count), now=now, held=requests), until=until, wanted=wanted)


class TestGrowing:
    def test_from_one_at_its_target_300_in_flight_take_31_turns_to_ask_for_three(self) -> None:
        turns = load(kubeai(), 300, until=600.0)
        assert first(turns, 2) == 1  # a mean of 103
        assert first(turns, 3) == 31  # a mean of 203
        assert turns[-1][1] == 3

    def test_what_serves_as_many_as_it_should_is_left_as_it_is(self) -> None:
        # A run begins with replicas at work: a mean that began with zeros would tell them to go.
        assert {wanted for _, wanted in load(kubeai(target=40), 320, until=900.0, wanted=8)} == {8}

    def test_what_is_too_much_goes_as_the_mean_falls(self) -> None:
        turns = load(kubeai(target=40), 160, until=900.0, wanted=8)
        assert first(turns, 7) == 18  # the mean is 280 at the 15th, and three readings of fewer delay it
        assert turns[-1][1] == 4

    @pytest.mark.parametrize(
        ("knobs", "turn"),
        [
            ({"target": 50.0}, 25),  # above 150, which takes more than 24 of 60 readings of 300 instead of 50
            ({"window_seconds": 300.0}, 16),
            ({"interval_seconds": 20.0}, 16),  # half as many readings in the window
        ],
    )
    def test_each_knob_shows(self, knobs: dict[str, Any], turn: int) -> None:
        wanted = 4 if "target" in knobs else 3
        assert first(load(kubeai(**knobs), 300, until=900.0), wanted) == turn

    def test_it_looks_every_10_seconds(self) -> None:
        assert kubeai().interval_seconds == 10.0
        assert kubeai(interval_seconds=20.0).interval_seconds == 20.0

    def test_requests_of_replicas_that_leave_are_still_in_flight(self) -> None:
        rule = kubeai(window_seconds=10.0)
        leaving = fleet(1, stage=Stage.LEAVING, running=90, waiting=10)
        assert rule.wanted(view([*fleet(1, running=90, waiting=11), *leaving])) == 3


class TestShrinking:
    def test_after_three_lower_readings_and_then_at_each(self) -> None:
        rule = kubeai(window_seconds=10.0)
        assert rule.wanted(view(fleet(4), held=400)) == 4
        lower = [(rule.wanted(view(fleet(4), held=300))) for _ in range(4)]
        assert lower == [4, 4, 4, 3]
        assert rule.wanted(view(fleet(3), held=200)) == 2
        assert rule.wanted(view(fleet(2), held=100)) == 1

    def test_one_reading_that_is_not_lower_begins_the_count_anew(self) -> None:
        rule = kubeai(window_seconds=10.0)
        readings = [300, 300, 400, 300, 300, 300, 300]
        assert [rule.wanted(view(fleet(4), held=held)) for held in readings] == [4, 4, 4, 4, 4, 4, 3]

    def test_the_delay_is_a_knob(self) -> None:
        rule = kubeai(window_seconds=10.0, down_delay_seconds=0.0)
        assert rule.wanted(view(fleet(4), held=300)) == 3
        rule = kubeai(window_seconds=10.0, down_delay_seconds=15.0)
        assert [rule.wanted(view(fleet(4), held=300)) for _ in range(3)] == [4, 4, 3]


class TestZero:
    def test_the_whole_window_must_be_quiet(self) -> None:
        rule = kubeai(minimum=0)
        rule.wanted(view(fleet(1), held=1))
        turns = drive(rule, steady(rule), start=10.0, until=700.0, wanted=1)
        # The reading of the start is dropped with the 61st; three lower ones have to come before it counts.
        assert next(now for now, wanted in turns if wanted == 0) == 630.0

    def test_its_proxy_wakes_it(self) -> None:
        assert kubeai(minimum=0).wanted(view([], held=1)) == 1
        assert kubeai(minimum=0).wanted(view([])) == 0

    def test_without_an_endpoint_it_skips_its_turn(self) -> None:
        rule = kubeai(window_seconds=20.0)
        assert rule.wanted(view(fleet(1, stage=Stage.LOADING), held=5000)) == 1
        assert rule.wanted(view(fleet(1), held=100)) == 1  # the 5000 are not among the readings


def test_limits_hold() -> None:
    rule = KubeAI(Knobs(window_seconds=10.0), setting(minimum=2, maximum=3))
    assert rule.wanted(view(fleet(2), held=5000)) == 3
    assert [rule.wanted(view(fleet(3))) for _ in range(4)][-1] == 2
