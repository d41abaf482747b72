"""llama.cpp's budget and Ollama's: cells for each slot, tables on the CPU, buffers, and what a log said."""

import pytest

from gemma4_operator.api.common import EngineType
from gemma4_operator.planner.memory import longest_context_tokens, memory, sequence_bytes
from gemma4_operator.planner.memory_gguf import host_cache_mib, sliding_cells
from gemma4_operator.planner.shape import KvDtype
from tests.unit.planner.shapes import GB10, GIB, MIB, RTX_3090, a_shape, device, line

OLLAMA = EngineType.OLLAMA


class TestCells:
    """A window and a batch, rounded up to 256; full layers have as many cells as the context has tokens."""

    @pytest.mark.parametrize(
        ("variant", "context", "batch", "cells"),
        [
            ("31B", 32768, 512, 1536),
            ("31B", 32768, 2048, 3072),
            ("31B", 1000, 512, 1024),
            ("E4B", 32768, 512, 1024),
            ("31B", 32768, 600, 1792),
        ],
    )
    def test_of_a_sliding_layer(self, variant: str, context: int, batch: int, cells: int):
        assert sliding_cells(a_shape(variant, "Q4_K_M", max_batched_tokens=batch), context) == cells

    @pytest.mark.parametrize(
        ("variant", "context", "kv_dtype", "gib"),
        [
            ("31B", 8192, KvDtype.BF16, 1.80),
            ("31B", 262144, KvDtype.BF16, 21.17),
            ("31B", 262144, KvDtype.Q8_0, 11.25),
            ("26B-A4B", 131072, KvDtype.BF16, 2.79),
            ("26B-A4B", 131072, KvDtype.Q8_0, 1.48),
            ("12B", 32768, KvDtype.Q8_0, 0.51),
            ("E4B", 131072, KvDtype.BF16, 2.04),
            ("E2B", 8192, KvDtype.BF16, 0.06),
        ],
    )
    def test_take_what_was_worked_out_for_the_family(self, variant: str, context: int, kv_dtype: KvDtype, gib: float):
        shape = a_shape(variant, "Q4_K_M", kv_dtype=kv_dtype)
        assert sequence_bytes(shape, context) / GIB == pytest.approx(gib, abs=0.01)

    def test_31b_has_1200_mib_of_sliding_cells_in_a_slot(self):
        # "-np 1" in public notes on 31B, and 300 MiB for 26B-A4B.
        full = {"31B": 80 * 1024, "26B-A4B": 20 * 1024}
        for variant, mib in (("31B", 1200), ("26B-A4B", 300)):
            shape = a_shape(variant, "Q4_K_M")
            assert sequence_bytes(shape, 8192) - 8192 * full[variant] == mib * MIB

    def test_every_slot_has_its_own(self):
        one, four = (memory(a_shape("12B", "Q4_K_M", max_sequences=count)) for count in (1, 4))
        assert four.cache_bytes == 4 * one.cache_bytes
        assert (one.max_concurrency, four.max_concurrency) == (1.0, 4.0)
        assert four.cache_tokens == 4 * 32768


class TestOllama:
    """It sets apart 4,608 cells in each sliding layer, however few slots there are."""

    @pytest.mark.parametrize(
        ("slots", "context", "all_cells"), [(1, 32768, 4608), (2, 32768, 4608), (4, 32768, 6144), (1, 2048, 2048)]
    )
    def test_cells_of_all_slots(self, slots: int, context: int, all_cells: int):
        shape = a_shape("31B", "Q4_K_M", engine=OLLAMA, max_sequences=slots)
        assert slots * sliding_cells(shape, context) == all_cells

    def test_needs_more_than_llama_cpp_for_one_slot(self):
        own = {engine: memory(a_shape("31B", "Q4_K_M", engine=engine)).cache_bytes for engine in EngineType}
        assert own[OLLAMA] - own[EngineType.LLAMA_CPP] == (4608 - 1536) * 800 * 1024


