"""Situations that teams are in, and what a colleague who knows Gemma 4 would tell them."""

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.planner.choose import Outcome, consider
from gemma4_operator.planner.devices import device_of, unknown_device
from gemma4_operator.planner.inventory import GpuClass, pools
from gemma4_operator.planner.lost import Because, Lost
from gemma4_operator.planner.plan import INFEASIBLE, NO_GPUS, Plan, Rejection
from gemma4_operator.planner.relax import applied
from gemma4_operator.planner.workable import workable
from tests.rendering import CATALOG, ENGINES, gpus, spec_of

H100 = "NVIDIA-H100-80GB-HBM3"
RTX_5090 = "NVIDIA-GeForce-RTX-5090"


def outcome(spec: dict[str, Any], *classes: GpuClass) -> Outcome:
    return consider(spec_of(spec), catalog=CATALOG, engines=ENGINES, classes=classes)


def planned(spec: dict[str, Any], *classes: GpuClass) -> Plan:
    plan = outcome(spec, *classes).plan
    assert isinstance(plan, Plan), plan.message
    return plan


def rejected(spec: dict[str, Any], *classes: GpuClass) -> Rejection:
    plan = outcome(spec, *classes).plan
    assert isinstance(plan, Rejection), plan.why
    return workable(plan, spec_of(spec), catalog=CATALOG, engines=ENGINES, classes=classes)


def lost(spec: dict[str, Any], *classes: GpuClass, variant: Variant, quantization: Quantization) -> Lost:
    found = [one for one in outcome(spec, *classes).lost if one.checkpoint.variant is variant]
    return next(one for one in found if one.checkpoint.quantization is quantization)


def what(plan: Plan) -> tuple[str, str, str, int]:
    return (plan.variant.value, plan.quantization.value, plan.gpu_product, plan.gpus_per_replica)


def exactly(variant: str, quantization: str, **sections: Any) -> dict[str, Any]:
    return {"model": {"variant": variant, "quantization": quantization}, **sections}


class TestDgxSpark:
    SPARK = gpus("NVIDIA-GB10", nodes=2, each=1)

    def test_31b_in_bf16_fits_in_its_unified_memory_and_is_slow(self) -> None:
        plan = planned(exactly("31B", "BF16"), self.SPARK)
        assert what(plan) == ("31B", "BF16", "NVIDIA-GB10", 1)
        # 61 GB at 273 GB/s: measured 270 ms.
        assert 230_000 < plan.predicted.time_per_output_token_microseconds < 320_000

    def test_the_systems_share_of_the_memory_is_left_alone(self) -> None:
        plan = planned(exactly("31B", "BF16"), self.SPARK)
        assert plan.memory.capacity_mib == int(122880 * 0.9) < 122880 - 10240

    def test_where_a_choice_is_free_the_mixture_is_taken_since_bandwidth_is_poor(self) -> None:
        plan = planned({}, self.SPARK)
        assert plan.variant is Variant.V26B_A4B

    def test_a_target_that_31b_cannot_hold_is_refused_with_the_time_it_takes(self) -> None:
        spec = exactly("31B", "BF16", objectives={"timePerOutputTokenMilliseconds": 100})
        assert "ms per output token, and 100 ms are asked for" in rejected(spec, self.SPARK).message


class TestRtx5090:
    ONE = gpus(RTX_5090, nodes=1, each=1)

    def test_nvidias_nvfp4_of_31b_does_not_fit_since_attention_stayed_in_bf16(self) -> None:
        rejection = rejected(exactly("31B", "NVFP4"), self.ONE)
        assert rejection.reason == INFEASIBLE
        assert "31B in NVFP4" in rejection.message
        assert "GiB of each NVIDIA-GeForce-RTX-5090" in rejection.message

    def test_what_does_fit_is_offered(self) -> None:
        rejection = rejected(exactly("31B", "NVFP4"), self.ONE)
        assert {"spec.model.quantization", "spec.model.variant"} & {one.field for one in rejection.relaxations}

    def test_31b_fits_in_four_bits_throughout(self) -> None:
        assert what(planned(exactly("31B", "W4A16"), self.ONE)) == ("31B", "W4A16", RTX_5090, 1)


