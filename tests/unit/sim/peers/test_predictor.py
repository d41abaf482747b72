"""The next interval by the last ones: the last value, or a level and a trend under noise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.peers.predictor import Predictor, Series


def after(values: list[float], predictor: Predictor) -> float:
    series = Series(predictor)
    for value in values:
        series.add(value)
    return series.next


def kalman(values: list[float]) -> float:
    """The same filter in textbook matrices: F = (1 1; 0 1), Q = diag(1, 0.1), R = 10, P = 1000 I."""
    level, trend = values[0], 0.0
    p = [[1000.0, 0.0], [0.0, 1000.0]]
    for value in values:
        level, trend = level + trend, trend
        fp = [[p[0][0] + p[1][0], p[0][1] + p[1][1]], p[1]]
        p = [[fp[0][0] + fp[0][1] + 1.0, fp[0][1]], [fp[1][0] + fp[1][1], fp[1][1] + 0.1]]
        gain = [p[0][0] / (p[0][0] + 10.0), p[1][0] / (p[0][0] + 10.0)]
        error = value - level
        level, trend = level + gain[0] * error, trend + gain[1] * error
        p = [
            [p[0][0] - gain[0] * p[0][0], p[0][1] - gain[0] * p[0][1]],
            [p[1][0] - gain[1] * p[0][0], p[1][1] - gain[1] * p[0][1]],
        ]
    return max(0.0, level + trend)


def test_constant_is_the_last_value() -> None:
    assert after([], Predictor.CONSTANT) == 0.0
    assert after([3.0, 9.0, 4.0, 4.5, 5.0, 2.0], Predictor.CONSTANT) == 2.0


def test_a_trend_speaks_up_from_the_fifth_value_on() -> None:
    ramp = [10.0, 20.0, 30.0, 40.0]
    assert after(ramp, Predictor.KALMAN) == 40.0
    assert after([*ramp, 50.0], Predictor.KALMAN) == pytest.approx(60.0, abs=1.0)


def test_what_was_idle_before_the_first_traffic_is_left_out() -> None:
    values = [4.0, 5.0, 7.0, 6.0, 8.0]
    assert after([0.0] * 20 + values, Predictor.KALMAN) == after(values, Predictor.KALMAN)


def test_it_never_expects_less_than_nothing() -> None:
    assert after([50.0, 40.0, 30.0, 20.0, 10.0, 0.0], Predictor.KALMAN) == 0.0


@given(st.lists(st.floats(0.1, 100), min_size=5, max_size=40))
def test_it_is_the_textbook_filter(values: list[float]) -> None:
    assert after(values, Predictor.KALMAN) == pytest.approx(kalman(values), rel=1e-6, abs=1e-6)
