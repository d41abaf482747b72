"""The reference that knows the trace: the mix around a moment, and staffing for the busiest one within a boot."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.peers.clairvoyant import Clairvoyant, Knobs
from gemma4_operator.sim.peers.demand import Demand
from gemma4_operator.sim.peers.staffing import needed
from gemma4_operator.sim.request import Request
from tests.unit.sim.peers.views import drive, fleet, setting, steady, view


def requests(start: float, end: float, *, every: float, read: int = 1000, written: int = 200) -> list[Request]:
    count = round((end - start) / every)
    return [
        Request(arrival_seconds=start + index * every, input_tokens=read, output_tokens=written)
        for index in range(count)
    ]


class TestDemand:
    def test_the_mix_of_a_window_around_a_moment(self) -> None:
        trace = requests(0.0, 200.0, every=0.5, read=100, written=10)
        trace += requests(70.0, 130.0, every=0.5, read=300, written=30)
        mix = Demand(trace).around(100.0, window_seconds=60.0)
        assert mix is not None
        assert mix.requests_per_second == 4.0
        assert (mix.input_tokens, mix.output_tokens) == (200.0, 20.0)
        assert mix.input_variation == 0.25  # 100 / 200, squared

    def test_a_long_prompt_is_one_that_five_in_a_hundred_exceed(self) -> None:
        trace = [
            Request(arrival_seconds=second / 10, input_tokens=100 + second, output_tokens=1) for second in range(100)
        ]
        mix = Demand(trace).around(5.0, window_seconds=60.0)
        assert mix is not None
        assert mix.long_input_tokens == 195

    def test_arrivals_that_come_in_lumps_vary_more(self) -> None:
        even = Demand(requests(0.0, 200.0, every=0.5)).around(100.0, window_seconds=60.0)
        # Four at once in every fourth second: counts of 4, 0, 0, 0 have the mean 1 and the variance 3.
        lumps = Demand([request for _ in range(4) for request in requests(0.0, 200.0, every=4.0)])
        lump = lumps.around(100.0, window_seconds=60.0)
        heap = Demand([request for _ in range(90) for request in requests(0.0, 200.0, every=40.0)])
        piled = heap.around(80.0, window_seconds=60.0)
        assert even is not None
        assert lump is not None
        assert piled is not None
        assert (even.arrival_variation, lump.arrival_variation, piled.arrival_variation) == (1.0, 3.0, 8.0)

    def test_a_long_window_around_a_lull_varies_as_by_chance(self) -> None:
        # Nothing comes within a minute of the moment, of which it is counted how unevenly seconds fill.
        lull = [*requests(0.0, 100.0, every=0.5), *requests(300.0, 400.0, every=0.5)]
        mix = Demand(lull).around(200.0, window_seconds=300.0)
        assert mix is not None
        assert mix.arrival_variation == 1.0

    def test_beyond_the_ends_of_the_trace_nothing_is_known(self) -> None:
        demand = Demand(requests(0.0, 100.0, every=0.5))
        for moment in (0.0, 10.0, 50.0, 99.0):
            mix = demand.around(moment, window_seconds=60.0)
            assert mix is not None
            assert mix.requests_per_second == pytest.approx(2.0, rel=0.05)
        assert demand.around(200.0, window_seconds=60.0) is None
        assert Demand([]).around(0.0, window_seconds=60.0) is None

    def test_the_trace_need_not_be_in_order(self) -> None:
        trace = requests(0.0, 100.0, every=0.5)
        assert Demand(trace[::-1]).around(50.0, window_seconds=20.0) == Demand(trace).around(50.0, window_seconds=20.0)


STEP = [*requests(0.0, 500.0, every=0.2), *requests(500.0, 1000.0, every=0.02), *requests(1000.0, 1500.0, every=0.2)]
"""5, then 50, then 5 requests a second."""


def clairvoyant(**knobs: Any) -> Clairvoyant:
    return Clairvoyant(Knobs(**knobs), setting(), STEP)


def test_it_looks_every_10_seconds() -> None:
    assert clairvoyant().interval_seconds == 10.0
    assert clairvoyant(tick_seconds=5.0).interval_seconds == 5.0


def test_it_begins_a_boot_before_and_ends_when_nothing_more_is_needed() -> None:
    rule = clairvoyant(window_seconds=10.0)
    turns = dict(drive(rule, steady(rule), until=1400.0, wanted=1))
    low, high = turns[0.0], turns[700.0]
    assert low < high
    # The window of the moment 500 holds half of the step up; that of 510 all of it, and a boot and a turn lead there.
    assert turns[310.0] == low
    assert turns[380.0] < turns[390.0] < turns[400.0] == high
    assert turns[990.0] == high > turns[1000.0] > turns[1010.0]
    # How unevenly seconds fill is taken of two minutes, in which a step is a burst.
    assert turns[1070.0] == low


def test_nothing_goes_that_would_be_needed_before_it_could_come_back() -> None:
    dip = [*requests(0.0, 500.0, every=0.02), *requests(500.0, 580.0, every=0.2), *requests(580.0, 1000.0, every=0.02)]
    rule = Clairvoyant(Knobs(window_seconds=10.0), setting(), dip)
    counts = [wanted for now, wanted in drive(rule, steady(rule), until=900.0, wanted=1)]
    assert len(set(counts)) == 1


def test_how_long_a_boot_takes_is_what_it_looks_ahead() -> None:
    quick = Clairvoyant(Knobs(window_seconds=10.0), setting(boot_seconds=20.0), STEP)
    turns = dict(drive(quick, steady(quick), until=700.0, wanted=1))
    assert turns[460.0] < turns[470.0] < turns[480.0] == turns[700.0]


def test_it_can_staff_for_more_or_fewer_requests_than_come() -> None:
    mix = Demand(STEP).around(700.0, window_seconds=30.0)
    assert mix is not None
    for times in (0.7, 1.0, 1.3):
        rule = clairvoyant(times=times)
        scaled = type(mix)(
            requests_per_second=mix.requests_per_second * times,
            input_tokens=mix.input_tokens,
            long_input_tokens=mix.long_input_tokens,
            output_tokens=mix.output_tokens,
            arrival_variation=mix.arrival_variation,
            input_variation=mix.input_variation,
        )
        assert rule.wanted(view(fleet(3), now=700.0)) == needed(scaled, setting())
    fewer, usual, more = (clairvoyant(times=times).wanted(view([], now=700.0)) for times in (0.7, 1.0, 1.3))
    assert fewer < usual == clairvoyant().wanted(view([], now=700.0)) < more


def test_a_longer_window_levels_a_peak() -> None:
    peak = [*requests(0.0, 300.0, every=0.2), *requests(100.0, 110.0, every=0.01)]
    short = Clairvoyant(Knobs(window_seconds=10.0), setting(), peak).wanted(view([]))
    usual = Clairvoyant(Knobs(), setting(), peak).wanted(view([]))
    assert short > usual > 1


def test_when_nothing_comes_the_minimum_is_enough() -> None:
    assert Clairvoyant(Knobs(), setting(minimum=2), []).wanted(view([])) == 2
    assert Clairvoyant(Knobs(), setting(maximum=3), STEP).wanted(view([], now=700.0)) == 3


@given(st.floats(0, 1400), st.integers(0, 20))
def test_what_there_is_does_not_matter_only_what_comes(now: float, count: int) -> None:
    busy = view(fleet(count, running=99, waiting=99), now=now, held=999)
    assert clairvoyant().wanted(busy) == clairvoyant().wanted(view([], now=now))
