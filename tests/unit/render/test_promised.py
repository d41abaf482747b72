"""What no patch takes from a plan: its count of GPUs and their kind; and whose container is whose."""

from typing import Any

import pytest

from gemma4_operator.render.patch import PatchError
from tests.rendering import LLAMA_CPP, OLLAMA, ONE_OF_EACH, VLLM, Rendered, walk, with_fields

GPU = "nvidia.com/gpu"
BUDGET = {
    "model": {"variant": "31B", "quantization": "FP8"},
    "placement": {"maximumGPUs": 1},
    "objectives": {"maximumHourlyCost": "9.00"},
}
HELPER = {"name": "helper", "image": "registry.test/helper:1"}


def patched(spec: dict[str, Any], base: dict[str, Any] = VLLM) -> Rendered:
    return walk(with_fields(base, podTemplatePatch={"spec": spec}))


def engine(resources: Any, name: str = "vllm") -> dict[str, Any]:
    return {"containers": [{"name": name, "resources": resources}]}


def helper(field: str = "containers", **resources: Any) -> dict[str, Any]:
    return {field: [{**HELPER, "resources": resources}]}


def refusal(spec: dict[str, Any], base: dict[str, Any] = VLLM) -> PatchError:
    with pytest.raises(PatchError) as caught:
        patched(spec, base)
    assert str(caught.value).endswith(".")
    return caught.value


class TestGPUsOfTheEngine:
    @pytest.mark.parametrize(
        ("resources", "field"),
        [
            ({"limits": {GPU: 4}, "requests": {GPU: 4}}, "limits"),
            ({"limits": {GPU: "4"}}, "limits"),
            ({"requests": {GPU: 4}}, "requests"),
            ({"limits": {GPU: 0}}, "limits"),
            ({"limits": {GPU: None}}, "limits"),
            ({"limits": None}, "limits"),
            ({"limits": {GPU: "many"}}, "limits"),
            ({"requests": {GPU: 0}}, "requests"),
        ],
        ids=["more", "a limit", "a request", "none", "none by null", "no limits", "no number", "no request"],
    )
    def test_no_patch_changes_how_many_there_are(self, resources: Any, field: str) -> None:
        error = refusal(engine(resources), BUDGET)
        assert error.path == f"spec.podTemplatePatch.spec.containers[vllm].resources.{field}"
        assert error.message == (
            "must have 1 of nvidia.com/gpu, as the plan has: leave it out, and set `spec.placement.gpusPerReplica` for "
            "another count, which budgets know of."
        )

    @pytest.mark.parametrize("resource", ["nvidia.com/mig-1g.10gb", "nvidia.com/gpu.shared", "amd.com/gpu"])
    def test_nor_adds_others(self, resource: str) -> None:
        error = refusal(engine({"limits": {resource: 1}}))
        assert error.path == "spec.podTemplatePatch.spec.containers[vllm].resources"
        assert error.message.startswith(f"must not ask for {resource} beside what the plan has")

    @pytest.mark.parametrize("base", ONE_OF_EACH)
    def test_it_is_so_for_each_engine(self, base: str) -> None:
        name = walk(ONE_OF_EACH[base]).engine["name"]
        assert f"containers[{name}]" in refusal(engine({"limits": {GPU: 2}}, name), ONE_OF_EACH[base]).path

    @pytest.mark.parametrize(
        "resources",
        [
            {"limits": {GPU: 1, "memory": "96Gi"}, "requests": {"cpu": "8"}},
            {"limits": {GPU: "1"}, "requests": {GPU: 1}},
            {"requests": None},
            {"limits": {"rdma/hca": 1}},
        ],
        ids=["said again", "in two spellings", "no requests", "another device"],
    )
    def test_what_leaves_them_alone_stays_allowed(self, resources: Any) -> None:
        assert patched(engine(resources), BUDGET).engine["resources"]["limits"][GPU] in (1, "1")

    @pytest.mark.parametrize("resources", [None, {"limits": {GPU: None}, "requests": {GPU: None}}])
    def test_all_of_them_may_go_for_a_trial_without(self, resources: Any) -> None:
        assert GPU not in str(patched(engine(resources), BUDGET).engine.get("resources"))


