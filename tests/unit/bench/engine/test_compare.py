"""The traffic that both engines get, and the figures that are laid side by side."""

from itertools import pairwise

import pytest

from gemma4_operator.sim.request import Request
from gemma4_operator.sim.traces import Log
from tests.bench.engine import compare
from tests.bench.engine.client import Times
from tests.bench.engine.fit import Fitted
from tests.unit.bench.engine.made import MODEL

LOG = Log(
    requests=tuple(
        Request(arrival_seconds=number * (1.0 + number % 3), input_tokens=1000, output_tokens=200)
        for number in range(0, 400, 3)
    )
)


def test_requests_are_shortened_alike_and_fit_the_context() -> None:
    log = Log(
        requests=(
            Request(arrival_seconds=1.0, input_tokens=1000, output_tokens=200),
            Request(arrival_seconds=2.0, input_tokens=100_000, output_tokens=1),
            Request(arrival_seconds=3.0, input_tokens=1, output_tokens=2000),
        )
    )
    short = compare.shortened(log).requests
    assert [(one.input_tokens, one.output_tokens) for one in short] == [(200, 40), (1898, 2), (1, 400)]
    assert [one.arrival_seconds for one in short] == [1.0, 2.0, 3.0]


def test_the_most_is_what_a_full_engine_answers() -> None:
    # 0.1 s for the prompt, and 200 steps of 18 ms that 16 share.
    assert compare.most_per_second(MODEL, LOG) == pytest.approx(1 / (0.1 + 200 * 0.018 / 16))


@pytest.mark.parametrize("rate", [0.2, 0.7, 1.5])
def test_traffic_has_the_rate_and_keeps_its_gaps_in_proportion(rate: float) -> None:
    trace = compare.traffic(LOG, requests_per_second=rate)
    assert len(trace) / trace[-1].arrival_seconds == pytest.approx(rate)
    gaps = [later.arrival_seconds - sooner.arrival_seconds for sooner, later in pairwise(trace)]
    recorded = [later.arrival_seconds - sooner.arrival_seconds for sooner, later in pairwise(LOG.requests)]
    assert gaps[1] / gaps[0] == pytest.approx(recorded[1] / recorded[0])


def test_the_simulated_engine_has_the_way_to_it_as_well() -> None:
    trace = (Request(arrival_seconds=5.0, input_tokens=100, output_tokens=3),)
    (times,) = compare.simulated(trace, Fitted(model=MODEL, way_seconds=0.007))
    assert times.first_token_seconds == pytest.approx(0.01 + 100e-4 + 0.007)
    assert times.token_seconds == pytest.approx(0.0105)


def test_figures_are_mean_median_and_what_nine_of_ten_have() -> None:
    trace = tuple(Request(arrival_seconds=float(second), input_tokens=1, output_tokens=2) for second in range(1, 11))
    real = [Times(first_token_seconds=float(number), token_seconds=number / 10) for number in range(10)]
    load = compare.compared(0.5, trace, real, Fitted(model=MODEL, way_seconds=0.0))
    assert (load.requests, load.requests_per_second) == (10, 1.0)
    assert load.first_token_real == (4.5, 5.0, 9.0)
    assert load.token_real == pytest.approx((0.45, 0.5, 0.9))
    # One at a time: a step that reads one token, and one that writes one.
    assert load.first_token_simulated == pytest.approx((0.0101,) * 3)
    assert load.token_simulated == pytest.approx((0.0105,) * 3)
    assert load.step_seconds == 0.01
