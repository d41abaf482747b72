"""A window keeps what is less than so many seconds old, and says the mean and the highest of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.sim.peers.window import Window


def test_what_is_as_old_as_the_window_is_forgotten() -> None:
    window = Window(6.0)
    for at, value in ((0.0, 100.0), (2.0, 1.0), (4.0, 2.0), (6.0, 6.0)):
        window.add(at, value)
    assert window.mean == pytest.approx(3.0)
    assert window.highest == 6.0
    assert (window.span_seconds, window.growth) == (4.0, 5.0)


def test_an_empty_one_holds_nothing() -> None:
    window = Window(6.0)
    assert (window.mean, window.highest, window.span_seconds, window.growth) == (0.0, 0.0, 0.0, 0.0)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30), st.floats(0.5, 20))
def test_the_last_value_always_counts(values: list[float], seconds: float) -> None:
    window = Window(seconds)
    for at, value in enumerate(values):
        window.add(float(at), value)
    kept = [value for at, value in enumerate(values) if at > len(values) - 1 - seconds]
    assert window.mean == pytest.approx(sum(kept) / len(kept))
    assert window.highest == max(kept)
