"""Plans in the status: written in full, read back to the byte, and whatever cannot be read is chosen anew."""

from dataclasses import replace
from typing import Any

import pytest

from gemma4_operator.engines.base import ClaimWeights, HuggingFaceWeights, OllamaWeights
from gemma4_operator.planner.origin import read_weights, written
from gemma4_operator.planner.plan import INFEASIBLE, Plan, Rejection, Relaxation
from gemma4_operator.planner.record import record, record_rejection, restore
from tests.rendering import CLAIM, LLAMA_CPP, OLLAMA, ONE_OF_EACH, VLLM, plan_of, spec_of, with_fields
from tests.unit.planner.plans import a_plan


def planned(data: dict[str, Any]) -> Plan:
    plan = plan_of(data)
    assert isinstance(plan, Plan), plan
    return plan


def status_of(data: dict[str, Any]) -> dict[str, Any]:
    return record(planned(data)).to_json()


class TestRoundTrip:
    @pytest.mark.parametrize("case", ONE_OF_EACH)
    def test_weights_of_every_kind_come_back(self, case: str) -> None:
        data = ONE_OF_EACH[case]
        assert restore(status_of(data), spec_of(data)) == planned(data)

    def test_so_do_slices_loads_and_notes(self) -> None:
        data = {
            "workload": {"requestsPerMinute": 5000},
            "placement": {"gpuProducts": ["NVIDIA-L40S"]},
            "objectives": {"timeToFirstTokenMilliseconds": 3000},
        }
        plan = planned(data)
        assert plan.notes
        assert restore(record(plan).to_json(), spec_of(data)) == plan

    def test_a_version_that_is_only_a_digest_has_room(self) -> None:
        data = with_fields(VLLM, engine={"image": f"registry.example.com/vllm@sha256:{'a' * 64}"})
        assert restore(status_of(data), spec_of(data)) == planned(data)

    def test_the_count_and_product_stand_in_one_column(self) -> None:
        assert record(a_plan(gpus_per_replica=2)).gpu == "2x NVIDIA-H200"

    def test_what_is_empty_is_not_written(self) -> None:
        written_plan = record(a_plan(notes=(), alternatives=())).to_json()
        assert "notes" not in written_plan
        assert "alternatives" not in written_plan
        assert "relaxations" not in written_plan


class TestStillTheOne:
    def test_scaling_is_no_reason_to_choose_anew(self) -> None:
        assert restore(status_of(VLLM), spec_of(with_fields(VLLM, replicas=7))) is not None

    @pytest.mark.parametrize(
        "change",
        [
            {"endpoint": {"port": 80}},
            {"secrets": {"apiKey": {"name": "a", "key": "b"}}},
            {"disruption": {"minAvailablePercent": 0}},
            {"podTemplatePatch": {"metadata": {"labels": {"a": "b"}}}},
            {"suspend": True},
        ],
    )
    def test_nor_is_what_does_not_shape_it(self, change: dict[str, Any]) -> None:
        assert restore(status_of(VLLM), spec_of(with_fields(VLLM, **change))) is not None

    @pytest.mark.parametrize(
        "change",
        [
            {"model": {"quantization": "BF16"}},
            {"capabilities": {"contextTokens": 16384}},
            {"workload": {"requestsPerMinute": 5}},
            {"objectives": {"maximumHourlyCost": "99"}},
            {"engine": {"image": "registry.example.com/vllm:v0.33.0"}},
            {"placement": {"gpusPerReplica": 2}},
        ],
    )
    def test_what_shapes_it_is(self, change: dict[str, Any]) -> None:
        assert restore(status_of(VLLM), spec_of(with_fields(VLLM, **change))) is None

    def test_saying_a_default_aloud_changes_nothing(self) -> None:
        aloud = with_fields(VLLM, objectives={"optimizeFor": "Cost"}, capabilities={"contextTokens": 8192})
        assert restore(status_of(VLLM), spec_of(aloud)) == planned(VLLM)

    def test_a_plan_of_an_older_catalogue_stays_as_it_was(self) -> None:
        old = replace(planned(VLLM), image="docker.io/vllm/vllm-openai:v0.30.0", engine_version="0.30.0")
        assert restore(record(old).to_json(), spec_of(VLLM)) == old


LATER = {"stepMicroseconds", "sequenceNanoseconds", "promptTokenNanoseconds"}


class TestOlderOperators:
    def test_their_plans_stay_although_they_say_less_of_speed(self) -> None:
        full = status_of(VLLM)
        less = {key: value for key, value in full["predicted"].items() if key not in LATER}
        assert less.keys() < full["predicted"].keys()
        found = restore({**full, "predicted": less}, spec_of(VLLM))
        assert found is not None
        assert found.predicted.step_microseconds == 0
        assert record(found).to_json()["predicted"] == less


