"""The budget of one GPU, line by line: what is in it, what each lever does to it, and when it does not fit."""

import pytest

from gemma4_operator.planner.memory import longest_context_tokens, memory, sequence_bytes
from gemma4_operator.planner.memory_vllm import longest_context_tokens_of, printed_tokens
from gemma4_operator.planner.shape import KvDtype, Shape
from tests.unit.planner.shapes import GB10, GIB, H100, H200, L4, MIB, RTX_3090, a_shape, line


def names(shape: Shape) -> list[str]:
    return [one.name for one in memory(shape).lines]


class TestBudget:
    def test_of_31b_on_one_h200_reads_like_this(self):
        budget = memory(a_shape("31B", "BF16", product=H200))
        assert names(a_shape()) == ["weights", "activations", "driver", "workspace", "positions", "CUDA graphs"]
        assert budget.capacity_bytes == int(143771 * MIB * 0.90)
        assert budget.weights_bytes / GIB == pytest.approx(57.2, abs=0.05)
        assert budget.cache_bytes / GIB == pytest.approx(66.2, abs=1)
        assert budget.fits

    @pytest.mark.parametrize("quantization", ["BF16", "Q4_K_M"])
    def test_lines_and_cache_are_all_of_the_capacity(self, quantization: str):
        budget = memory(a_shape("31B", quantization))
        used = sum(one.bytes for one in budget.lines)
        assert used == budget.weights_bytes + budget.activations_bytes + budget.other_bytes
        if quantization == "BF16":
            assert used + budget.cache_bytes == budget.capacity_bytes
        else:
            assert used + budget.cache_bytes <= budget.capacity_bytes

    def test_weights_come_first_and_every_line_has_a_note(self):
        for quantization in ("BF16", "Q4_K_M"):
            budget = memory(a_shape("12B", quantization, media=frozenset({"Image"}), drafter=True, adapters_bytes=MIB))
            assert budget.lines[0].name == "weights"
            assert all(one.note for one in budget.lines)
            assert len({one.name for one in budget.lines}) == len(budget.lines)

    def test_concurrency_times_a_request_is_the_cache(self):
        budget = memory(a_shape())
        assert budget.max_concurrency * budget.request_bytes == pytest.approx(budget.cache_bytes, rel=1e-3)


class TestWeights:
    """From the checkpoint's bytes, never from parameters times bits."""

    def test_two_checkpoints_called_nvfp4_differ_by_what_they_leave_in_bf16(self):
        nvidia = memory(a_shape("31B", "NVFP4")).weights_bytes
        all_linears = memory(a_shape("31B", "NVFP4", repository="RedHatAI/gemma-4-31B-it-NVFP4")).weights_bytes
        assert nvidia / GIB == pytest.approx(29.3, abs=0.1)
        assert all_linears / GIB == pytest.approx(18.0, abs=0.1)

    @pytest.mark.parametrize(
        ("variant", "media", "gib"),
        [
            ("31B", (), 0.0),
            ("31B", ("Image",), 1.07),
            ("31B", ("Video",), 1.07),
            ("E4B", ("Image",), 0.32),
            ("E4B", ("Audio",), 0.58),
            ("E4B", ("Image", "Audio"), 0.89),
        ],
    )
    def test_encoders_are_loaded_for_what_is_asked(self, variant: str, media: tuple[str, ...], gib: float):
        text = memory(a_shape(variant)).weights_bytes
        assert (memory(a_shape(variant, media=frozenset(media))).weights_bytes - text) / GIB == pytest.approx(
            gib, abs=0.01
        )

    def test_several_gpus_share_them_but_for_what_is_small(self):
        one, four = (memory(a_shape("31B", gpus=count)).weights_bytes for count in (1, 4))
        assert one / 4 < four < one / 4 + 3 * MIB

    def test_each_gpu_has_the_whole_of_the_small_rest(self):
        # E4B's projections of per-layer embeddings and its norms: 83 million parameters in BF16.
        one, two = (memory(a_shape("E4B", gpus=count)).weights_bytes for count in (1, 2))
        assert two - one / 2 == pytest.approx(83_115_776, rel=0.001)

    def test_a_head_that_is_stored_twice_is_loaded_once(self):
        shape = a_shape("12B", "W4A16")
        loaded = memory(a_shape("12B", "W4A16", media=frozenset({"Image", "Audio"}))).weights_bytes
        assert shape.checkpoint.bytes - loaded == pytest.approx(1.65 * GIB, abs=0.05 * GIB)


