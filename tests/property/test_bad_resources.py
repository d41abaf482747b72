"""A thousand resources that nobody would write: each becomes objects, or one sentence that says what to correct."""

import copy
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gemma4_operator.api.read import InvalidResource, read_deployment
from gemma4_operator.planner.node_view import NodeView, node_view
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.record import record
from gemma4_operator.planner.uses import Use, uses_of
from gemma4_operator.render.labels import selector
from gemma4_operator.runtime.desire import Desire, Desires, desire
from gemma4_operator.status.project import Subject, project
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.rollout import rollout
from tests.fuzz.junk import EVERYTHING, damaged, nested
from tests.fuzz.resources import Fuzzed, Resource, resources
from tests.fuzz.schema import FIELDS, STATUS, closed
from tests.nodes import clusters
from tests.rendering import CATALOG, ENGINES, ONE_OF_EACH

RESOURCES = resources(1_050)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
NAMES_A_FIELD = ("spec", "metadata", "status", "apiVersion", "kind")
STATUS_SCHEMA = Draft202012Validator(closed(STATUS))


@cache
def fleet(name: str) -> tuple[tuple[NodeView, ...], tuple[Use, ...]]:
    objects = clusters()[name]
    pods = [one for one in objects if one["kind"] == "Pod"]
    return tuple(node_view(one) for one in objects if one["kind"] == "Node"), tuple(uses_of(pods))


FLEETS = tuple(clusters())


def stored(body: Resource, *, status: Any = None) -> Resource:
    """Return a resource with what the API server adds."""
    metadata = {"namespace": "team", "uid": "u", "generation": 1, "resourceVersion": "1"}
    more = {} if status is None else {"status": status}
    return {**body, "metadata": metadata | body["metadata"], **more}


def wanted(resource: Resource, fleet_name: str = "mixed-a100-l40s-h100") -> Desire:
    nodes, uses = fleet(fleet_name)
    return desire(resource, catalog=CATALOG, engines=ENGINES, nodes=nodes, uses=uses)


def status_of(resource: Resource, found: Desire) -> Resource:
    subject = Subject(
        namespace="team",
        name=resource["metadata"]["name"],
        generation=1,
        previous=resource.get("status") or {},
        spec=found.spec,
        wanted=found.count.replicas if found.count is not None else None,
        plan=found.plan,
        problem=found.problem,
        rejection=found.rejection,
        rollout=rollout(None),
        pods=(),
        selector=selector(resource["metadata"]["name"]),
    )
    return project(subject, now=NOW)


def assert_told(found: Desire) -> None:
    """Fail unless there are objects, or a sentence that a person can act on."""
    if found.problem is None:
        assert found.plan is not None
        assert {obj["kind"] for obj in found.objects} >= {"Deployment", "Service", "PodDisruptionBudget"}
        return
    message = found.problem.message
    assert not found.objects
    assert message.endswith((".", "...")), message
    assert message.isprintable(), message
    assert len(message) < 4096, message[:200]
    if found.problem.reason in (Reason.INVALID_SPEC, Reason.NO_CHECKPOINT, Reason.ENGINE_REFUSES):
        assert message.lstrip("`").startswith(NAMES_A_FIELD), message


@pytest.mark.parametrize("fleet_name", FLEETS)
def test_a_resource_of_any_kind_becomes_objects_or_a_sentence(fleet_name: str):
    """Each resource meets two clusters, so that all of them have met each sort of resource."""
    first = FLEETS.index(fleet_name)
    for number, one in enumerate(RESOURCES):
        if (number + first) % len(FLEETS) < 2:
            resource = stored(one.body)
            found = wanted(resource, fleet_name)
            assert_told(found)
            STATUS_SCHEMA.validate(status_of(resource, found))


def test_the_resources_are_neither_all_good_nor_all_bad_and_reach_every_field():
    bad = sum(refusal(one) is not None for one in RESOURCES)
    assert 0.2 * len(RESOURCES) < bad < 0.6 * len(RESOURCES)
    assert len(FIELDS) > 90
    assert {one.body["metadata"]["name"] for one in RESOURCES} == {one.name for one in RESOURCES}
    assert resources(20) == RESOURCES[:20]
    assert [one.body for one in resources(20, seed=7)] != [one.body for one in RESOURCES[:20]]


def refusal(one: Fuzzed) -> str | None:
    try:
        read_deployment(one.body)
    except InvalidResource as error:
        return str(error)
    return None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(EVERYTHING),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(spec=JSON)
