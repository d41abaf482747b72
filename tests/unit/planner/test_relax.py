"""Relaxations: which changes are tried, that the smallest is told, and that what is told works."""

from collections.abc import Mapping
from typing import Any

import pytest

from gemma4_operator.planner.ask import IMAGE_TOKENS
from gemma4_operator.planner.plan import Plan, Rejection, Relaxation
from gemma4_operator.planner.relax import Try, applied, relaxations
from tests.unit.planner.plans import a_plan

NOTHING = Rejection(reason="Infeasible", message="Nothing serves this.")


def works_if(condition: Any) -> Try:
    """A choice that works once a spec meets a condition."""

    def attempt(spec: Mapping[str, Any]) -> Plan | Rejection | None:
        return a_plan() if condition(spec) else NOTHING

    return attempt


def told(spec: Mapping[str, Any], condition: Any) -> dict[str, Any]:
    return {one.field: one.value for one in relaxations(spec, works_if(condition))}


def test_the_smallest_price_limit_that_works_is_at_most_a_quarter_too_high() -> None:
    spec = {"objectives": {"maximumHourlyCost": "1.00"}}
    found = told(spec, lambda it: float(it.get("objectives", {}).get("maximumHourlyCost", "0")) >= 7.31)
    assert 7.31 <= float(found["spec.objectives.maximumHourlyCost"]) <= 7.31 * 1.25


@pytest.mark.parametrize(
    ("section", "name", "asked", "enough"),
    [
        ("objectives", "timePerOutputTokenMilliseconds", 60, 61),
        ("objectives", "timePerOutputTokenMilliseconds", 60, 74),
        ("objectives", "timeToFirstTokenMilliseconds", 200, 9000),
        ("workload", "requestsPerMinute", 120, 117),
        ("workload", "requestsPerMinute", 9000, 1),
    ],
)
def test_a_number_that_works_is_told_within_a_hundredth(section: str, name: str, asked: int, enough: int) -> None:
    spec = {"model": {"variant": "31B"}, section: {name: asked}}
    found = told(spec, lambda it: (it[section].get(name, enough) - enough) * (enough - asked) >= 0)
    value = found[f"spec.{section}.{name}"]
    assert abs(value - enough) <= 0.01 * enough
    assert (value - enough) * (enough - asked) >= 0, "it works"


def test_the_least_of_money_can_be_raised_too() -> None:
    spec = {"model": {"variant": "31B"}, "objectives": {"maximumHourlyCost": "0.0001"}}
    found = told(spec, lambda it: float(it["objectives"]["maximumHourlyCost"]) >= 3)
    assert 3 <= float(found["spec.objectives.maximumHourlyCost"]) <= 3 * 1.25


def test_each_of_two_changes_is_the_smallest_beside_the_other() -> None:
    spec = {
        "model": {"variant": "31B"},
        "objectives": {"maximumHourlyCost": "1.00", "timePerOutputTokenMilliseconds": 20},
    }

    def both(it: Mapping[str, Any]) -> bool:
        objectives = it["objectives"]
        milliseconds = objectives.get("timePerOutputTokenMilliseconds", 60_000)
        return bool(milliseconds >= 30 and float(objectives["maximumHourlyCost"]) >= 5)

    found = told(spec, both)
    assert found["spec.objectives.timePerOutputTokenMilliseconds"] == 30
    assert 5 <= float(found["spec.objectives.maximumHourlyCost"]) <= 5 * 1.25


def test_what_the_plan_costs_is_the_limit_that_is_told() -> None:
    spec = {"objectives": {"maximumHourlyCost": "1.00"}, "placement": {"maximumGPUs": 1}}

    def attempt(it: Mapping[str, Any]) -> Plan | Rejection:
        enough = float(it["objectives"]["maximumHourlyCost"]) >= 7.31 or it["placement"]["maximumGPUs"] >= 3
        return a_plan(hourly_cost="7.31", replicas=3, gpus_per_replica=1) if enough else NOTHING

    found = {one.field: one.value for one in relaxations(spec, attempt)}
    assert found["spec.objectives.maximumHourlyCost"] == "7.31"
    assert found["spec.placement.maximumGPUs"] == 3


def test_the_longest_context_that_fits_is_told() -> None:
    spec = {"capabilities": {"contextTokens": 200000}}
    found = told(spec, lambda it: it["capabilities"]["contextTokens"] <= 40000)
    assert found == {"spec.capabilities.contextTokens": 32768}


@pytest.mark.parametrize(
    ("workload", "most", "told_size"),
    [
        ({}, 2000, 2048),
        ({"inputTokens": 3000, "outputTokens": 400}, 40000, 32768),
        ({"inputTokens": 3000, "outputTokens": 400}, 4100, 4096),
        ({"inputTokens": 3000, "outputTokens": 400, "imagesPerRequest": 8}, 9000, 8192),
    ],
)
def test_a_context_stays_long_enough_for_a_usual_request(workload: dict[str, int], most: int, told_size: int) -> None:
    """A shorter one would make the spec invalid, and with it the whole field was never told."""
    spec = {"capabilities": {"contextTokens": 262144}, "workload": {"requestsPerMinute": 1, **workload}}
    usual = IMAGE_TOKENS * workload.get("imagesPerRequest", 0)
    usual += workload.get("inputTokens", 1500) + workload.get("outputTokens", 300)

    def attempt(it: Mapping[str, Any]) -> Plan | Rejection | None:
        context = it["capabilities"]["contextTokens"]
        if context < usual:
            return None
        return a_plan() if context <= max(most, usual) + 500 else NOTHING

    found = {one.field: one.value for one in relaxations(spec, attempt)}
    assert found == {"spec.capabilities.contextTokens": told_size}