class TestGPUsOfOthers:
    @pytest.mark.parametrize("field", ["limits", "requests"])
    @pytest.mark.parametrize(
        ("where", "more"),
        [("containers", {}), ("initContainers", {"restartPolicy": "Always"})],
        ids=["beside the engine", "a sidecar"],
    )
    def test_what_runs_beside_the_engine_takes_none(self, where: str, more: dict[str, Any], field: str) -> None:
        error = refusal({where: [{**HELPER, **more, "resources": {field: {GPU: 1}}}]}, BUDGET)
        assert error.path == f"spec.podTemplatePatch.spec.{where}[helper].resources.{field}"
        assert "no budget counts it" in error.message

    def test_what_ends_before_may_use_the_engines(self) -> None:
        assert patched(helper("initContainers", limits={GPU: 1}), BUDGET).pod_spec["initContainers"]

    def test_but_not_more(self) -> None:
        error = refusal(helper("initContainers", limits={GPU: 2}), BUDGET)
        assert error.path == "spec.podTemplatePatch.spec.initContainers[helper].resources.limits"

    def test_none_and_other_resources_are_nobodys_matter(self) -> None:
        assert patched(helper(limits={GPU: 0, "memory": "1Gi"}, requests={"cpu": "1"}), BUDGET).pod_spec["containers"]

    @pytest.mark.parametrize("resources", ["x", {"limits": "x"}])
    def test_what_is_no_map_is_told(self, resources: Any) -> None:
        assert refusal({"containers": [{**HELPER, "resources": resources}]}).message == "must be a map."


class TestImages:
    @pytest.mark.parametrize("field", ["containers", "initContainers"])
    def test_a_patch_for_another_engines_container_is_told_the_right_name(self, field: str) -> None:
        error = refusal({field: [{"name": "vllm", "env": [{"name": "A", "value": "1"}]}]}, LLAMA_CPP)
        assert str(error) == (
            f"`spec.podTemplatePatch.spec.{field}[vllm]` must have an `image`: the engine's container is called "
            "'llama-server'; name that one to change it, and set `spec.engine.type` if the patch is for another engine."
        )

    @pytest.mark.parametrize("image", ["", None, 5])
    def test_what_is_no_image_is_none(self, image: Any) -> None:
        assert "must have an `image`" in refusal({"containers": [{"name": "x", "image": image}]}).message

    @pytest.mark.parametrize("base", ONE_OF_EACH)
    def test_the_engines_own_cannot_be_taken_away(self, base: str) -> None:
        name = walk(ONE_OF_EACH[base]).engine["name"]
        error = refusal({"containers": [{"name": name, "image": None}]}, ONE_OF_EACH[base])
        assert error.path == f"spec.podTemplatePatch.spec.containers[{name}].image"
        assert error.message == "must stay: set `spec.engine.image` to run another."

    def test_the_operators_init_container_is_changed_by_its_name_alone(self) -> None:
        rendered = patched({"initContainers": [{"name": "bring-model", "env": [{"name": "A", "value": "1"}]}]}, OLLAMA)
        assert [one["name"] for one in rendered.pod_spec["initContainers"]] == ["bring-model"]


class TestNodes:
    PRODUCT = "nvidia.com/gpu.product"
    H200 = "NVIDIA-H200"

    def test_a_selector_against_the_plans_gpus_is_refused(self) -> None:
        error = refusal({"nodeSelector": {self.PRODUCT: "NVIDIA-L4"}})
        assert str(error) == (
            "`spec.podTemplatePatch.spec.nodeSelector` must not have 'nvidia.com/gpu.product' as 'NVIDIA-L4', since "
            "the plan's GPUs are on nodes where it is 'NVIDIA-H200': leave it out, and set "
            "`spec.placement.gpuProducts` or `spec.placement.nodeSelector` to choose others."
        )

    def test_taking_the_plans_own_affinity_away_is_no_way_around(self) -> None:
        assert refusal({"nodeSelector": {self.PRODUCT: "NVIDIA-L4"}, "affinity": None}).path.endswith("nodeSelector")

    @pytest.mark.parametrize("selector", [{PRODUCT: H200}, {"pool": "gpu"}, {PRODUCT: None}, None])
    def test_one_that_agrees_or_says_nothing_of_it_is_not(self, selector: Any) -> None:
        assert patched({"nodeSelector": selector}).pod_spec["affinity"]
