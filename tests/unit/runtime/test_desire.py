"""The pure middle of a pass: from a raw resource to objects, or to the one problem."""

from dataclasses import replace
from typing import Any

import pytest

from gemma4_operator.api.read import read_deployment
from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.engines.base import HuggingFaceWeights
from gemma4_operator.engines.registry import engines
from gemma4_operator.planner.account import plan_hash
from gemma4_operator.planner.node_view import node_view
from gemma4_operator.planner.record import record
from gemma4_operator.planner.replan import Wrong
from gemma4_operator.planner.replicas import NOTHING_RUNS, Count, Scale
from gemma4_operator.planner.uses import Use
from gemma4_operator.runtime.desire import Desire, Desires, desire
from gemma4_operator.status.reasons import Reason
from tests.cluster.fakenodes import fake_gpu_node

NODES = (node_view(fake_gpu_node("one", product="NVIDIA-L40S", count=4, memory_mib=46068)),)


def resource(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "gemma4.dev/v1alpha1",
        "kind": "Gemma4Deployment",
        "metadata": {"namespace": "team", "name": "chat", "uid": "u", "generation": 1, "resourceVersion": "1"},
        "spec": {"model": {"variant": "E2B", "quantization": "Q4_K_M"}, **spec},
    }


def wanted(raw: dict[str, Any], scale: Scale = NOTHING_RUNS) -> Desire:
    return desire(raw, catalog=builtin_catalog(), engines=engines(), nodes=NODES, scale=scale)


def test_a_good_resource_becomes_three_objects() -> None:
    result = wanted(resource())
    assert [obj["kind"] for obj in result.objects] == ["Deployment", "Service", "PodDisruptionBudget"]
    assert result.problem is None
    assert result.plan is not None


def test_the_same_resource_becomes_the_same_objects() -> None:
    assert wanted(resource()) == wanted(resource())


def test_a_plan_that_is_scaled_beyond_its_budget_changes_nothing() -> None:
    """The plan stays when replicas change, and so do its limits."""
    raw = resource(placement={"maximumGPUs": 2})
    plan = wanted(raw).plan
    assert plan is not None
    raw["status"] = {"plan": record(plan).model_dump(mode="json", by_alias=True, exclude_none=True)}
    raw["spec"]["replicas"] = 3
    scaled = wanted(raw)
    assert (scaled.plan, scaled.objects) == (plan, ())
    assert scaled.problem is not None
    assert (scaled.problem.reason, scaled.problem.planned) == (Reason.OVER_BUDGET, True)
    assert "`spec.placement.maximumGPUs` is 2: run at most 2" in scaled.problem.message


@pytest.mark.parametrize(
    ("spec", "reason", "path", "planned"),
    [
        ({"model": {"variant": "E9", "quantization": "BF16"}}, Reason.INVALID_SPEC, "spec.model.variant", False),
        ({"unknown": 1}, Reason.INVALID_SPEC, "spec.unknown", False),
        ({"engine": {"type": "VLLM"}}, Reason.INVALID_SPEC, "spec.engine.type", False),
        ({"model": {"variant": "12B", "quantization": "Q4_0"}}, Reason.NO_CHECKPOINT, "spec.model", False),
        (
            {"podTemplatePatch": {"spec": {"hostNetwork": True}}},
            Reason.INVALID_SPEC,
            "spec.podTemplatePatch.spec.hostNetwork",
            True,
        ),
    ],
)
def test_what_is_wrong_becomes_a_problem_that_names_the_field(
    spec: dict[str, Any], reason: Reason, path: str, planned: bool
) -> None:
    result = wanted(resource(**spec))
    assert result.problem is not None
    assert (result.problem.reason, result.problem.planned) == (reason, planned)
    assert path in result.problem.message
    assert result.objects == ()


@pytest.mark.parametrize("spec", [None, [], "text", 7, {"model": []}, {"model": "E2B"}])
def test_no_document_is_a_traceback(spec: Any) -> None:
    raw = resource() | {"spec": spec}
    result = wanted(raw)
    assert result.problem is not None
    assert result.problem.message.startswith("spec")


@pytest.mark.parametrize("status", [None, {"plan": None}, {"plan": []}, {"plan": "a"}, {"plan": {"hash": 7}}])
def test_a_status_without_a_plan_of_any_form_is_one_without_a_plan(status: Any) -> None:
    raw = resource() | {"status": status}
    assert wanted(raw).plan == wanted(resource()).plan
    desires = Desires(catalog=builtin_catalog(), engines=engines(), nodes=lambda: NODES)
    assert desires.must_choose(raw)
    assert desires.of(raw).plan is not None


def changed(raw: dict[str, Any], *, generation: int, **spec: Any) -> dict[str, Any]:
    return {**raw, "metadata": {**raw["metadata"], "generation": generation}, "spec": {**raw["spec"], **spec}}


