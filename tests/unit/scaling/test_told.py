"""What the status says of a decision, and what a restart reads back of it."""

from dataclasses import replace
from typing import Any

import pytest

from gemma4_operator.api.status import AutoscalingStatus
from gemma4_operator.scaling.balance import Balance
from gemma4_operator.scaling.decision import Decision, Expected, Why
from gemma4_operator.scaling.forecast import HIGHEST_RAISE, LOWEST_RAISE, Forecast, Pick
from gemma4_operator.scaling.jumps import Jump, Jumps
from gemma4_operator.scaling.learning import FASTEST, MOST_CAUTION, SLOWEST, Boots
from gemma4_operator.scaling.losses import MOST_SHARE, Losses
from gemma4_operator.scaling.state import Remembered, State
from gemma4_operator.scaling.told import kept, recalled, told

STATE = State(
    wanted=4,
    boots=Boots(seconds=(90.0, 95.0, 100.0)),
    balance=Balance(ratio=0.8125),
    slowness=1.25,
    caution=1.1,
    forecast=Forecast(pick=Pick(times=1.125, is_judged=True), peak=2.5),
    jumps=Jumps(known=(Jump(at_seconds=100.0, replicas=6, is_costly=True),)),
    losses=Losses(share=0.0071),
)
DECISION = Decision(
    replicas=4,
    reason=Why.DEMAND,
    message="Many come.",
    valid=True,
    state=STATE,
    limited_by="",
    expected=Expected(now=5.0, then=6.0, peak=10.0, horizon_seconds=115.0),
)


def test_figures_are_in_the_units_of_the_status() -> None:
    assert told(DECISION, last_scale_time="2026-11-29T12:00:00Z") == AutoscalingStatus(
        desired_replicas=4,
        reason="Demand",
        message="Many come.",
        last_scale_time="2026-11-29T12:00:00Z",
        boot_seconds=98,
        speed_percent=80,
        caution_percent=110,
        imbalance_percent=25,
        requests_per_minute=300,
        expected_requests_per_minute=360,
        peak_requests_per_minute=600,
        peak_load_percent=250,
        forecast_percent=112,
        jump_replicas=6,
        lost_permille=7,
    )


def test_what_took_long_to_learn_comes_back() -> None:
    written = told(DECISION, last_scale_time="2026-11-29T12:00:00Z").to_json()
    before = recalled(written)
    assert (before.wanted, before.boot_seconds, before.slowness, before.imbalance) == (4, 98, 1.25, 0.25)
    assert before.jump_replicas == 6
    assert before.caution == 1.1
    assert before.lost == 0.007
    assert (before.peak, before.raised) == (2.5, 1.12)


@pytest.mark.parametrize("written", [None, {}, [], "4", {"desiredReplicas": -1}, {"bootSeconds": "long"}])
def test_what_makes_no_sense_was_not_kept(written: Any) -> None:
    assert recalled(written) == Remembered()
    assert kept(written) == AutoscalingStatus()


@pytest.mark.parametrize(
    ("written", "before"),
    [
        ({"speedPercent": 1}, Remembered(slowness=SLOWEST)),
        ({"speedPercent": 100_000}, Remembered(slowness=FASTEST)),
        ({"speedPercent": 0}, Remembered()),
        ({"cautionPercent": 0}, Remembered()),
        ({"cautionPercent": 60}, Remembered()),
        ({"cautionPercent": 100_000}, Remembered(caution=MOST_CAUTION)),
        ({"imbalancePercent": 0}, Remembered(imbalance=0.0)),
        ({"imbalancePercent": 100_000}, Remembered(imbalance=1.0)),
        ({"jumpReplicas": 0}, Remembered()),
        ({"lostPermille": 0}, Remembered()),
        ({"lostPermille": 100_000}, Remembered(lost=MOST_SHARE)),
        ({"bootSeconds": 0}, Remembered()),
        ({"bootSeconds": 10**9}, Remembered()),
        ({"forecastPercent": 0}, Remembered()),
        ({"forecastPercent": 1}, Remembered(raised=LOWEST_RAISE)),
        ({"forecastPercent": 10**6}, Remembered(raised=HIGHEST_RAISE)),
        ({"peakLoadPercent": 150}, Remembered(peak=1.5)),
        ({"peakRequestsPerMinute": 150}, Remembered()),
    ],
)
def test_a_status_that_somebody_wrote_leads_nobody_far_astray(written: dict[str, Any], before: Remembered) -> None:
    assert recalled(written) == before


def test_what_was_not_measured_is_not_told_as_zero() -> None:
    unmeasured = told(replace(DECISION, expected=None), last_scale_time=None).to_json()
    assert "requestsPerMinute" not in unmeasured
    assert "expectedRequestsPerMinute" not in unmeasured
    assert "peakRequestsPerMinute" not in unmeasured
    silent = told(replace(DECISION, expected=Expected()), last_scale_time=None).to_json()
    assert (silent["requestsPerMinute"], silent["expectedRequestsPerMinute"]) == (0, 0)


def test_a_limit_is_told_and_none_is_not() -> None:
    limited = Decision(
        replicas=4,
        reason=Why.LIMITED,
        message="No more.",
        valid=True,
        state=STATE,
        limited_by="spec.placement.maximumGPUs",
        expected=Expected(),
    )
    assert told(limited, last_scale_time=None).limited_by == "spec.placement.maximumGPUs"
    assert "limitedBy" not in told(DECISION, last_scale_time=None).to_json()


def test_a_scaler_that_has_compared_nothing_yet_tells_no_raise() -> None:
    fresh = told(replace(DECISION, state=State(wanted=4)), last_scale_time=None).to_json()
    assert "forecastPercent" not in fresh
    assert "peakLoadPercent" not in fresh
    assert "lostPermille" not in fresh