class TestLongContext:
    LONG = exactly("31B", "BF16", capabilities={"contextTokens": 262144})

    def test_31b_at_256k_fits_one_h100_only_with_half_the_cache_and_the_least_batch(self) -> None:
        plan = planned(self.LONG, gpus(H100))
        assert (what(plan), plan.kv_dtype) == (("31B", "BF16", H100, 1), "fp8")
        assert plan.max_batched_tokens <= 2048
        assert plan.max_concurrent_requests >= 1

    def test_two_h100_hold_it_with_the_exact_cache(self) -> None:
        plan = planned({**self.LONG, "placement": {"gpusPerReplica": 2}}, gpus(H100))
        assert (plan.kv_dtype, plan.max_batched_tokens) == ("bf16", 4096)

    def test_one_a100_is_too_small_for_it(self) -> None:
        spec = {**self.LONG, "placement": {"gpusPerReplica": 1}}
        rejection = rejected(spec, gpus("NVIDIA-A100-SXM4-80GB"))
        assert "GiB of each NVIDIA-A100-SXM4-80GB" in rejection.message
        assert "spec.capabilities.contextTokens" in {one.field for one in rejection.relaxations}

    def test_in_fp8_one_h100_holds_it(self) -> None:
        spec = exactly("31B", "FP8", capabilities={"contextTokens": 262144})
        plan = planned(spec, gpus(H100))
        assert what(plan) == ("31B", "FP8", H100, 1)

    def test_small_models_do_not_reach_that_far(self) -> None:
        spec = {"capabilities": {"contextTokens": 262144}, "objectives": {"minimumQuality": "Basic"}}
        one = lost(spec, gpus("NVIDIA-L4"), variant=Variant.E4B, quantization=Quantization.BF16)
        assert one.sentence == "E4B sees at most 131072 tokens, not 262144"

    def test_an_l4_fleet_serves_128k_with_what_leaves_room_for_the_cache(self) -> None:
        spec = {"capabilities": {"contextTokens": 131072}, "placement": {"gpusPerReplica": 1}}
        plan = planned(spec, gpus("NVIDIA-L4"))
        assert plan.quantization in (Quantization.W4A16, Quantization.Q4_K_M, Quantization.FP8, Quantization.NVFP4)
        assert plan.memory.total_mib <= plan.memory.capacity_mib


class TestBatchedTokens:
    def test_31b_in_bf16_starts_on_one_h100_only_because_the_batch_is_small(self) -> None:
        """At vLLM's default of 8192 the sliding layers alone would set 13 GiB apart for one request."""
        plan = planned(exactly("31B", "BF16", capabilities={"contextTokens": 32768}), gpus(H100))
        assert what(plan) == ("31B", "BF16", H100, 1)
        assert plan.max_batched_tokens <= 4096

    def test_a_tight_target_per_token_makes_the_batch_small(self) -> None:
        """One full step that reads a prompt must not take longer than a token may."""
        loose = planned(exactly("31B", "FP8", workload={"requestsPerMinute": 10}), gpus(H100))
        tight = planned(
            exactly(
                "31B",
                "FP8",
                workload={"requestsPerMinute": 10},
                objectives={"timePerOutputTokenMilliseconds": 60},
            ),
            gpus(H100),
        )
        assert tight.max_batched_tokens < loose.max_batched_tokens

    def test_video_needs_a_batch_that_holds_its_frames(self) -> None:
        spec = exactly("31B", "FP8", capabilities={"modalities": ["Text", "Video"]})
        assert planned(spec, gpus(H100)).max_batched_tokens >= 2496


