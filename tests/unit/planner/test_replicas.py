"""How many replicas run: who decides, within which bounds, and what is said where something holds it back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.planner.account import plan_hash
from gemma4_operator.planner.ask import ask_of
from gemma4_operator.planner.limits import COST_LIMIT, GPU_LIMIT
from gemma4_operator.planner.replicas import MAXIMUM, NOTHING_RUNS, Count, Scale, count, first_replicas
from tests.unit.planner.plans import a_plan

PLAN = a_plan(gpus_per_replica=2, hourly_cost_per_replica="7.00")
NEVER_READ = a_plan(gpus_per_replica=2, hourly_cost_per_replica="cheap")


def spec(
    least: int = 1, most: int = 10, *, gpus: int | None = None, cost: str | None = None, **more: Any
) -> Gemma4DeploymentSpec:
    return Gemma4DeploymentSpec.model_validate(
        {
            "autoscaling": {"minReplicas": least, "maxReplicas": most},
            "placement": {"maximumGPUs": gpus},
            "objectives": {"maximumHourlyCost": cost},
            **more,
        }
    )


def fixed(replicas: int) -> Gemma4DeploymentSpec:
    return Gemma4DeploymentSpec.model_validate({"replicas": replicas})


class TestWhoDecides:
    @pytest.mark.parametrize("replicas", [0, 1, 7])
    @pytest.mark.parametrize("scale", [NOTHING_RUNS, Scale(live=3), Scale(live=3, decided=9)])
    def test_without_autoscaling_the_spec_alone(self, replicas: int, scale: Scale) -> None:
        assert count(fixed(replicas), PLAN, scale) == Count(replicas=replicas)

    def test_with_it_what_was_decided(self) -> None:
        assert count(spec(), PLAN, Scale(live=3, decided=5)) == Count(replicas=5)

    def test_before_anything_is_decided_what_runs_stays(self) -> None:
        assert count(spec(), PLAN, Scale(live=3)) == Count(replicas=3)

    def test_who_sleeps_goes_on_sleeping_after_a_restart_of_the_operator(self) -> None:
        assert count(spec(least=0), PLAN, Scale(live=0)) == Count(replicas=0)

    @pytest.mark.parametrize(("least", "first"), [(0, 1), (1, 1), (4, 4)])
    def test_a_new_resource_starts_awake(self, least: int, first: int) -> None:
        assert count(spec(least), PLAN, NOTHING_RUNS) == Count(replicas=first)
        assert first_replicas(spec(least)) == first

    def test_the_plan_is_made_for_what_a_resource_starts_with(self) -> None:
        assert ask_of(spec(least=4)).replicas == 4
        assert ask_of(fixed(3)).replicas == 3

    def test_no_bound_is_part_of_a_plan(self) -> None:
        """Else who changes a bound would have the model chosen anew."""
        assert plan_hash(spec(least=0, most=2)) == plan_hash(spec(least=2, most=50)) == plan_hash(fixed(3))


class TestBounds:
    @pytest.mark.parametrize(
        ("scale", "found"),
        [
            (Scale(live=1), Count(replicas=2)),
            (Scale(live=3, decided=0), Count(replicas=2)),
            (Scale(live=9), Count(replicas=6, limited_by=MAXIMUM)),
            (Scale(live=3, decided=7), Count(replicas=6, limited_by=MAXIMUM)),
            (Scale(live=3, decided=6), Count(replicas=6)),
        ],
    )
    def test_none_is_left(self, scale: Scale, found: Count) -> None:
        assert count(spec(least=2, most=6), PLAN, scale) == found

    def test_bounds_hold_where_there_is_no_plan_yet(self) -> None:
        assert count(spec(least=2, most=6, gpus=2), None, Scale(decided=9)) == Count(replicas=6, limited_by=MAXIMUM)

    @pytest.mark.parametrize(
        ("limits", "replicas", "limited_by"),
        [
            ({"gpus": 9}, 4, GPU_LIMIT),
            ({"cost": "21.50"}, 3, COST_LIMIT),
            ({"gpus": 9, "cost": "21.50"}, 3, COST_LIMIT),
            ({"gpus": 4, "cost": "21.50"}, 2, GPU_LIMIT),
        ],
    )
    def test_the_tightest_limit_holds_and_is_named(
        self, limits: dict[str, Any], replicas: int, limited_by: str
    ) -> None:
        assert count(spec(**limits), PLAN, Scale(live=1, decided=8)) == Count(replicas=replicas, limited_by=limited_by)

    def test_a_limit_that_nothing_meets_is_not_named(self) -> None:
        assert count(spec(gpus=9), PLAN, Scale(decided=4)) == Count(replicas=4)

    def test_a_budget_goes_before_the_least(self) -> None:
        assert count(spec(least=5, gpus=6), PLAN, Scale(live=5)) == Count(replicas=3, limited_by=GPU_LIMIT)

    def test_without_a_price_none_is_added_and_any_may_go(self) -> None:
        asked = spec(cost="100.00")
        assert count(asked, NEVER_READ, Scale(live=3, decided=5)) == Count(replicas=3, limited_by=COST_LIMIT)
        assert count(asked, NEVER_READ, Scale(live=3, decided=2)) == Count(replicas=2)
        assert count(asked, NEVER_READ, NOTHING_RUNS) == Count(replicas=0, limited_by=COST_LIMIT)


COUNTS = st.none() | st.integers(0, 2000)


@given(
    least=st.integers(0, 20),
    more=st.integers(0, 20),
    gpus=st.none() | st.integers(1, 60),
    cost=st.none() | st.sampled_from(["0.50", "7.00", "20.99", "500.00"]),
    plan=st.sampled_from([PLAN, NEVER_READ]),
    live=COUNTS,
    decided=COUNTS,
)
def test_whatever_was_decided_the_bounds_and_the_budget_hold(
    least: int, more: int, gpus: int | None, cost: str | None, plan: Any, live: int | None, decided: int | None
) -> None:
    asked = spec(least, max(1, least + more), gpus=gpus, cost=cost)
    bounds = asked.autoscaling
    assert bounds is not None
    found = count(asked, plan, Scale(live=live, decided=decided))
    assert 0 <= found.replicas <= bounds.max_replicas
    assert gpus is None or found.replicas * plan.gpus_per_replica <= gpus
    assert cost is None or plan is NEVER_READ or found.replicas * 7 <= float(cost)
    assert cost is None or plan is PLAN or found.replicas <= (live or 0)
    assert found.limited_by or found.replicas >= bounds.min_replicas
    # Told again, it stays: what was applied once is what runs then.
    assert count(asked, plan, Scale(live=found.replicas, decided=decided)).replicas == found.replicas


@given(live=COUNTS, lower=st.integers(0, 50), higher=st.integers(0, 50))
def test_who_decides_more_never_gets_less(live: int | None, lower: int, higher: int) -> None:
    lower, higher = sorted((lower, higher))
    asked = spec(least=2, most=30, gpus=45)
    few, many = (count(asked, PLAN, Scale(live=live, decided=decided)).replicas for decided in (lower, higher))
    assert few <= many
