"""What the status says of a decision, and what a restart reads back of it."""

from typing import Any

import pytest

from gemma4_operator.api.status import AutoscalingStatus
from gemma4_operator.planner.choose import choose
from gemma4_operator.planner.plan import Plan
from gemma4_operator.scaling.decision import Decision, Expected, Why
from gemma4_operator.scaling.forecast import Forecast
from gemma4_operator.scaling.learning import FASTEST, SLOWEST, Boots
from gemma4_operator.scaling.planned import service_of
from gemma4_operator.scaling.state import Remembered, State
from gemma4_operator.scaling.told import kept, recalled, told
from tests.rendering import CATALOG, ENGINES, VLLM, gpus, spec_of, with_fields

SPEC = spec_of(with_fields(VLLM, workload={"requestsPerMinute": 600, "inputTokens": 1000, "outputTokens": 200}))


def planned() -> Plan:
    plan = choose(SPEC, catalog=CATALOG, engines=ENGINES, classes=(gpus("NVIDIA-H100-80GB-HBM3"),))
    assert isinstance(plan, Plan), plan
    return plan


PLAN = planned()
WORK = service_of(PLAN, input_tokens=1000).work_seconds(input_tokens=1000, output_tokens=200)
STATE = State(wanted=4, boots=Boots(seconds=(90.0, 95.0, 100.0)), slowness=1.25, forecast=Forecast(peak=10 * WORK))
DECISION = Decision(
    replicas=4,
    reason=Why.DEMAND,
    message="Many come.",
    valid=True,
    state=STATE,
    limited_by="",
    expected=Expected(now=5.0, then=6.0, horizon_seconds=115.0),
)


def test_figures_are_in_the_units_of_the_status() -> None:
    assert told(DECISION, PLAN, SPEC, last_scale_time="2026-11-29T12:00:00Z") == AutoscalingStatus(
        desired_replicas=4,
        reason="Demand",
        message="Many come.",
        last_scale_time="2026-11-29T12:00:00Z",
        boot_seconds=98,
        speed_percent=80,
        requests_per_minute=300,
        expected_requests_per_minute=360,
        peak_requests_per_minute=600,
    )


def test_what_took_long_to_learn_comes_back() -> None:
    written = told(DECISION, PLAN, SPEC, last_scale_time="2026-11-29T12:00:00Z").to_json()
    before = recalled(written, PLAN, SPEC)
    assert (before.wanted, before.boot_seconds, before.slowness) == (4, 98, 1.25)
    assert before.peak == pytest.approx(10 * WORK, rel=0.01)


@pytest.mark.parametrize("written", [None, {}, [], "4", {"desiredReplicas": -1}, {"bootSeconds": "long"}])
def test_what_makes_no_sense_was_not_kept(written: Any) -> None:
    assert recalled(written, PLAN, SPEC) == Remembered()
    assert kept(written) == AutoscalingStatus()


@pytest.mark.parametrize(
    ("written", "before"),
    [
        ({"speedPercent": 1}, Remembered(slowness=SLOWEST)),
        ({"speedPercent": 100_000}, Remembered(slowness=FASTEST)),
        ({"speedPercent": 0}, Remembered()),
        ({"bootSeconds": 0}, Remembered()),
        ({"bootSeconds": 10**9}, Remembered()),
    ],
)
def test_a_status_that_somebody_wrote_leads_nobody_far_astray(written: dict[str, Any], before: Remembered) -> None:
    assert recalled(written, PLAN, SPEC) == before


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
    assert told(limited, PLAN, SPEC, last_scale_time=None).limited_by == "spec.placement.maximumGPUs"
    assert "limitedBy" not in told(DECISION, PLAN, SPEC, last_scale_time=None).to_json()
