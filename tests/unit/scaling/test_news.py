"""What in the status is no longer so: which changes are told, and which are the swinging of what stays."""

from typing import Any

import pytest

from gemma4_operator.api.status import AutoscalingStatus
from gemma4_operator.planner.replicas import Count
from gemma4_operator.scaling.news import differs, moved

SAID = AutoscalingStatus(
    desired_replicas=4,
    reason="Demand",
    message="600 requests a minute come: 4 replicas keep 2.0 s to the first token.",
    last_scale_time="2026-11-29T00:00:00Z",
    boot_seconds=100,
    speed_percent=80,
    caution_percent=110,
    imbalance_percent=50,
    requests_per_minute=600,
    expected_requests_per_minute=620,
    peak_requests_per_minute=900,
    peak_load_percent=250,
    forecast_percent=110,
    jump_replicas=3,
    lost_permille=20,
)


def now(**changes: Any) -> AutoscalingStatus:
    return SAID.model_copy(update=changes)


@pytest.mark.parametrize(
    "swings",
    [
        {},
        {"message": "605 requests a minute come: 4 replicas keep 2.0 s to the first token."},
        {"requests_per_minute": 655, "expected_requests_per_minute": 560},
        {"speed_percent": 77},
        {"speed_percent": 83},
        {"caution_percent": 106},
        {"boot_seconds": 104},
        {"imbalance_percent": 36},
        {"peak_requests_per_minute": 980},
        {"peak_load_percent": 270},
        {"forecast_percent": 120},
        {"lost_permille": 22},
    ],
    ids=str,
)
def test_figures_swing(swings: dict[str, Any]) -> None:
    assert not differs(SAID, now(**swings), stands=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"requests_per_minute": 670},
        {"expected_requests_per_minute": 555},
        {"requests_per_minute": None},
        {"speed_percent": 75},
        {"speed_percent": 85},
        {"caution_percent": 104},
        {"boot_seconds": 94},
        {"boot_seconds": None},
        {"imbalance_percent": 34},
        {"peak_requests_per_minute": 1001},
        {"peak_load_percent": 280},
        {"forecast_percent": 130},
        {"jump_replicas": 4},
        {"jump_replicas": None},
        {"lost_permille": 17},
        {"lost_permille": None},
    ],
    ids=str,
)
def test_and_are_others(changes: dict[str, Any]) -> None:
    assert differs(SAID, now(**changes), stands=False)
    assert differs(now(**changes), SAID, stands=False)


def test_few_requests_are_as_many_with_one_more() -> None:
    assert not differs(now(requests_per_minute=3), now(requests_per_minute=4), stands=True)
    assert differs(now(requests_per_minute=3), now(requests_per_minute=5), stands=True)


def test_a_reason_is_another_once_it_stands() -> None:
    """Some take turns from one moment to the next, and each is as true as the other."""
    assert not differs(SAID, now(reason="Stabilizing"), stands=False)
    assert differs(SAID, now(reason="Stabilizing"), stands=True)


def test_a_message_without_a_figure_that_swings_is_another_at_once() -> None:
    silent = now(reason="NoData", message="None says what it does.", requests_per_minute=None)
    assert not differs(silent, silent, stands=False)
    assert differs(silent, silent.model_copy(update={"message": "None says what it does. No route."}), stands=False)


def test_what_limits_make_keeps_what_was_learned() -> None:
    limited = Count(replicas=2, limited_by="spec.placement.maximumGPUs")
    said = moved(SAID, limited, minimum=1, last_scale_time="2026-11-30T00:00:00Z")
    assert (said.desired_replicas, said.reason, said.limited_by) == (2, "Limited", "spec.placement.maximumGPUs")
    assert said.message == "`spec.placement.maximumGPUs` allows 2."
    assert (said.speed_percent, said.last_scale_time) == (80, "2026-11-30T00:00:00Z")
    raised = moved(said, Count(replicas=5), minimum=5, last_scale_time="2026-11-30T01:00:00Z")
    assert (raised.reason, raised.message, raised.limited_by) == (
        "AtMinimum",
        "`spec.autoscaling.minReplicas` is 5.",
        None,
    )