def test_a_context_that_is_shorter_than_a_usual_request_is_raised() -> None:
    workload = {"requestsPerMinute": 1, "imagesPerRequest": 30}
    spec = {"model": {"variant": "31B"}, "capabilities": {"contextTokens": 8192}, "workload": workload}
    usual = 30 * IMAGE_TOKENS + 1500 + 300
    found = told(spec, lambda it: it["capabilities"]["contextTokens"] >= usual)
    assert found == {"spec.capabilities.contextTokens": 11264}


@pytest.mark.parametrize(
    ("section", "name", "value", "instead"),
    [
        ("engine", "type", "Ollama", "Auto"),
        ("engine", "image", "registry.example.com/vllm-openai:v0.27.1", None),
        ("model", "drafter", True, None),
        ("model", "adapters", [{"name": "a"}], None),
    ],
)
def test_what_only_some_engines_serve_may_be_given_up(section: str, name: str, value: Any, instead: Any) -> None:
    spec = {"model": {"variant": "31B"}}
    spec[section] = {**spec.get(section, {}), name: value}
    assert told(spec, lambda it: it[section].get(name) == instead) == {f"spec.{section}.{name}": instead}


def test_values_are_told_as_a_resource_has_them() -> None:
    spec = {"model": {"variant": "31B"}, "capabilities": {"modalities": ["Text", "Image", "Audio"]}}
    messages = [one.message for one in relaxations(spec, works_if(lambda it: it != spec))]
    assert any("set `spec.placement.allowSharedGPUs` to true:" in message for message in messages)
    assert any('set `spec.capabilities.modalities` to ["Text", "Audio"]:' in message for message in messages)


def test_the_highest_quality_that_works_is_told() -> None:
    spec = {"objectives": {"minimumQuality": "Highest"}}
    found = told(spec, lambda it: it["objectives"]["minimumQuality"] in ("Standard", "Basic"))
    assert found == {"spec.objectives.minimumQuality": "Standard"}


def test_auto_has_a_floor_that_can_be_lowered_though_nobody_wrote_it() -> None:
    found = told({}, lambda it: it.get("objectives", {}).get("minimumQuality") == "Basic")
    assert found == {"spec.objectives.minimumQuality": "Basic"}


def test_a_deadline_that_no_longer_one_would_save_may_be_dropped() -> None:
    spec = {"model": {"variant": "31B"}, "objectives": {"timeToFirstTokenMilliseconds": 10}}
    found = told(spec, lambda it: "timeToFirstTokenMilliseconds" not in it["objectives"])
    assert found == {"spec.objectives.timeToFirstTokenMilliseconds": None}


def test_each_field_that_helps_is_told_once() -> None:
    spec = {
        "model": {"variant": "31B", "quantization": "BF16"},
        "placement": {"gpuProducts": ["NVIDIA-L4"], "gpusPerReplica": 1},
    }
    found = told(spec, lambda it: it != spec)
    assert list(found) == [
        "spec.capabilities.contextTokens",
        "spec.placement.gpuProducts",
        "spec.placement.gpusPerReplica",
        "spec.placement.allowSharedGPUs",
        "spec.model.quantization",
        "spec.model.variant",
    ]


def test_two_changes_are_told_where_none_helps_alone() -> None:
    spec = {"model": {"variant": "31B"}, "objectives": {"maximumHourlyCost": "1.00", "allowedLicences": ["MIT"]}}

    def both(it: Mapping[str, Any]) -> bool:
        objectives = it.get("objectives", {})
        return "allowedLicences" not in objectives and float(objectives["maximumHourlyCost"]) > 100

    found = relaxations(spec, works_if(both))
    assert {one.field for one in found} == {"spec.objectives.maximumHourlyCost", "spec.objectives.allowedLicences"}
    assert all("together" in one.message for one in found)
    assert isinstance(works_if(both)(applied(spec, *found)), Plan)


def test_where_nothing_helps_nothing_is_told() -> None:
    assert relaxations({"model": {"variant": "31B"}}, works_if(lambda it: False)) == ()


def test_a_change_that_makes_the_spec_invalid_is_no_help() -> None:
    assert relaxations({}, lambda spec: None) == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Relaxation(field="spec.a.b", value=1, message=""), {"a": {"b": 1, "c": 2}}),
        (Relaxation(field="spec.a.c", value=None, message=""), {"a": {}}),
        (Relaxation(field="spec.d.e", value="x", message=""), {"a": {"c": 2}, "d": {"e": "x"}}),
    ],
)
def test_a_change_touches_its_field_alone(change: Relaxation, expected: dict[str, Any]) -> None:
    spec = {"a": {"c": 2}}
    assert applied(spec, change) == expected
    assert spec == {"a": {"c": 2}}
