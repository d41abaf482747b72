"""From a resource and its plan to what binds its scaler."""

import math
from dataclasses import replace
from typing import Any

import pytest

from gemma4_operator.api.autoscaling import Autoscaling
from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.planner.limits import COST_LIMIT, GPU_LIMIT
from gemma4_operator.planner.plan import Plan
from gemma4_operator.scaling.planned import FIRST_TOKEN_SECONDS, PLACING_SECONDS, service_of, terms_of
from gemma4_operator.scaling.staffing import Limits, Load, needed
from gemma4_operator.scaling.terms import Ceiling, Terms
from tests.unit.planner.plans import a_plan

NEW = a_plan(
    predicted=replace(
        a_plan().predicted, step_microseconds=14_000, sequence_nanoseconds=400_000, prompt_token_nanoseconds=48_000
    )
)
OLD = a_plan()
"""As an older operator wrote it: 17 ms for a token, 300 ms to the first one, 32 sequences, 120 s to load."""


def bound(plan: Plan = NEW, *, running: int = 3, bounds: dict[str, Any] | None = None, **spec: Any) -> Terms:
    autoscaling = {"maxReplicas": 20} | (bounds or {})
    resource = Gemma4DeploymentSpec.model_validate(spec | {"autoscaling": autoscaling})
    return terms_of(plan, resource, Autoscaling.model_validate(autoscaling), running=running)


class TestBounds:
    def test_are_those_of_the_resource(self) -> None:
        terms = bound(bounds={"minReplicas": 2, "idleSeconds": 90, "scaleDownStabilizationSeconds": 45})
        assert (terms.minimum, terms.maximum, terms.idle_seconds, terms.stabilization_seconds) == (2, 20, 90, 45)

    def test_have_defaults(self) -> None:
        terms = bound()
        assert (terms.minimum, terms.idle_seconds, terms.stabilization_seconds, terms.ceiling) == (1, 600, None, None)

    def test_gpus_are_a_ceiling(self) -> None:
        terms = bound(replace(NEW, gpus_per_replica=2), placement={"maximumGPUs": 9})
        assert terms.ceiling == Ceiling(replicas=4, field=GPU_LIMIT)

    def test_so_is_money(self) -> None:
        assert bound(objectives={"maximumHourlyCost": "12.00"}).ceiling == Ceiling(replicas=3, field=COST_LIMIT)

    def test_the_narrower_one_counts(self) -> None:
        terms = bound(placement={"maximumGPUs": 2}, objectives={"maximumHourlyCost": "12.00"})
        assert terms.ceiling == Ceiling(replicas=2, field=GPU_LIMIT)

    @pytest.mark.parametrize("price", ["", "NaN", "free", "-1"])
    @pytest.mark.parametrize("running", [0, 3])
    def test_a_budget_without_a_price_lets_no_more_than_run(self, price: str, running: int) -> None:
        terms = bound(
            replace(NEW, hourly_cost_per_replica=price), running=running, objectives={"maximumHourlyCost": "12.00"}
        )
        assert terms.ceiling == Ceiling(replicas=running, field=COST_LIMIT)


class TestObjectives:
    def test_become_seconds_and_shares(self) -> None:
        terms = bound(
            objectives={
                "timeToFirstTokenMilliseconds": 1500,
                "timePerOutputTokenMilliseconds": 60,
                "attainmentPercent": 99,
            }
        )
        assert (terms.first_token_seconds, terms.token_seconds, terms.attainment) == (1.5, 0.06, 0.99)

    def test_nothing_said_of_the_first_token_is_what_a_person_waits(self) -> None:
        assert bound().first_token_seconds == FIRST_TOKEN_SECONDS

    def test_nothing_said_of_the_others_is_no_limit(self) -> None:
        assert bound().token_seconds == math.inf


class TestRequests:
    def test_are_those_of_the_workload_without_what_the_cache_holds(self) -> None:
        workload = {"requestsPerMinute": 60, "inputTokens": 2000, "outputTokens": 80, "sharedPrefixPercent": 75}
        terms = bound(workload=workload)
        assert (terms.input_tokens, terms.output_tokens) == (500, 80)

    def test_are_usual_ones_where_nothing_is_said(self) -> None:
        assert (bound().input_tokens, bound().output_tokens) == (1500, 300)


class TestService:
    def test_is_what_the_plan_says(self) -> None:
        service = bound().service
        assert (service.fixed_seconds, service.sequence_seconds, service.prompt_token_seconds) == pytest.approx(
            (0.014, 0.0004, 48e-6)
        )
        assert (service.most_sequences, service.max_batched_tokens) == (32, 4096)

    def test_takes_its_load_and_a_place_to_come(self) -> None:
        assert bound().boot_seconds == 120 + PLACING_SECONDS

    def test_of_an_older_plan_is_guessed_so_that_a_full_step_takes_its_token(self) -> None:
        service = service_of(OLD, input_tokens=1500)
        assert service.step_seconds(32) == pytest.approx(0.017)
        assert 0 < service.sequence_seconds < service.fixed_seconds
        assert service.prompt_token_seconds == pytest.approx(0.3 / 1500)

    def test_of_a_plan_that_says_nothing_can_still_be_calculated_with(self) -> None:
        empty = replace(
            OLD.predicted,
            time_to_first_token_milliseconds=0,
            time_per_output_token_microseconds=0,
            requests_per_minute_per_replica=0,
        )
        service = service_of(replace(OLD, predicted=empty, max_concurrent_requests=0), input_tokens=1500)
        load = Load(requests_per_second=5.0, input_tokens=1500, output_tokens=300)
        limits = Limits(first_token_seconds=2.0, token_seconds=math.inf, attainment=0.95)
        assert needed(service, load, limits) >= 1
        assert service.work_seconds(input_tokens=1500, output_tokens=300) > 0

    def test_of_both_needs_about_as_many(self) -> None:
        load = Load(requests_per_second=20.0, input_tokens=1500, output_tokens=300)
        limits = Limits(first_token_seconds=5.0, token_seconds=0.06, attainment=0.95)
        new, old = (needed(service_of(plan, input_tokens=1500), load, limits) for plan in (NEW, OLD))
        assert new / 2 <= old <= new * 3


@pytest.mark.parametrize(("shared", "uncached"), [(0, 1.0), (90, 0.1)])
def test_of_a_prompt_only_what_no_cache_holds_is_read(shared: int, uncached: float) -> None:
    workload = {"requestsPerMinute": 60, "inputTokens": 5000, "outputTokens": 300, "sharedPrefixPercent": shared}
    terms = bound(workload=workload)
    assert terms.uncached_share == pytest.approx(uncached)
    assert terms.input_tokens == pytest.approx(5000 * uncached)