class TestWhatIsTold:
    @pytest.mark.parametrize("product", ["NVIDIA-L4", "NVIDIA-GB10", "NVIDIA-GeForce-RTX-4090", H100])
    def test_what_lost_by_rank_would_work_if_it_were_asked_for(self, product: str) -> None:
        """A way that does not fit is told to be too large, and never only to be slower than the plan."""
        fleet = gpus(product, each=1)
        told = planned({}, fleet).alternatives
        assert told
        for one in told:
            asked = exactly(one.variant.value, one.quantization.value)
            fits = isinstance(outcome(asked, fleet).plan, Plan)
            assert fits == bool(one.hourly_cost), one


class TestSmallMachines:
    NANO = gpus("Orin", nodes=1, each=1, memory_mib=7620)
    AGX = gpus("Orin", nodes=1, each=1, memory_mib=62841)

    @pytest.mark.parametrize("variant", ["E2B", "E4B"])
    def test_the_e_models_run_on_orin_nano_as_gguf(self, variant: str) -> None:
        plan = planned({"model": {"variant": variant}}, self.NANO)
        assert plan.engine is EngineType.LLAMA_CPP
        assert plan.quantization.is_gguf

    def test_with_everything_open_the_nano_needs_a_lower_floor_and_says_so(self) -> None:
        rejection = rejected({}, self.NANO)
        assert ("spec.objectives.minimumQuality", "Basic") in [(one.field, one.value) for one in rejection.relaxations]
        assert planned({"objectives": {"minimumQuality": "Basic"}}, self.NANO).variant in (Variant.E4B, Variant.E2B)

    @pytest.mark.parametrize("variant", ["E2B", "E4B", "12B"])
    def test_orin_agx_takes_them_in_eight_bits(self, variant: str) -> None:
        plan = planned(exactly(variant, "Q8_0"), self.AGX)
        assert what(plan) == (variant, "Q8_0", "Orin", 1)

    def test_vllms_image_is_not_for_orin(self) -> None:
        one = lost(exactly("E2B", "BF16"), self.AGX, variant=Variant.E2B, quantization=Quantization.BF16)
        assert one.because is Because.HARDWARE
        assert "8.7" in one.sentence


class TestModalities:
    AUDIO: ClassVar[dict[str, Any]] = {
        "capabilities": {"modalities": ["Text", "Audio"]},
        "objectives": {"minimumQuality": "Basic"},
    }

    def test_audio_is_for_12b_and_the_e_models(self) -> None:
        result = outcome(self.AUDIO, gpus(H100))
        assert isinstance(result.plan, Plan)
        assert result.plan.variant in (Variant.V12B, Variant.E4B, Variant.E2B)
        deaf = {one.checkpoint.variant for one in result.lost if one.because is Because.MODALITY}
        assert deaf == {Variant.V31B, Variant.V26B_A4B}

    def test_audio_of_high_quality_does_not_exist_and_the_way_out_is_told(self) -> None:
        spec = {"capabilities": {"modalities": ["Text", "Audio"]}, "objectives": {"minimumQuality": "High"}}
        rejection = rejected(spec, gpus(H100))
        assert "spec.objectives.minimumQuality" in {one.field for one in rejection.relaxations}

    def test_images_through_llama_cpp_need_a_projector(self) -> None:
        spec = exactly("31B", "Q4_K_M", capabilities={"modalities": ["Text", "Image"]})
        one = lost(spec, gpus(H100), variant=Variant.V31B, quantization=Quantization.Q4_K_M)
        assert one.because is Because.PROJECTOR