class TestPeak:
    """vLLM profiles one phase after the other: the largest counts."""

    def test_is_the_logits_with_many_sequences(self):
        peak = memory(a_shape(max_sequences=256)).lines[1]
        assert peak.bytes == 256 * 262144 * 12
        assert peak.note == "logits of 256 rows over 262144"

    def test_is_the_step_with_many_tokens_and_few_sequences(self):
        peak = memory(a_shape(max_sequences=4, max_batched_tokens=8192)).lines[1]
        assert peak.bytes == 44 * 8192 * 5376
        assert peak.note == "a step of 8192 tokens"

    def test_is_the_encoder_with_little_else(self):
        peak = memory(a_shape(max_sequences=1, max_batched_tokens=1152, media=frozenset({"Image"}))).lines[1]
        assert peak.note == "encoding the largest image"

    def test_a_step_cannot_sample_more_rows_than_it_has_tokens(self):
        assert (
            memory(a_shape(max_sequences=1024, max_batched_tokens=512)).lines[1].note.startswith("logits of 512 rows")
        )

    def test_a_drafter_samples_more_rows(self):
        without, drafting = (memory(a_shape(drafter=drafts)).activations_bytes for drafts in (False, True))
        assert drafting == 2.25 * without

    def test_experts_keep_routed_copies_of_a_steps_tokens(self):
        few = a_shape("26B-A4B", max_sequences=1, max_batched_tokens=4096)
        assert memory(few).activations_bytes == 44 * 4096 * 2816 + 4 * 4096 * 2816 * 8

    def test_per_layer_embeddings_are_buffered_for_a_step(self):
        few = a_shape("E4B", max_sequences=1, max_batched_tokens=8192)
        assert memory(few).activations_bytes == 44 * 8192 * 2560 + 2 * 8192 * 42 * 256

    def test_several_gpus_share_a_step_but_not_the_logits(self):
        step = {"max_sequences": 1, "max_batched_tokens": 8192}
        assert memory(a_shape(gpus=2, **step)).activations_bytes == memory(a_shape(**step)).activations_bytes / 2
        assert memory(a_shape(gpus=2)).activations_bytes == memory(a_shape()).activations_bytes


class TestOther:
    @pytest.mark.parametrize(("version", "has"), [((0, 20), False), ((0, 21), True), ((0, 33, 0), True), ((), True)])
    def test_graphs_are_set_apart_from_021_on(self, version: tuple[int, ...], has: bool):
        assert ("CUDA graphs" in names(a_shape(backend_version=version))) is has

    def test_few_sequences_need_fewer_graphs_and_experts_twice_as_large_ones(self):
        few, many, more = (memory(a_shape(max_sequences=count)) for count in (1, 256, 1024))
        assert line(few, "CUDA graphs") * 4 == line(many, "CUDA graphs") == line(more, "CUDA graphs")
        assert line(memory(a_shape("26B-A4B")), "CUDA graphs") == 2 * line(many, "CUDA graphs")

    def test_several_gpus_talk_to_each_other(self):
        assert "communication" not in names(a_shape())
        assert line(memory(a_shape(gpus=2)), "communication") == 358 * MIB

    def test_a_driver_keeps_some_of_a_card_and_nothing_of_unified_memory(self):
        assert line(memory(a_shape(product=RTX_3090)), "driver") == pytest.approx(0.9 * 0.41 * GIB, rel=0.02)
        assert "driver" not in names(a_shape(product=GB10))

    @pytest.mark.parametrize(("variant", "gib"), [("31B", 0.375), ("E2B", 0.1875)])
    def test_rotary_tables_are_as_long_as_the_longest_context(self, variant: str, gib: float):
        assert line(memory(a_shape(variant)), "positions") / GIB == gib

    def test_a_drafter_is_on_each_gpu(self):
        assert line(memory(a_shape(drafter=True, gpus=4)), "drafter") == 970_000_000

    def test_adapters_are_what_each_gpu_has_of_them(self):
        assert line(memory(a_shape(adapters_bytes=1001, gpus=2)), "adapters") == 1001