def told_of(made: Desire) -> dict[str, Any]:
    assert made.plan is not None
    return resource() | {"status": {"plan": record(made.plan).to_json()}}


def test_a_desire_is_worked_out_once_for_each_generation() -> None:
    desires = Desires(catalog=builtin_catalog(), engines=engines(), nodes=lambda: NODES)
    first = desires.of(resource())
    told = told_of(first)
    assert desires.of(told) is first
    second = desires.of(changed(told, generation=2, replicas=5))
    assert second.spec is not None
    assert second.spec.replicas == 5


def test_a_resource_that_takes_the_name_of_another_is_another() -> None:
    desires = Desires(catalog=builtin_catalog(), engines=engines(), nodes=lambda: NODES)
    desires.of(resource())
    successor = resource(replicas=7)
    successor["metadata"] = {**successor["metadata"], "uid": "successor"}
    (deployment, *_) = desires.of(successor).objects
    assert deployment["spec"]["replicas"] == 7
    assert deployment["metadata"]["ownerReferences"][0]["uid"] == "successor"


def test_what_is_forgotten_is_worked_out_anew() -> None:
    desires = Desires(catalog=builtin_catalog(), engines=engines(), nodes=lambda: NODES)
    first = desires.of(resource())
    desires.forget("u")
    assert desires.of(resource()) is not first


def test_a_node_that_is_not_understood_is_named_where_no_other_has_gpus() -> None:
    mute = fake_gpu_node("mute", product="NVIDIA-X900", count=1, memory_mib=1)
    del mute["metadata"]["labels"]["nvidia.com/gpu.memory"]
    result = desire(resource(), catalog=builtin_catalog(), engines=engines(), nodes=(node_view(mute),))
    assert result.problem is not None
    assert result.problem.reason is Reason.NO_GPUS
    assert "Node 'mute' offers nvidia.com/gpu" in result.problem.message


def test_gpus_that_others_have_are_passed_over() -> None:
    """The cheaper L4 is in use; a resource with a plan is not asked again."""
    cheap = node_view(fake_gpu_node("cheap", product="NVIDIA-L4", count=1, memory_mib=23034, compute=(8, 9)))
    desires = Desires(catalog=builtin_catalog(), engines=engines(), nodes=lambda: (*NODES, cheap))
    assert desires.must_choose(resource())
    made = desires.choose(resource(), [Use("cheap", "nvidia.com/gpu", 1)], (*NODES, cheap))
    assert made.plan is not None
    assert made.plan.gpu_product == "NVIDIA-L40S"
    assert not desires.must_choose(told_of(made))
    assert desires.of(told_of(made)) is made


def test_whoever_deletes_the_plan_from_the_status_asks_for_another_choice() -> None:
    nodes = list(NODES)
    desires = Desires(catalog=builtin_catalog(), engines=engines(), nodes=lambda: tuple(nodes))
    made = desires.of(resource())
    nodes.append(node_view(fake_gpu_node("cheap", product="NVIDIA-L4", count=1, memory_mib=23034, compute=(8, 9))))
    assert desires.of(told_of(made)) is made
    assert desires.must_choose(resource())
    again = desires.of(resource())
    assert again.plan is not None
    assert again.plan.gpu_product == "NVIDIA-L4"


def test_a_plan_that_another_leader_wrote_is_taken_over() -> None:
    one, other = (Desires(catalog=builtin_catalog(), engines=engines(), nodes=lambda: NODES) for _ in range(2))
    one.of(resource())
    cheap = node_view(fake_gpu_node("cheap", product="NVIDIA-L4", count=1, memory_mib=23034, compute=(8, 9)))
    theirs = other.choose(resource(), (), (cheap,))
    assert one.of(told_of(theirs)).plan == theirs.plan


def test_a_leaner_plan_that_another_leader_wrote_is_taken_over_though_its_sentence_is_the_same() -> None:
    one, other = (Desires(catalog=builtin_catalog(), engines=engines(), nodes=lambda: NODES) for _ in range(2))
    first = one.of(resource())
    leaner = other.choose(told_of(first), (), NODES, wrong=Wrong.MEMORY)
    assert leaner.plan is not None
    assert leaner.plan.tries == 1
    assert one.of(told_of(leaner)).plan == leaner.plan


def replicas_of(made: Desire) -> int:
    (found,) = (obj["spec"]["replicas"] for obj in made.objects if obj["kind"] == "Deployment")
    assert made.count is not None
    assert made.count.replicas == found
    return int(found)