class TestMixedFleet:
    FLEET = (gpus("NVIDIA-A100-SXM4-40GB"), gpus("NVIDIA-L40S"), gpus(H100))

    def test_the_cheapest_that_serves_is_taken(self) -> None:
        assert planned({}, *self.FLEET).gpu_product == "NVIDIA-A100-SXM4-40GB"

    def test_a_price_limit_excludes_and_says_by_how_much(self) -> None:
        spec = exactly("31B", "BF16", objectives={"maximumHourlyCost": "1.00"})
        rejection = rejected(spec, *self.FLEET)
        limit = next(one for one in rejection.relaxations if one.field == "spec.objectives.maximumHourlyCost")
        assert 1.52 <= float(str(limit.value)) <= 1.52 * 1.25

    def test_fp8_on_ampere_is_refused(self) -> None:
        spec = exactly("31B", "FP8")
        result = outcome(spec, *self.FLEET)
        ampere = next(one for one in result.lost if one.product == "NVIDIA-A100-SXM4-40GB")
        assert ampere.sentence == ("NVIDIA-A100-SXM4-40GB has compute capability 8.0, and FP8 on VLLM needs 8.9")
        assert isinstance(result.plan, Plan)
        assert result.plan.gpu_product == "NVIDIA-L40S"

    def test_gpus_that_are_free_now_come_before_cheaper_ones_that_are_not(self) -> None:
        taken = gpus("NVIDIA-A100-SXM4-40GB")
        taken = GpuClass(
            device=taken.device,
            resource=taken.resource,
            product=taken.product,
            node_labels=taken.node_labels,
            gpus_by_node=taken.gpus_by_node,
            free_by_node=(0, 0, 0, 0),
            host_memory_bytes=taken.host_memory_bytes,
        )
        plan = planned({}, taken, gpus("NVIDIA-L40S"))
        assert plan.gpu_product == "NVIDIA-L40S"
        assert any("has no free GPUs now" in one.lost_because for one in plan.alternatives)

    def test_a_budget_of_gpus_fails_closed(self) -> None:
        spec = {"workload": {"requestsPerMinute": 20000}, "placement": {"maximumGPUs": 2}}
        rejection = rejected(spec, *self.FLEET)
        assert "`spec.placement.maximumGPUs` is 2" in rejection.message
        assert {"spec.placement.maximumGPUs", "spec.workload.requestsPerMinute"} <= {
            one.field for one in rejection.relaxations
        }


class TestSlices:
    @staticmethod
    def slices(profile: str) -> GpuClass:
        row = CATALOG.gpu(H100)
        assert row is not None
        cut = next(one for one in row.mig if one.name == profile)
        return GpuClass(
            device=device_of(row, profile=cut),
            resource=f"nvidia.com/mig-{profile}",
            product=H100,
            node_labels=(("nvidia.com/gpu.product", H100),),
            gpus_by_node=(2,),
            free_by_node=(2,),
            host_memory_bytes=2**40,
        )

    def test_a_slice_is_not_taken_unless_it_may_be(self) -> None:
        rejection = rejected({}, self.slices("3g.40gb"))
        assert "spec.placement.allowSharedGPUs" in {one.field for one in rejection.relaxations}

    def test_3g_40gb_serves_what_40_gb_hold_on_one_slice(self) -> None:
        plan = planned({"placement": {"allowSharedGPUs": True}}, self.slices("3g.40gb"))
        assert (plan.gpu_resource, plan.gpus_per_replica) == ("nvidia.com/mig-3g.40gb", 1)
        assert plan.memory.total_mib <= 40192 * 0.96

    def test_a_quarter_of_a_shared_gpu_is_all_that_vllm_takes(self) -> None:
        row = CATALOG.gpu(H100)
        assert row is not None
        whole = gpus(H100)
        quarter = replace(whole, device=device_of(row, shared_by=4))
        plan = planned({"placement": {"allowSharedGPUs": True}, "objectives": {"minimumQuality": "Basic"}}, quarter)
        assert plan.memory_utilization_percent == 22
        assert plan.memory.total_mib <= 81559 / 4

    def test_replicas_never_span_slices(self) -> None:
        spec = exactly("31B", "BF16", placement={"allowSharedGPUs": True, "gpusPerReplica": 2})
        assert (f"a replica takes one {H100}-MIG-3g.40gb alone, and `spec.placement.gpusPerReplica` is 2") in rejected(
            spec, self.slices("3g.40gb")
        ).message


