"""Delays between attempts."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.kube.retry import Backoff, Endless


def test_delays_double_up_to_the_maximum() -> None:
    backoff = Backoff(first_seconds=1.0, maximum_seconds=5.0, attempts=5)
    assert list(backoff.delays_seconds(jitter=lambda: 1.0)) == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_jitter_takes_away_up_to_half() -> None:
    backoff = Backoff(first_seconds=8.0, maximum_seconds=8.0)
    assert backoff.delay_seconds(1, jitter=lambda: 0.0) == 4.0


@given(failures=st.integers(1, 10**9), jitter=st.floats(0.0, 0.999))
def test_no_number_of_failures_breaks_the_bounds(failures: int, jitter: float) -> None:
    delay = Backoff(first_seconds=0.5, maximum_seconds=300.0).delay_seconds(failures, jitter=lambda: jitter)
    assert 0.25 <= delay <= 300.0


def test_kopf_may_start_the_endless_delays_anew_for_each_request() -> None:
    endless = Endless(Backoff(first_seconds=1.0, maximum_seconds=4.0), jitter=lambda: 1.0)
    assert list(islice(endless, 5)) == [1.0, 2.0, 4.0, 4.0, 4.0]
    assert list(islice(endless, 2)) == [1.0, 2.0]