class TestAutoscaling:
    def test_a_new_resource_starts_with_the_least(self) -> None:
        assert replicas_of(wanted(resource(autoscaling={"minReplicas": 3, "maxReplicas": 9}))) == 3

    def test_what_is_decided_is_rendered_in_all_that_hangs_on_it(self) -> None:
        raw = resource(autoscaling={"maxReplicas": 9})
        made = wanted(raw, Scale(live=1, decided=8))
        assert replicas_of(made) == 8
        budget = next(obj for obj in made.objects if obj["kind"] == "PodDisruptionBudget")
        assert budget["spec"]["maxUnavailable"] == 4

    def test_the_plan_is_the_same_at_any_count(self) -> None:
        raw = resource(autoscaling={"maxReplicas": 9})
        assert wanted(raw, Scale(live=7)).plan == wanted(raw).plan

    def test_a_budget_holds_it_back_and_stops_nothing(self) -> None:
        raw = resource(autoscaling={"maxReplicas": 9}, placement={"maximumGPUs": 2})
        made = wanted(raw, Scale(live=2, decided=5))
        assert made.problem is None
        assert made.count == Count(replicas=2, limited_by="spec.placement.maximumGPUs")
        assert replicas_of(made) == 2

    def test_a_least_that_no_budget_allows_gets_no_plan_and_one_that_is_raised_later_is_held_down(self) -> None:
        within = {"placement": {"maximumGPUs": 2}}
        contradicted = wanted(resource(autoscaling={"minReplicas": 3, "maxReplicas": 9}, **within))
        assert contradicted.problem is not None
        assert contradicted.problem.reason is Reason.INFEASIBLE
        told = told_of(wanted(resource(autoscaling={"minReplicas": 1, "maxReplicas": 9}, **within)))
        raised = resource(autoscaling={"minReplicas": 3, "maxReplicas": 9}, **within) | {"status": told["status"]}
        assert replicas_of(wanted(raised, Scale(live=1))) == 2

    def test_a_count_is_told_where_nothing_can_be_planned(self) -> None:
        made = wanted(resource(autoscaling={"maxReplicas": 9}, placement={"gpuProducts": ["None"]}), Scale(live=4))
        assert (made.plan, made.count) == (None, Count(replicas=4))
        assert wanted(resource(unknown=1)).count is None

    def test_news_of_the_count_is_worked_out_without_a_choice(self) -> None:
        desires = Desires(catalog=builtin_catalog(), engines=engines(), nodes=lambda: NODES)
        raw = resource(autoscaling={"maxReplicas": 9})
        first = desires.of(raw)
        told = raw | {"status": told_of(first)["status"]}
        assert desires.of(told, NOTHING_RUNS) is first
        assert not desires.must_choose(told, Scale(live=1, decided=4))
        scaled = desires.of(told, Scale(live=1, decided=4))
        assert (replicas_of(first), replicas_of(scaled), scaled.plan) == (1, 4, first.plan)
        assert desires.of(told, Scale(live=1, decided=4)) is scaled

    def test_without_it_the_live_count_is_no_news(self) -> None:
        """Somebody who scales the Deployment is overruled, and nothing is rendered anew for it."""
        desires = Desires(catalog=builtin_catalog(), engines=engines(), nodes=lambda: NODES)
        first = desires.of(resource(replicas=2))
        told = resource(replicas=2) | {"status": told_of(first)["status"]}
        assert desires.of(told, Scale(live=7)) is first
        assert replicas_of(first) == 2


def test_a_plan_that_stands_is_not_judged_by_what_is_refused_since() -> None:
    """An older operator has planned known weights as something else: what runs stays until the spec changes."""
    checkpoint = {"huggingFace": {"repository": "google/gemma-4-31B-it"}}
    model = {"variant": "E2B", "quantization": "FP8", "checkpoint": checkpoint}
    before = wanted(resource(model={**model, "checkpoint": {"huggingFace": {"repository": "team/tuned"}}})).plan
    assert before is not None
    raw = resource(model=model)
    refused = wanted(raw)
    assert refused.problem is not None
    assert refused.problem.reason is Reason.INVALID_SPEC
    assert refused.objects == ()
    weights = HuggingFaceWeights(repository="google/gemma-4-31B-it", revision="main")
    stood = replace(before, weights=weights, hash=plan_hash(read_deployment(raw).spec))
    raw["status"] = {"plan": record(stood).model_dump(mode="json", by_alias=True, exclude_none=True)}
    kept = wanted(raw)
    assert (kept.plan, kept.problem, len(kept.objects)) == (stood, None, 3)


def test_a_claim_that_is_too_small_is_told_beside_a_plan_that_stands_until_it_is_mended() -> None:
    raw = resource()
    plan = wanted(raw).plan
    assert plan is not None
    raw["status"] = {"plan": record(plan).model_dump(mode="json", by_alias=True, exclude_none=True)}
    raw["spec"]["cache"] = {"claim": {"size": "1Gi"}}
    told = wanted(raw).plan
    assert told is not None
    assert "`spec.cache.claim.size` is 1Gi" in told.notes[0]
    assert replace(told, notes=plan.notes) == plan
    raw["status"] = {"plan": record(told).model_dump(mode="json", by_alias=True, exclude_none=True)}
    raw["spec"]["cache"] = {"claim": {"size": "10Gi"}}
    assert wanted(raw).plan == plan