class TestNoGpuBigEnough:
    def test_the_nodes_that_would_do_are_named(self) -> None:
        rejection = rejected(exactly("31B", "BF16"), gpus("NVIDIA-L4", nodes=1, each=1))
        nodes = next(one for one in rejection.relaxations if one.field == "nodes")
        assert str(nodes.value).split("x ")[0] in ("1", "2", "4")

    def test_relaxations_of_the_spec_really_work(self) -> None:
        spec = exactly("31B", "BF16", objectives={"maximumHourlyCost": "1.00"})
        fleet = (gpus("NVIDIA-L40S"), gpus(H100))
        for one in rejected(spec, *fleet).relaxations:
            if one.field != "nodes":
                assert isinstance(outcome(applied(spec, one), *fleet).plan, Plan), one


class TestBadInput:
    def test_no_gpus_at_all(self) -> None:
        rejection = rejected({})
        assert rejection.reason == NO_GPUS
        assert "No node offers a GPU" in rejection.message

    SLIP: ClassVar[dict[str, Any]] = {"placement": {"gpuProducts": ["NVIDIA-L40S", "NVIDIA-H100-80GB-HBM"]}}
    WORDS = (
        "`spec.placement.gpuProducts` names NVIDIA-H100-80GB-HBM, which neither the catalogue nor a node for these "
        "pods has: did you mean NVIDIA-H100-80GB-HBM3"
    )

    def test_a_name_that_no_gpu_has_is_noted_in_the_plan(self) -> None:
        assert planned(self.SLIP, gpus("NVIDIA-L40S")).notes[-1].startswith(self.WORDS)

    @pytest.mark.parametrize("fleet", [(), (gpus("NVIDIA-L4"),)], ids=["no GPUs", "other GPUs"])
    def test_and_where_nothing_serves_the_spec_told_before_what_helps(self, fleet: tuple[GpuClass, ...]) -> None:
        only = {"placement": {"gpuProducts": ["NVIDIA-H100-80GB-HBM"]}}
        told, _, _ = rejected(only, *fleet).message.partition(" What would work: ")
        assert self.WORDS in told

    def test_of_many_such_names_a_few_are_told(self) -> None:
        spec = {"placement": {"gpuProducts": ["NVIDIA-L40S", *(f"ACME-{number}" for number in range(9))]}}
        notes = [note for note in planned(spec, gpus("NVIDIA-L40S")).notes if "gpuProducts" in note]
        assert len(notes) == 3
        assert planned(spec, gpus("NVIDIA-L40S")).notes[-1] == "So it is with 6 more."

    def test_a_name_of_a_node_or_of_the_catalogue_needs_no_word(self) -> None:
        strange = replace(gpus(H100), product="ACME-9000", device=unknown_device("ACME-9000", memory_mib=98304))
        spec = {"placement": {"gpuProducts": ["ACME-9000", "NVIDIA-L4"]}}
        assert not any("gpuProducts" in note for note in planned(spec, strange).notes)

    def test_an_unknown_gpu_with_a_memory_label_is_planned_modestly_and_marked(self) -> None:
        strange = unknown_device("NVIDIA-X900", memory_mib=98304)
        known = gpus(H100)
        plan = planned(
            {},
            GpuClass(
                device=strange,
                resource="nvidia.com/gpu",
                product="NVIDIA-X900",
                node_labels=known.node_labels,
                gpus_by_node=(1,),
                free_by_node=(1,),
                host_memory_bytes=0,
            ),
        )
        assert plan.gpu_product == "NVIDIA-X900"
        assert any("does not know NVIDIA-X900" in note for note in plan.notes)

    def test_weights_of_unknown_size_are_marked(self) -> None:
        spec = exactly("31B", "BF16")
        spec["model"]["checkpoint"] = {"huggingFace": {"repository": "team/tuned"}}
        plan = planned(spec, gpus("NVIDIA-H200"))
        assert any("size of the weights is not known" in note for note in plan.notes)
        assert plan.licences[0].name == "unknown"

    def test_a_size_that_is_given_counts(self) -> None:
        spec = exactly("31B", "BF16")
        spec["model"]["checkpoint"] = {"huggingFace": {"repository": "team/tuned"}, "sizeBytes": 200_000_000_000}
        plan = planned(spec, gpus("NVIDIA-H200"))
        assert plan.gpus_per_replica == 2
        assert not plan.notes

    def test_a_product_that_the_spec_names_and_no_node_has_is_planned_as_a_pool(self) -> None:
        spec = {"placement": {"gpuProducts": ["NVIDIA-L40S"]}}
        plan = planned(spec, *pools(CATALOG, ["NVIDIA-L40S"]))
        assert "No node for these pods has NVIDIA-L40S now: they wait until one comes." in plan.notes