class TestFits:
    """The scenarios that the levers are there for."""

    def test_31b_in_bf16_starts_on_an_h100_with_small_steps_but_not_with_large_ones(self):
        assert not memory(a_shape(product=H100, max_batched_tokens=8192)).fits
        assert memory(a_shape(product=H100, max_batched_tokens=2048)).fits

    def test_31b_in_bf16_holds_its_whole_context_on_two_h100_and_not_on_one(self):
        whole = {"product": H100, "context_tokens": 262144, "max_batched_tokens": 2048}
        assert not memory(a_shape(**whole)).fits
        assert memory(a_shape(**whole, gpus=2)).fits

    def test_31b_in_bf16_fits_the_unified_memory_of_a_dgx_spark(self):
        assert memory(a_shape(product=GB10, context_tokens=131072)).fits

    @pytest.mark.parametrize(("share", "gib"), [(0.5, 60.0), (0.9, 108.0), (0.99, 110.0)])
    def test_vllm_takes_its_share_of_all_unified_memory_but_leaves_the_systems(self, share: float, gib: float):
        assert memory(a_shape(product=GB10, memory_utilization=share)).capacity_bytes / GIB == pytest.approx(gib)

    def test_nvidias_nvfp4_of_31b_does_not_fit_32_gb_and_other_4_bits_do(self):
        card = "NVIDIA-GeForce-RTX-5090"
        assert not memory(a_shape("31B", "NVFP4", product=card)).fits
        assert memory(a_shape("31B", "W4A16", product=card, context_tokens=16384)).fits

    def test_a_budget_that_is_overdrawn_says_so_by_a_negative_cache(self):
        budget = memory(a_shape(product=L4))
        assert budget.cache_bytes < 0
        assert (budget.fits, budget.num_blocks, budget.cache_tokens, budget.max_concurrency) == (False, 0, 0, 0)

    def test_a_cache_that_is_too_small_for_one_request_does_not_start(self):
        short = a_shape(product=H100, context_tokens=262144)
        budget = memory(short)
        assert 0 < budget.cache_bytes < budget.request_bytes
        assert 0 < budget.max_concurrency < 1
        assert (budget.fits, budget.num_blocks) == (False, 0)

    def test_the_longest_context_is_the_one_that_fits(self):
        short = a_shape(product=H100, context_tokens=262144)
        longest = longest_context_tokens(short)
        assert memory(a_shape(product=H100, context_tokens=longest)).fits
        assert not memory(a_shape(product=H100, context_tokens=longest + 32)).fits

    def test_the_longest_context_is_never_more_than_the_model_sees(self):
        roomy = a_shape("E2B")
        assert longest_context_tokens(roomy) == 131072
        assert longest_context_tokens_of(roomy, memory(roomy).cache_bytes) > 131072


class TestLog:
    """What vLLM prints as the size of its cache."""

    @pytest.mark.parametrize(
        ("variant", "quantization", "version", "context", "batched_tokens", "kv_dtype", "pool_gib", "tokens"),
        [
            ("12B", "W4A16", (0, 22), 32768, 2496, KvDtype.BF16, 11.0, 228200),
            ("12B", "W4A16", (0, 22), 131072, 2496, KvDtype.BF16, 10.99, 467959),
            ("26B-A4B", "FP8", (0, 29, 0), 16384, 2048, KvDtype.BF16, 13.47, 170836),
            ("26B-A4B", "W4A16", (0, 22, 0), 42000, 4096, KvDtype.BF16, 1.82, 42993),
            # Up to 0.20 every layer counts as full: 983,040 bytes for a token of 31B.
            ("31B", "W4A16", (0, 20, 0), 131072, 2048, KvDtype.BF16, 24.54, 26800),
            ("31B", "W4A16", (0, 20, 0), 8192, 8192, KvDtype.BF16, 24.54, 26800),
        ],
    )
    def test_is_predicted_from_the_pool_by_version(
        self,
        variant: str,
        quantization: str,
        version: tuple[int, ...],
        context: int,
        batched_tokens: int,
        kv_dtype: KvDtype,
        pool_gib: float,
        tokens: int,
    ):
        shape = a_shape(
            variant,
            quantization,
            backend_version=version,
            context_tokens=context,
            max_batched_tokens=batched_tokens,
            kv_dtype=kv_dtype,
        )
        assert printed_tokens(shape, pool_gib * GIB) == pytest.approx(tokens, rel=0.003)

    def test_is_in_the_budget(self):
        shape = a_shape()
        budget = memory(shape)
        assert budget.cache_tokens == printed_tokens(shape, budget.cache_bytes)


class TestSequence:
    def test_of_full_length_is_a_request(self):
        shape = a_shape()
        assert sequence_bytes(shape, shape.context_tokens) == memory(shape).request_bytes

    def test_a_shorter_one_holds_less(self):
        assert sequence_bytes(a_shape(), 1000) < sequence_bytes(a_shape(), 8000)
