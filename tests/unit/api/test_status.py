"""The plan in the status: room for all that is chosen, for nothing but advice, and for what older operators wrote."""

from typing import Any

import pytest
from pydantic import ValidationError

from gemma4_operator.api.status import AutoscalingStatus, Gemma4DeploymentStatus, PlanStatus
from tests.cases.statuses import AUTOSCALING, FULL_PLAN, INFEASIBLE_PLAN, OLD_PLAN

PLANS = {"in full": FULL_PLAN, "nothing can be served": INFEASIBLE_PLAN, "of the first version": OLD_PLAN}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_plan_reads_back_as_it_was_written(plan: dict[str, Any]):
    status = Gemma4DeploymentStatus.model_validate({"plan": plan})
    assert status.to_json() == {"plan": plan, "conditions": []}


def test_the_full_plan_of_these_tests_has_every_field():
    assert FULL_PLAN.keys() == {field.alias for field in PlanStatus.model_fields.values()}
    for part in ("memory", "predicted"):
        read = getattr(PlanStatus.model_validate(FULL_PLAN), part)
        assert None not in read.model_dump().values()


def test_what_an_autoscaler_did_reads_back_as_it_was_written():
    assert AUTOSCALING.keys() == {field.alias for field in AutoscalingStatus.model_fields.values()}
    read = Gemma4DeploymentStatus.model_validate({"autoscaling": AUTOSCALING})
    assert read.to_json() == {"autoscaling": AUTOSCALING, "conditions": []}
    assert AutoscalingStatus().to_json() == {}


@pytest.mark.parametrize(
    "field",
    [
        "desiredReplicas",
        "bootSeconds",
        "speedPercent",
        "cautionPercent",
        "imbalancePercent",
        "jumpReplicas",
        "lostPermille",
        *(f for f in AUTOSCALING if f.endswith("PerMinute")),
    ],
)
def test_no_figure_of_an_autoscaler_is_below_zero(field: str):
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        AutoscalingStatus.model_validate({field: -1})


def test_a_newer_operators_plan_is_read_as_far_as_it_is_known():
    plan = PlanStatus.model_validate(OLD_PLAN | {"stages": 2, "memory": {"totalMiB": 1, "spilledMiB": 2}})
    assert plan.to_json() == OLD_PLAN | {"memory": {"totalMiB": 1}}


def test_a_plan_without_alternatives_does_not_say_that_there_are_none():
    assert PlanStatus().to_json() == {}
    assert PlanStatus(alternatives=()).to_json() == {"alternatives": []}


LOST = FULL_PLAN["alternatives"][0]
ADVICE = INFEASIBLE_PLAN["relaxations"][0]


@pytest.mark.parametrize(
    ("field", "item", "most"),
    [
        ("alternatives", LOST, 5),
        ("relaxations", ADVICE, 8),
        ("notes", "A sentence.", 8),
        ("licences", {"of": "image", "name": "Apache-2.0"}, 8),
    ],
)
def test_a_status_never_grows_beyond_what_people_read(field: str, item: Any, most: int):
    assert len(getattr(PlanStatus.model_validate({field: [item] * most}), field)) == most
    with pytest.raises(ValidationError, match=f"{field}\n.*at most {most}"):
        PlanStatus.model_validate({field: [item] * (most + 1)})


@pytest.mark.parametrize(
    ("part", "item", "field"),
    [
        ("alternatives", LOST, "lostBecause"),
        ("alternatives", LOST, "variant"),
        ("relaxations", ADVICE, "field"),
        ("relaxations", ADVICE, "message"),
        ("licences", {"of": "image", "name": "Apache-2.0"}, "name"),
    ],
)
def test_an_item_that_says_nothing_is_refused(part: str, item: dict[str, Any], field: str):
    lacking = {key: value for key, value in item.items() if key != field}
    with pytest.raises(ValidationError, match=f"{part}.0.{field}\n.*required"):
        PlanStatus.model_validate({part: [lacking]})


@pytest.mark.parametrize("count", ["maxBatchedTokens", "maxConcurrentRequests", "replicas", "contextTokens"])
def test_a_count_is_never_below_zero(count: str):
    assert PlanStatus.model_validate({count: 0}).to_json() == {count: 0}
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        PlanStatus.model_validate({count: -1})