def test_no_spec_at_all_breaks_a_pass(spec: Any):
    resource = stored({"apiVersion": "gemma4.dev/v1alpha1", "kind": "Gemma4Deployment", "metadata": {"name": "a"}})
    found = wanted(resource | {"spec": spec})
    assert_told(found)
    STATUS_SCHEMA.validate(status_of(resource, found))


@given(field=st.sampled_from(FIELDS), value=JSON, base=st.sampled_from(sorted(ONE_OF_EACH)))
def test_no_value_of_any_field_breaks_a_pass(field: Any, value: Any, base: str):
    body = {"apiVersion": "gemma4.dev/v1alpha1", "kind": "Gemma4Deployment", "metadata": {"name": "a"}}
    resource = stored(body | {"spec": copy.deepcopy(ONE_OF_EACH[base])})
    put_anyway(resource, field.place, value)
    assert_told(wanted(resource))


def put_anyway(resource: Resource, place: tuple[str, ...], value: Any) -> None:
    holder = resource["spec"]
    for step in place[:-1]:
        if not isinstance(holder.get(step), dict):
            holder[step] = {}
        holder = holder[step]
    holder[place[-1]] = value


@pytest.mark.parametrize("levels", [30, 31, 190])
def test_a_patch_without_end_is_refused_and_one_of_any_sense_is_not(levels: int):
    patch = {"spec": {"dnsConfig": nested(levels)}}
    found = wanted(stored(body_of("vllm") | {"spec": {**ONE_OF_EACH["vllm"], "podTemplatePatch": patch}}))
    assert (found.problem is None) == (levels <= 30)
    if found.problem is not None:
        assert found.problem.message == "spec.podTemplatePatch: must have at most 32 levels of nesting."


def body_of(base: str) -> Resource:
    return {
        "apiVersion": "gemma4.dev/v1alpha1",
        "kind": "Gemma4Deployment",
        "metadata": {"name": "chat"},
        "spec": ONE_OF_EACH[base],
    }


class TestStatusesOfOthers:
    """What stands in a status may come from an older operator, a newer one, or a hand."""

    @pytest.mark.parametrize("base", ONE_OF_EACH)
    def test_a_damaged_plan_is_kept_as_it_is_told_or_chosen_anew(self, base: str):
        plan = chosen(base)
        written = record(plan).to_json()
        kept = 0
        for number in range(100):
            chance = Random(f"{base}/{number}")
            damage = damaged({"plan": written}, chance, times=chance.choice((1, 1, 2, 5)))
            found = wanted(stored(body_of(base), status=damage))
            assert found.problem is None, found.problem
            assert found.plan is not None
            assert_makes_sense(found.plan, like=plan)
            kept += found.plan != plan
        assert kept, "no damage was small enough to be kept, so this says little"

    @pytest.mark.parametrize("value", EVERYTHING, ids=lambda value: repr(value)[:20])
    def test_no_status_and_no_plan_of_any_shape_breaks_a_pass(self, value: Any):
        in_its_place = wanted(stored(body_of("vllm"), status={"plan": value}))
        assert in_its_place.plan == chosen("vllm")
        assert_told(wanted(stored(body_of("vllm")) | {"status": value}))
        desires = Desires(catalog=CATALOG, engines=ENGINES, nodes=lambda: fleet("l4-fleet")[0])
        for resource in (stored(body_of("vllm"), status={"plan": value}), stored(body_of("vllm")) | {"status": value}):
            desires.must_choose(resource)
            desires.of(resource)
            desires.must_choose(resource)


def chosen(base: str) -> Plan:
    plan = wanted(stored(body_of(base))).plan
    assert plan is not None
    return plan


def assert_makes_sense(found: Plan, *, like: Plan) -> None:
    """Fail for a plan of which pods would be made that nobody chose and no API server takes."""
    same = ("variant", "quantization", "engine", "weights", "context_tokens", "hash")
    assert [getattr(found, name) for name in same] == [getattr(like, name) for name in same]
    assert found.image.isascii()
    assert " " not in found.image
    assert found.gpu_resource.startswith(("nvidia.com/gpu", "nvidia.com/mig-"))
    assert 1 <= found.gpus_per_replica <= 16
    assert found.kv_dtype in {"bf16", "fp8", "q8_0"}
    assert 0 <= found.memory_utilization_percent <= 100
    assert all(name and len(value) <= 63 for name, value in found.node_labels)