class TestLines:
    def test_of_a_text_model(self):
        budget = memory(a_shape("31B", "Q4_K_M"))
        assert [one.name for one in budget.lines] == ["weights", "compute buffers", "context"]

    def test_per_layer_tables_stay_on_the_cpu(self):
        shape = a_shape("E4B", "Q8_0")
        gpu = memory(shape).weights_bytes
        # llama.cpp#21816: 3,536 MiB on the host for E4B in Q8_0, of which the token table is 680.
        assert (shape.checkpoint.bytes - gpu) / MIB == pytest.approx(3536 - 680, rel=0.03)

    def test_other_models_are_on_the_gpu_as_a_whole(self):
        shape = a_shape("26B-A4B", "Q4_K_M")
        assert memory(shape).weights_bytes == shape.checkpoint.bytes

    def test_compute_buffers_hold_512_rows_of_logits_as_a_log_says(self):
        assert memory(a_shape("12B", "Q4_K_M")).activations_bytes == 512 * MIB
        assert memory(a_shape("12B", "Q4_K_M", max_batched_tokens=2048)).activations_bytes == 512 * MIB
        assert memory(a_shape("12B", "Q4_K_M", max_batched_tokens=256)).activations_bytes == 256 * MIB

    def test_large_batches_need_more_than_logits(self):
        assert memory(a_shape("31B", "Q4_K_M", max_batched_tokens=4096)).activations_bytes == 44 * 4096 * 5376

    def test_media_need_the_projector_and_its_buffers(self):
        media = frozenset({"Image"})
        listed = a_shape("26B-A4B", "Q4_K_M", media=media)
        assert listed.checkpoint.projector is not None
        assert line(memory(listed), "projector") == listed.checkpoint.projector.bytes + GIB
        assert "projector" not in [one.name for one in memory(a_shape("26B-A4B", "Q4_K_M")).lines]

    def test_a_projector_that_is_not_listed_counts_as_its_parameters_in_16_bits(self):
        shape = a_shape("31B", "Q5_K_M", media=frozenset({"Image"}))
        assert shape.checkpoint.projector is None
        assert line(memory(shape), "projector") == 2 * 575_741_232 + GIB

    def test_several_gpus_share_weights_and_cells_but_not_buffers(self):
        one, two = (memory(a_shape("31B", "Q8_0", gpus=count)) for count in (1, 2))
        assert two.weights_bytes == pytest.approx(one.weights_bytes / 2, abs=1)
        assert two.cache_bytes == one.cache_bytes // 2
        assert two.activations_bytes == one.activations_bytes


class TestFits:
    def test_a_card_keeps_half_a_gib_free_and_what_the_driver_has(self):
        budget = memory(a_shape("12B", "Q4_K_M", product=RTX_3090))
        assert (24576 * MIB - budget.capacity_bytes) / GIB == pytest.approx(0.5 + 0.41, abs=0.01)

    def test_unified_memory_is_all_counted_on(self):
        shape = a_shape("12B", "Q4_K_M", product=GB10)
        assert memory(shape).capacity_bytes == shape.device.memory_bytes

    def test_12b_in_8_bits_holds_its_whole_context_on_an_rtx_3090(self):
        # It took "16 GB" as nvidia-smi counts, with this very shape and a file of 13.6 GB instead of 12.67 (club-3090).
        whole = a_shape("12B", "Q8_0", product=RTX_3090, context_tokens=262144, kv_dtype=KvDtype.Q8_0)
        budget = memory(whole)
        assert budget.fits
        used = sum(one.bytes for one in budget.lines) + budget.cache_bytes
        assert (used + 0.93e9) / GIB == pytest.approx(16, rel=0.01)

    def test_too_many_slots_do_not_fit_and_the_cache_is_what_is_left(self):
        budget = memory(a_shape("31B", "Q4_K_M", product=RTX_3090, max_sequences=8))
        assert not budget.fits
        assert budget.cache_bytes < 8 * budget.request_bytes
        assert budget.cache_bytes == budget.capacity_bytes - sum(one.bytes for one in budget.lines)
        assert 0 < budget.max_concurrency < 8
        assert (budget.cache_tokens, budget.num_blocks) == (0, 0)

    def test_e2b_fits_a_jetson_orin_nano_and_31b_does_not(self):
        nano = device("Orin", memory_bytes=6084 * MIB)
        assert memory(a_shape("E2B", "Q4_K_M", device=nano)).fits
        assert not memory(a_shape("31B", "Q4_0", device=nano)).fits

    @pytest.mark.parametrize("slots", [1, 4])
    @pytest.mark.parametrize("engine", [EngineType.LLAMA_CPP, OLLAMA])
    def test_the_longest_context_fits_and_one_token_more_does_not(self, slots: int, engine: EngineType):
        lever = {"product": RTX_3090, "max_sequences": slots, "engine": engine}
        longest = longest_context_tokens(a_shape("31B", "Q4_K_M", **lever))
        assert memory(a_shape("31B", "Q4_K_M", context_tokens=longest, **lever)).fits
        assert not memory(a_shape("31B", "Q4_K_M", context_tokens=longest + 1, **lever)).fits

    def test_no_context_fits_where_the_weights_do_not(self):
        assert longest_context_tokens(a_shape("31B", "Q8_0", product=RTX_3090)) == 0


def test_prompts_are_kept_on_a_host_that_is_not_the_gpus_and_by_llama_cpp_alone():
    assert host_cache_mib(a_shape("12B", "Q4_K_M")) == 2048
    assert host_cache_mib(a_shape("12B", "Q4_K_M", product=GB10)) == 0
    assert host_cache_mib(a_shape("12B", "Q4_K_M", engine=OLLAMA)) == 0
