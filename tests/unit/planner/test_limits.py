"""Budgets against the replicas that a spec runs."""

from typing import Any

import pytest

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.planner.limits import COST_LIMIT, GPU_LIMIT, affordable, beyond_limits
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


def autoscaled(**limits: Any) -> Gemma4DeploymentSpec:
    return Gemma4DeploymentSpec.model_validate(spec(1, **limits).to_json() | {"autoscaling": {"maxReplicas": 50}})


def test_an_autoscaler_is_never_beyond_them_it_is_kept_within() -> None:
    plan = a_plan(gpus_per_replica=8, hourly_cost_per_replica="9.00")
    assert beyond_limits(plan, spec(1, gpus=4)) is not None
    assert beyond_limits(plan, autoscaled(gpus=4, cost="1.00")) is None


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        ({}, None),
        ({"gpus": 9}, (4, GPU_LIMIT)),
        ({"gpus": 1}, (0, GPU_LIMIT)),
        ({"cost": "12.40"}, (8, COST_LIMIT)),
        ({"cost": "13.94"}, (8, COST_LIMIT)),
        ({"cost": "13.95"}, (9, COST_LIMIT)),
        ({"cost": "1.54"}, (0, COST_LIMIT)),
        ({"gpus": 20, "cost": "3.10"}, (2, COST_LIMIT)),
        ({"gpus": 4, "cost": "99.00"}, (2, GPU_LIMIT)),
    ],
)
def test_so_many_are_affordable(limits: dict[str, Any], most: tuple[int, str] | None) -> None:
    plan = a_plan(gpus_per_replica=2, hourly_cost_per_replica="1.55")
    assert affordable(plan, autoscaled(**limits), running=1) == most


@pytest.mark.parametrize("price", ["", "free", "NaN", "Infinity", "-Infinity", "-1.00", "sNaN"])
@pytest.mark.parametrize("running", [0, 3])
def test_a_price_that_is_none_leaves_what_runs(price: str, running: int) -> None:
    plan = a_plan(hourly_cost_per_replica=price)
    assert affordable(plan, autoscaled(cost="1000.00"), running=running) == (running, COST_LIMIT)
    assert affordable(plan, autoscaled(cost="1000.00", gpus=2), running=running) == min(
        (running, COST_LIMIT), (2, GPU_LIMIT)
    )
    assert affordable(plan, autoscaled(), running=running) is None


def test_what_costs_nothing_is_affordable_without_end() -> None:
    assert affordable(a_plan(hourly_cost_per_replica="0.00"), autoscaled(cost="1.00"), running=0) is None
