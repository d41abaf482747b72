"""Knative's autoscaler: windows, panic and rates, each with its number."""

from typing import Any

import pytest

from gemma4_operator.scaling.sample import Stage
from gemma4_operator.sim.peers.knative import Knative, Knobs
from tests.unit.sim.peers.views import drive, fleet, setting, view


def knative(minimum: int = 1, **knobs: Any) -> Knative:
    return Knative(Knobs(**({"target": 10.0} | knobs)), setting(minimum=minimum, maximum=5000))


def load(rule: Knative, concurrency: list[int], *, ready: int) -> list[int]:
    """What it wants, tick by tick, while as many stay ready, whatever it wants."""
    wanted, counts = ready, []
    for tick, held in enumerate(concurrency):
        wanted = rule.wanted(view(fleet(ready), now=tick * rule.interval_seconds, wanted=wanted, held=held))
        counts.append(wanted)
    return counts


def test_concurrency_is_divided_by_seventy_percent_of_the_target() -> None:
    assert load(knative(), [70], ready=10) == [10]
    assert load(knative(), [71], ready=10) == [11]
    assert load(knative(utilization_percent=100.0), [71], ready=10) == [8]
    assert load(knative(target=20.0), [71], ready=10) == [6]


def test_by_default_a_replica_may_have_70_requests() -> None:
    rule = Knative(Knobs(), setting())
    assert rule.wanted(view(fleet(3, running=50, waiting=20))) == 3
    assert rule.wanted(view(fleet(3, running=50, waiting=21), now=2.0)) == 4


def test_ticks_are_two_seconds_and_means_are_over_sixty() -> None:
    assert knative().interval_seconds == 2.0
    # 29 ticks of 35, which 5 carry, and one of 245 make a mean of 42, which 6 carry.
    assert load(knative(), [35] * 29 + [245], ready=10)[-1] == 6
    # By then the first reading of 5000 is 60 seconds old.
    assert load(knative(panic_threshold_percent=1e6), [5000] + [35] * 30, ready=10)[-2:] == [29, 5]
    assert load(knative(stable_seconds=20.0, panic_threshold_percent=1e6), [35] * 9 + [245], ready=10)[-1] == 8


class TestPanic:
    @pytest.mark.parametrize(
        ("ready", "held", "expected"),
        [
            # Three ticks of 0 became three of what is held: 3 and 10 replicas' worth, of 30 ticks a tenth of that.
            (2, 21, 1),
            (2, 22, 4),  # 3.14 replicas are 4, twice those that are ready
            (5, 63, 2),  # 9 of 5; the long window asks for 1, and half of 5 is 2
            (5, 64, 10),
        ],
    )
    def test_begins_at_twice_the_ready_replicas(self, ready: int, held: int, expected: int) -> None:
        assert load(knative(), [0] * 27 + [held] * 3, ready=ready)[-1] == expected

    def test_the_threshold_is_a_knob(self) -> None:
        quiet = [0] * 29 + [42] * 3
        assert load(knative(), quiet, ready=3)[-1] == 6
        assert load(knative(panic_threshold_percent=250.0), quiet, ready=3)[-1] == 1

    def test_the_short_window_is_a_tenth_of_the_long(self) -> None:
        burst = [0] * 29 + [42] * 3
        assert load(knative(), burst, ready=3)[-1] == 6
        assert load(knative(panic_window_percent=20.0), burst, ready=3)[-1] == 1  # 21 on average: 3 are enough

    def test_keeps_the_most_until_a_long_window_without(self) -> None:
        counts = load(knative(), [70] * 3 + [0] * 40, ready=4)
        # At 6 seconds two of three ticks still average 46.7, for which 7 are enough, less than twice 4: the last tick
        # of panic is that at 4 seconds, and that at 66 is the first more than 60 seconds later.
        assert counts[:33] == [10] * 33
        assert counts[33] == 2  # half of 4

    def test_grows_further_while_it_lasts(self) -> None:
        assert load(knative(), [70, 70, 210, 210, 210], ready=2)[-1] == 30


class TestRates:
    def test_down_to_half_of_the_ready_at_a_time(self) -> None:
        assert load(knative(), [0], ready=10) == [5]
        assert load(knative(), [0], ready=7) == [3]
        assert load(knative(down_rate=5.0), [0], ready=10) == [2]

    def test_up_to_a_thousand_times(self) -> None:
        assert load(knative(), [70_000], ready=1) == [1000]
        assert load(knative(up_rate=3.0), [70], ready=2) == [6]
        assert load(knative(up_rate=1.5), [70], ready=3) == [5]

    def test_a_delay_keeps_the_most_of_its_time(self) -> None:
        assert load(knative(down_delay_seconds=10.0), [70] * 2 + [7] * 60, ready=8)[-1] == 4
        slow = knative(down_delay_seconds=10.0, panic_threshold_percent=1e6, stable_seconds=2.0)
        assert load(slow, [70, 35, 35, 35, 35, 35], ready=8) == [10, 10, 10, 10, 10, 5]


class TestZero:
    def test_after_the_window_and_thirty_seconds_of_grace(self) -> None:
        rule = knative(minimum=0)
        turns = drive(
            rule, lambda now, wanted: view(fleet(wanted), now=now, held=0 if now else 1), until=120.0, wanted=1
        )
        # The last request is 60 seconds old at 60; its grace is over at 90.
        assert next(now for now, wanted in turns if wanted == 0) == 90.0

    def test_the_grace_is_a_knob(self) -> None:
        rule = knative(minimum=0, grace_seconds=0.0)
        turns = drive(
            rule, lambda now, wanted: view(fleet(wanted), now=now, held=0 if now else 1), until=120.0, wanted=1
        )
        assert next(now for now, wanted in turns if wanted == 0) == 60.0

    def test_a_request_wakes_it(self) -> None:
        rule = knative(minimum=0)
        assert rule.wanted(view([], held=1)) == 1

    def test_work_begins_the_grace_anew(self) -> None:
        rule = knative(minimum=0, stable_seconds=2.0)
        counts = load(rule, [0] * 10 + [5] + [0] * 16, ready=1)
        assert counts == [1] * 26 + [0]


def test_only_ready_replicas_count() -> None:
    others = [*fleet(2, running=7), *fleet(2, stage=Stage.LEAVING, running=50), *fleet(3, stage=Stage.LOADING)]
    assert knative().wanted(view(others)) == 2


def test_limits_hold() -> None:
    rule = Knative(Knobs(target=10.0), setting(minimum=3, maximum=6))
    assert load(rule, [700], ready=2) == [6]
    assert load(Knative(Knobs(), setting(minimum=3)), [0], ready=2) == [3]
