"""The figures of one resource: what its spec and its status say, in base units, and nothing of what they do not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.runtime import families
from gemma4_operator.runtime.families import Family
from gemma4_operator.runtime.figures import UNKNOWN_REASON, figures, ready_reason
from gemma4_operator.status.reasons import Reason
from tests.cases.statuses import AUTOSCALING, FULL_PLAN, INFEASIBLE_PLAN, OLD_PLAN

READY = {"type": "Ready", "status": "True", "reason": "Ready"}
STATUS: dict[str, Any] = {
    "observedGeneration": 3,
    "conditions": [READY],
    "plan": FULL_PLAN,
    "replicas": 3,
    "readyReplicas": 2,
    "observed": {"template": "x", "loadSeconds": 81, "kvCacheTokens": 90_000, "predictedKvCacheTokens": 100_000},
}


def resource(status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """A resource as the API server stores it."""
    return {
        "metadata": {"namespace": "team", "name": "chat", "generation": 4},
        "spec": {"replicas": 3, **spec},
        "status": STATUS if status is None else status,
    }


def told(one: dict[str, Any]) -> dict[tuple[Any, ...], float]:
    """What is told, by name and labels."""
    found = [((figure.family.name, *figure.labels), figure.value) for figure in figures(one)]
    assert len(found) == len(dict(found)), "a series that is there twice fails the whole scrape"
    return dict(found)


@pytest.mark.parametrize(
    ("family", "labels", "value"),
    [
        (families.PLAN_INFO, ("31B", "FP8", "VLLM", "NVIDIA-L40S"), 1),
        (families.CONDITION, ("Ready", "Ready"), 1),
        (families.GENERATION, (), 4),
        (families.OBSERVED_GENERATION, (), 3),
        (families.DESIRED_REPLICAS, (), 3),
        (families.REPLICAS, (), 3),
        (families.READY_REPLICAS, (), 2),
        (families.GPUS, (), 3),
        (families.HOURLY_COST, ("USD",), 4.65),
        (families.PREDICTED_MEMORY_BYTES, ("weights",), 31500 * 2**20),
        (families.PREDICTED_MEMORY_BYTES, ("kv_cache",), 9000 * 2**20),
        (families.PREDICTED_MEMORY_BYTES, ("activations",), 1100 * 2**20),
        (families.PREDICTED_MEMORY_BYTES, ("other",), 1400 * 2**20),
        (families.GPU_MEMORY_BYTES, (), 46068 * 2**20),
        (families.PREDICTED_CACHE_TOKENS, (), 100_000),
        (families.CACHE_TOKENS, (), 90_000),
        (families.PREDICTED_LOAD_SECONDS, (), 75),
        (families.LOAD_SECONDS, (), 81),
        (families.PREDICTED_FIRST_TOKEN_SECONDS, (), 0.64),
        (families.PREDICTED_OUTPUT_TOKEN_SECONDS, (), 0.043),
    ],
)
def test_a_field_of_the_status_is_a_figure_in_base_units(family: Family, labels: tuple[str, ...], value: float) -> None:
    assert told(resource())[family.name, *labels] == pytest.approx(value)


def test_objectives_are_figures_with_the_share_that_the_api_takes_without_a_word() -> None:
    found = told(resource(objectives={"timeToFirstTokenMilliseconds": 1500, "timePerOutputTokenMilliseconds": 40}))
    assert found[families.OBJECTIVE_SECONDS.name, "first_token"] == 1.5
    assert found[families.OBJECTIVE_SECONDS.name, "output_token"] == 0.04
    assert found[families.OBJECTIVE_ATTAINMENT.name,] == 0.95
    stricter = told(resource(objectives={"timeToFirstTokenMilliseconds": 1500, "attainmentPercent": 99}))
    assert stricter[families.OBJECTIVE_ATTAINMENT.name,] == 0.99
    assert (families.OBJECTIVE_ATTAINMENT.name,) not in told(resource(objectives={"optimizeFor": "Cost"}))


def test_where_the_operator_scales_its_own_number_is_the_desired_one_and_what_limits_it_is_told() -> None:
    scaled = resource(STATUS | {"autoscaling": AUTOSCALING | {"desiredReplicas": 5}}, autoscaling={"maxReplicas": 5})
    found = told(scaled)
    assert found[families.DESIRED_REPLICAS.name,] == 5
    assert found[families.SCALING_LIMITED.name, "spec.autoscaling.maxReplicas"] == 1
    undecided = told(resource(STATUS, autoscaling={"maxReplicas": 5}))
    assert (families.DESIRED_REPLICAS.name,) not in undecided


def test_cost_and_gpus_follow_the_pods_that_exist() -> None:
    found = told(resource(STATUS | {"replicas": 1, "plan": FULL_PLAN | {"gpusPerReplica": 2}}))
    assert found[families.GPUS.name,] == 2
    assert found[families.HOURLY_COST.name, "USD"] == 1.55


@pytest.mark.parametrize("state", ["False", "Unknown"])
def test_a_condition_that_does_not_hold_is_0_with_its_reason(state: str) -> None:
    stuck = READY | {"status": state, "reason": "InsufficientGPU"}
    assert told(resource({"conditions": [stuck]}))[families.CONDITION.name, "Ready", "InsufficientGPU"] == 0


@pytest.mark.parametrize("status", [{}, {"plan": INFEASIBLE_PLAN}], ids=["new", "nothing-serves-it"])
def test_without_a_plan_nothing_is_said_of_one(status: dict[str, Any]) -> None:
    names = {name for name, *_ in told(resource(status))}
    assert names == {families.GENERATION.name, families.DESIRED_REPLICAS.name}


def test_a_plan_of_an_older_operator_has_fewer_figures_and_none_is_0() -> None:
    names = {name for name, *_ in told(resource({"plan": OLD_PLAN, "replicas": 2}))}
    assert families.PLAN_INFO.name in names
    assert families.GPUS.name in names
    assert not {families.HOURLY_COST.name, families.PREDICTED_LOAD_SECONDS.name} & names


def test_labels_are_bounded_whatever_somebody_writes_into_a_status() -> None:
    strange = [{"type": "Mine", "status": "True", "reason": "Ready"}, READY | {"reason": "0123456789"}]
    conditions = [name for name in told(resource({"conditions": strange})) if name[0] == families.CONDITION.name]
    assert conditions == [(families.CONDITION.name, "Ready", UNKNOWN_REASON)]
    assert UNKNOWN_REASON not in set(Reason)


@pytest.mark.parametrize(
    "status",
    [
        {"conditions": "none", "plan": [], "replicas": "many", "observed": 3},
        {"conditions": [None, 1], "plan": {"variant": None, "memory": 4}, "replicas": True, "autoscaling": "no"},
    ],
)
def test_a_status_that_makes_no_sense_is_survived(status: dict[str, Any]) -> None:
    """The API server refuses such a one today; a scrape must not hang on that."""
    assert (families.REPLICAS.name,) not in told(resource(status))


FIELDS = st.sampled_from(
    [
        *("conditions", "type", "status", "reason", "plan", "variant", "memory", "weightsMiB", "replicas"),
        *("autoscaling", "limitedBy", "hourlyCostPerReplica", "currency", "observed", "loadSeconds", "objectives"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400) | st.just("Ready"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(FIELDS, VALUES), st.dictionaries(FIELDS, VALUES))
def test_no_resource_whatever_it_holds_ends_a_scrape(spec: dict[str, Any], status: dict[str, Any]) -> None:
    one = {"metadata": {"namespace": "team", "name": "chat"}, "spec": spec, "status": status}
    for figure in figures(one):
        assert len(figure.labels) == len(figure.family.labels)
        assert isinstance(figure.value, float)
    ready_reason(one)


@pytest.mark.parametrize(
    ("conditions", "reason"),
    [
        ([READY], "Ready"),
        ([READY | {"reason": "X"}], UNKNOWN_REASON),
        ([{"type": "Planned", "reason": "Planned"}], None),
    ],
)
def test_what_a_resource_is_counted_under(conditions: list[dict[str, Any]], reason: str | None) -> None:
    assert ready_reason({"status": {"conditions": conditions}}) == reason
