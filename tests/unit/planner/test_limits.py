"""Budgets against the replicas that a spec runs."""

from typing import Any

import pytest

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.planner.limits import beyond_limits
from tests.unit.planner.plans import a_plan


def spec(replicas: int, **limits: Any) -> Gemma4DeploymentSpec:
    placement = {"maximumGPUs": limits["gpus"]} if "gpus" in limits else {}
    objectives = {"maximumHourlyCost": limits["cost"]} if "cost" in limits else {}
    return Gemma4DeploymentSpec.model_validate({"replicas": replicas, "placement": placement, "objectives": objectives})


@pytest.mark.parametrize(("replicas", "gpus"), [(0, 1), (1, 2), (4, 8), (1000, None)])
def test_what_is_within_them_is_fine(replicas: int, gpus: int | None) -> None:
    limits = {"gpus": gpus} if gpus is not None else {}
    assert beyond_limits(a_plan(gpus_per_replica=2), spec(replicas, **limits)) is None


def test_more_gpus_than_there_may_be_are_told_with_how_many_may_run() -> None:
    told = beyond_limits(a_plan(gpus_per_replica=2), spec(5, gpus=9))
    assert told == (
        "`spec.replicas` is 5, which takes 10 GPUs, and `spec.placement.maximumGPUs` is 9: "
        "run at most 4, or raise the limit."
    )


def test_so_is_more_money_to_the_cent() -> None:
    plan = a_plan(hourly_cost_per_replica="1.55", currency="USD")
    assert beyond_limits(plan, spec(8, cost="12.40")) is None
    assert beyond_limits(plan, spec(9, cost="13.94")) == (
        "`spec.replicas` is 9, which costs 13.95 USD an hour, and `spec.objectives.maximumHourlyCost` is 13.94: "
        "run at most 8, or raise the limit."
    )


@pytest.mark.parametrize("cost", ["", "free", "NaN", "Infinity"])
def test_a_cost_that_is_none_limits_nothing(cost: str) -> None:
    assert beyond_limits(a_plan(hourly_cost_per_replica=cost), spec(9, cost="0.01")) is None