class TestLicences:
    def test_nvidias_terms_are_named_and_can_be_excluded(self) -> None:
        spec = exactly("26B-A4B", "NVFP4")
        plan = planned(spec, gpus("NVIDIA-B200"))
        assert [one.name for one in plan.licences] == ["NVIDIA Open Model License", "Apache-2.0"]
        strict = {**spec, "objectives": {"allowedLicences": ["Apache-2.0"]}}
        assert "NVIDIA Open Model License" in rejected(strict, gpus("NVIDIA-B200")).message


class TestObjectives:
    FLEET = (gpus("NVIDIA-L40S"), gpus(H100), gpus("NVIDIA-B200"))

    def test_latency_takes_bandwidth(self) -> None:
        plan = planned({"objectives": {"optimizeFor": "Latency"}}, *self.FLEET)
        assert plan.gpu_product == "NVIDIA-B200"

    def test_quality_takes_the_original(self) -> None:
        plan = planned({"objectives": {"optimizeFor": "Quality"}}, *self.FLEET)
        assert (plan.variant, plan.quantization) == (Variant.V31B, Quantization.BF16)

    def test_throughput_takes_the_cheapest_request(self) -> None:
        plan = planned({"objectives": {"optimizeFor": "Throughput"}}, *self.FLEET)
        cost = float(plan.hourly_cost) / plan.predicted.requests_per_minute_per_replica
        cheap = planned({}, *self.FLEET)
        assert cost <= float(cheap.hourly_cost) / cheap.predicted.requests_per_minute_per_replica * 1.05

    def test_more_requests_take_more_replicas(self) -> None:
        few = planned({"workload": {"requestsPerMinute": 60}}, *self.FLEET)
        many = planned({"workload": {"requestsPerMinute": 6000}}, *self.FLEET)
        assert many.replicas * many.predicted.requests_per_minute_per_replica >= 6000
        assert float(many.hourly_cost) > float(few.hourly_cost)


def test_the_price_that_is_told_is_the_least_that_it_would_take() -> None:
    spec = exactly("31B", "BF16", objectives={"maximumHourlyCost": "1.00"}, placement={"gpuProducts": [H100]})
    assert "costs 2.95 an hour" in rejected(spec, gpus(H100)).message


def test_a_usual_request_with_its_images_must_fit_into_the_context() -> None:
    """The CRD's rule counts the text alone; what an image is in tokens, only the planner knows."""
    spec = {
        "capabilities": {"contextTokens": 8192, "modalities": ["Text", "Image"]},
        "workload": {"requestsPerMinute": 1, "imagesPerRequest": 32},
    }
    rejection = rejected(spec, gpus(H100))
    assert "a usual request has 10824 tokens with images" in rejection.message
    assert ("spec.workload.imagesPerRequest", 22) in {(one.field, one.value) for one in rejection.relaxations}
    assert planned({**spec, "capabilities": {**spec["capabilities"], "contextTokens": 16384}}, gpus(H100))