class TestWhatCannotBeRead:
    @pytest.mark.parametrize("case", ["vllm", "llama.cpp"])
    def test_without_any_one_field_that_is_needed_it_is_chosen_anew(self, case: str) -> None:
        data = ONE_OF_EACH[case]
        full = status_of(data)
        told_only = {"alternatives", "notes", "licences", "gpu", "nodeLabels"}
        for name in sorted(full.keys() - told_only):
            assert restore({key: value for key, value in full.items() if key != name}, spec_of(data)) is None, name

    @pytest.mark.parametrize("part", ["memory", "predicted"])
    def test_nor_with_a_part_of_a_part(self, part: str) -> None:
        full = status_of(VLLM)
        for name in full[part].keys() - LATER:
            less = {key: value for key, value in full[part].items() if key != name}
            assert restore({**full, part: less}, spec_of(VLLM)) is None, name

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("variant", "E9"),
            ("quantization", "FP3"),
            ("engine", "Best"),
            ("checkpoint", "somewhere"),
            ("weightsBytes", -1),
            ("gpusPerReplica", "two"),
            ("gpusPerReplica", 0),
            ("maxBatchedTokens", 0),
            ("maxConcurrentRequests", 0),
            ("memory", []),
            ("alternatives", [{"variant": "31B"}]),
            ("alternatives", {}),
            ("notes", "text"),
            ("nodeLabels", [["a", "b"]]),
            ("nodeLabels", [{"name": "a b", "value": "c"}]),
            ("nodeLabels", [{"name": "a", "value": "x" * 64}]),
            ("nodeLabels", [{"name": "a", "value": "b"}, {"name": "a", "value": "c"}]),
            ("image", ""),
            ("image", "--privileged"),
            ("image", "a b"),
            ("gpuResource", "cpu"),
            ("gpuResource", "nvidia.com/gpu x"),
            ("gpusPerReplica", 17),
            ("kvCacheDtype", "int3"),
            ("quality", "Best"),
            ("hourlyCost", "cheap"),
            ("memoryUtilizationPercent", 101),
            ("hostMemoryMiB", 2**40),
            ("weightsBytes", 10**14),
            ("contextTokens", 4096),
            ("variant", "E2B"),
            ("engine", "Ollama"),
            ("quantization", "Q4_K_M"),
        ],
    )
    def test_nor_with_a_value_that_nobody_can_serve(self, name: str, value: Any) -> None:
        assert restore({**status_of(VLLM), name: value}, spec_of(VLLM)) is None

    @pytest.mark.parametrize("plan", [None, {}, [], "plan", 7, {"hash": None}])
    def test_nor_what_is_no_plan_at_all(self, plan: Any) -> None:
        assert restore(plan, spec_of(VLLM)) is None

    def test_fields_of_a_newer_operator_are_passed_over(self) -> None:
        assert restore({**status_of(VLLM), "novelty": {"a": 1}}, spec_of(VLLM)) == planned(VLLM)


class TestRejection:
    def test_without_anything_to_tell_the_condition_says_it_all(self) -> None:
        assert record_rejection(Rejection(reason=INFEASIBLE, message="No.")) is None

    def test_what_would_work_is_told_as_text(self) -> None:
        changes = (
            Relaxation(field="spec.placement.maximumGPUs", value=3, message="set it"),
            Relaxation(field="spec.objectives.allowedLicences", value=None, message="drop it"),
        )
        status = record_rejection(Rejection(reason=INFEASIBLE, message="No.", relaxations=changes))
        assert status is not None
        assert status.to_json()["relaxations"] == [
            {"field": "spec.placement.maximumGPUs", "value": "3", "message": "set it"},
            {"field": "spec.objectives.allowedLicences", "message": "drop it"},
        ]


class TestOrigin:
    @pytest.mark.parametrize(
        ("weights", "line"),
        [
            (HuggingFaceWeights(repository="a/b", revision="main"), "a/b@main"),
            (HuggingFaceWeights(repository="a/b", revision="refs/pr/1", file="c.gguf"), "a/b@refs/pr/1:c.gguf"),
            (ClaimWeights(claim_name="claim", path="x/y"), "claim:claim/x/y"),
            (OllamaWeights(name="gemma4", tag="31b"), "ollama:gemma4:31b"),
        ],
    )
    def test_each_kind_has_its_line(self, weights: Any, line: str) -> None:
        assert written(weights) == line
        if isinstance(weights, HuggingFaceWeights):
            assert read_weights(line) == weights

    @pytest.mark.parametrize("line", ["", "a/b", "a@main", "a/b@", "claim:claim/x", "ollama:gemma4:31b"])
    def test_what_is_no_repository_is_refused(self, line: str) -> None:
        with pytest.raises(ValueError, match="repository"):
            read_weights(line)


def test_the_users_own_weights_are_read_from_the_spec_not_from_the_line() -> None:
    for data in (CLAIM, OLLAMA, with_fields(LLAMA_CPP, model={"checkpoint": {"huggingFace": {"repository": "a/b"}}})):
        plan = restore({**status_of(data), "checkpoint": "edited"}, spec_of(data))
        assert plan is not None
        assert plan.weights == planned(data).weights
