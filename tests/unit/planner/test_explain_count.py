"""What is told of a count that the operator chooses: its bounds, what they cost, and what holds them down."""

from typing import Any

import pytest

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.planner.explain_count import explain_count
from tests.unit.planner.plans import a_plan

PLAN = a_plan(gpus_per_replica=2, hourly_cost_per_replica="3.10")


def told(least: int, most: int, **sections: Any) -> list[str]:
    spec = {"autoscaling": {"minReplicas": least, "maxReplicas": most, "idleSeconds": 90}, **sections}
    return list(explain_count(Gemma4DeploymentSpec.model_validate(spec), PLAN))


def test_nothing_where_the_spec_says_it() -> None:
    assert list(explain_count(Gemma4DeploymentSpec(replicas=3), PLAN)) == []


def test_bounds_with_what_they_take() -> None:
    assert told(2, 8) == [
        "The operator's autoscaler decides, in place of `spec.replicas`: 2 to 8, 2 at first.",
        "They take 4 to 16 GPUs and cost 6.20 to 24.80 USD an hour.",
    ]


def test_one_that_may_sleep_begins_awake_and_says_when_it_sleeps() -> None:
    assert told(0, 4) == [
        "The operator's autoscaler decides, in place of `spec.replicas`: 0 to 4, 1 at first.",
        "They take 0 to 8 GPUs and cost 0.00 to 12.40 USD an hour.",
        "After 90 s in which nothing is asked, none runs.",
    ]


@pytest.mark.parametrize(
    ("limit", "field"),
    [
        ({"placement": {"maximumGPUs": 7}}, "spec.placement.maximumGPUs"),
        ({"objectives": {"maximumHourlyCost": "9.30"}}, "spec.objectives.maximumHourlyCost"),
    ],
)
def test_what_holds_them_down_is_named(limit: dict[str, Any], field: str) -> None:
    assert told(1, 8, **limit) == [
        "The operator's autoscaler decides, in place of `spec.replicas`: 1 to 3, 1 at first.",
        "They take 2 to 6 GPUs and cost 3.10 to 9.30 USD an hour.",
        f"`{field}` keeps them below the 8 of `spec.autoscaling.maxReplicas`.",
    ]
    assert told(5, 8, **limit)[0].endswith(": 3 to 3, 3 at first."), "a budget goes before the least"
