"""What would make a shape fit: single changes, the least of each lever, each of which really does."""

from dataclasses import replace

import pytest

from gemma4_operator.planner.adjust import Adjustment, adjustments
from gemma4_operator.planner.memory import memory
from gemma4_operator.planner.shape import KvDtype, Shape
from tests.unit.planner.shapes import GB10, H100, L4, RTX_3090, a_shape, catalog, device

LARGE_STEPS = {"product": H100, "max_batched_tokens": 8192, "max_sequences": 1024}
WHOLE_CONTEXT = {"product": H100, "context_tokens": 131072, "max_batched_tokens": 8192}
REFUSED = [
    a_shape(**LARGE_STEPS),
    a_shape(**WHOLE_CONTEXT),
    a_shape("31B", "NVFP4", product="NVIDIA-GeForce-RTX-5090"),
    a_shape("31B", "FP8", product=L4, gpus=1),
    a_shape("26B-A4B", product=GB10, context_tokens=262144, device=device(GB10, memory_bytes=40 * 2**30)),
    a_shape("31B", "Q4_K_M", product=RTX_3090, context_tokens=131072),
    a_shape("31B", "Q4_K_M", product=RTX_3090, max_sequences=16),
    a_shape("31B", product=RTX_3090),
]


def found(shape: Shape) -> dict[str, Adjustment]:
    return {one.lever: one for one in adjustments(shape, catalog())}


@pytest.mark.parametrize("shape", REFUSED, ids=lambda shape: f"{shape.checkpoint.quantization}-{shape.device.product}")
class TestEach:
    def test_fits_and_the_shape_did_not(self, shape: Shape):
        assert not memory(shape).fits
        changes = adjustments(shape, catalog())
        assert changes
        assert all(memory(one.shape).fits and memory(one.shape) == one.memory for one in changes)

    def test_changes_one_lever_alone(self, shape: Shape):
        for one in adjustments(shape, catalog()):
            differing = {name for name in Shape.__slots__ if getattr(shape, name) != getattr(one.shape, name)}
            assert differing - {"gpus"} == {one.lever} - {"gpus"}

    def test_says_what_it_does_in_one_sentence(self, shape: Shape):
        for one in adjustments(shape, catalog()):
            assert one.value in one.message
            assert "of full length" in one.message


class TestLevers:
    def test_fewer_tokens_in_a_step_are_as_many_as_fit(self):
        assert found(a_shape(**LARGE_STEPS))["max_batched_tokens"].value == "2048"
        assert not memory(a_shape(**(LARGE_STEPS | {"max_batched_tokens": 4096}))).fits

    def test_a_step_must_still_hold_a_media_item(self):
        video = a_shape(**WHOLE_CONTEXT, media=frozenset({"Video"}))
        assert "max_batched_tokens" not in found(video)

    def test_a_cache_in_fp8_is_offered_where_the_gpu_can(self):
        tight = {"context_tokens": 32768, "max_batched_tokens": 8192}
        assert found(a_shape(**tight, product=H100))["kv_dtype"].value == "fp8"
        ampere = a_shape(**tight, device=device(H100, compute_capability=(8, 0)))
        assert "kv_dtype" not in found(ampere)

    def test_a_cache_in_fp8_beside_media_is_none_for_builds_that_answer_wrongly_from_it(self):
        tight = {"context_tokens": 32768, "max_batched_tokens": 8192, "product": H100, "media": frozenset({"Image"})}
        offered = ["kv_dtype" in found(a_shape(**tight, backend_version=version)) for version in ((0, 31), (0, 33))]
        assert offered == [False, True]

    def test_a_gpu_that_is_offered_has_the_caches_format(self):
        """Of cards with memory enough the cheapest, an RTX 3090, has no FP8."""
        shape = a_shape("26B-A4B", "W4A16", product="NVIDIA-GeForce-RTX-5080")
        exact = found(shape)["device"].shape.device
        small = found(replace(shape, kv_dtype=KvDtype.FP8))["device"].shape.device
        assert exact.compute_capability == (8, 6)
        assert small.compute_capability >= (8, 9)

    def test_llama_cpp_has_a_smaller_cache_in_8_bits(self):
        tight = a_shape("31B", "Q4_K_M", product=RTX_3090, context_tokens=40960)
        assert found(tight)["kv_dtype"].value == KvDtype.Q8_0

    def test_fewer_slots_are_as_many_as_fit(self):
        slots = a_shape("26B-A4B", "Q4_K_M", product=RTX_3090, max_sequences=16)
        count = int(found(slots)["max_sequences"].value)
        assert memory(a_shape("26B-A4B", "Q4_K_M", product=RTX_3090, max_sequences=count)).fits
        assert not memory(a_shape("26B-A4B", "Q4_K_M", product=RTX_3090, max_sequences=2 * count)).fits

    def test_a_shorter_context_is_told_in_whole_kib(self):
        tokens = int(found(a_shape(**WHOLE_CONTEXT))["context_tokens"].value)
        assert tokens % 1024 == 0
        assert not memory(a_shape(**(WHOLE_CONTEXT | {"context_tokens": tokens + 1024}))).fits

    def test_weights_of_least_loss_come_first(self):
        assert found(a_shape(**WHOLE_CONTEXT))["checkpoint"].value == "FP8 (RedHatAI/gemma-4-31B-it-FP8-dynamic)"

    def test_weights_are_of_formats_that_the_gpu_computes_with(self):
        ampere = found(a_shape(product="NVIDIA-A100-SXM4-40GB"))["checkpoint"]
        assert ampere.shape.checkpoint.quantization == "W4A16"

    def test_as_few_more_gpus_as_it_takes(self):
        assert found(a_shape(**WHOLE_CONTEXT))["gpus"].value == "2"
        assert found(a_shape(product=RTX_3090))["gpus"].value == "4"

    def test_slices_do_not_work_together(self):
        assert "gpus" not in found(a_shape(device=device(L4, is_slice=True)))

    def test_the_cheapest_card_that_holds_it_and_no_other_kind_of_machine(self):
        other = found(a_shape(product=RTX_3090))["device"].shape.device
        assert not other.unified_memory
        cheaper = [
            gpu
            for gpu in catalog().gpus
            if gpu.price < other.hourly_price and not gpu.unified_memory and gpu.memory_mib * 2**20 > other.memory_bytes
        ]
        assert cheaper == []

    def test_what_fits_needs_no_change_of_its_tokens(self):
        assert memory(a_shape()).fits
        assert "max_batched_tokens" in {one.lever for one in adjustments(a_shape(), catalog())}
