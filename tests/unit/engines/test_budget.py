"""How long an engine may take: the formula, its bounds, and probes that spend exactly that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.engines.budget import (
    DRAIN_SECONDS,
    FINISH_SECONDS,
    GRACE_SECONDS,
    MAX_START_SECONDS,
    WARM_UP_SECONDS,
    drain_seconds,
    liveness_probe,
    readiness_probe,
    start_seconds,
    startup_probe,
)

SIZES = st.integers(min_value=0, max_value=10**13)


@pytest.mark.parametrize(
    ("weights_bytes", "downloads", "seconds"),
    [
        (0, True, 300),
        (3_000_000_000, False, 300 + 15),
        (3_000_000_000, True, 300 + 15 + 60),
        (62_500_000_000, False, 300 + 312),
        (62_500_000_000, True, 300 + 312 + 1250),
        (1_000_000_000_000, True, MAX_START_SECONDS),
    ],
)
def test_warm_up_load_and_download_add_up(weights_bytes: int, downloads: bool, seconds: int) -> None:
    assert start_seconds(weights_bytes=weights_bytes, downloads=downloads) == seconds


@given(smaller=SIZES, larger=SIZES, downloads=st.booleans())
def test_larger_weights_never_get_less_time(smaller: int, larger: int, downloads: bool) -> None:
    smaller, larger = sorted((smaller, larger))
    assert start_seconds(weights_bytes=smaller, downloads=downloads) <= start_seconds(
        weights_bytes=larger, downloads=downloads
    )


@given(size=SIZES)
def test_the_budget_keeps_its_bounds_and_a_download_never_shortens_it(size: int) -> None:
    here, there = (start_seconds(weights_bytes=size, downloads=downloads) for downloads in (False, True))
    assert WARM_UP_SECONDS <= here <= there <= MAX_START_SECONDS


@given(seconds=st.integers(min_value=1, max_value=MAX_START_SECONDS))
def test_the_startup_probe_spends_the_budget_and_at_most_one_period_more(seconds: int) -> None:
    probe = startup_probe("/health", seconds=seconds)
    assert seconds <= probe.period_seconds * probe.failure_threshold < seconds + probe.period_seconds


def test_a_silent_engine_leaves_the_service_long_before_it_is_restarted() -> None:
    ready, alive = readiness_probe("/health"), liveness_probe("/health")
    assert ready.period_seconds * ready.failure_threshold * 3 <= alive.period_seconds * alive.failure_threshold


@pytest.mark.parametrize(("answer", "seconds"), [(0, 30), (4, 30), (10, 45), (40, 135), (400, 135)])
def test_a_server_that_cuts_off_serves_on_for_three_answers_within_bounds(answer: int, seconds: int) -> None:
    assert drain_seconds(answer) == seconds


def test_requests_that_run_when_the_pod_must_go_have_minutes_left_and_the_server_time_to_close() -> None:
    assert FINISH_SECONDS == 120
    assert GRACE_SECONDS > DRAIN_SECONDS + FINISH_SECONDS
