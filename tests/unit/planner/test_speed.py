"""Times as people know them: what a step is made of, and which configurations are fast at what."""

from dataclasses import replace

import pytest

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.catalog.engines import Backend
from gemma4_operator.catalog.loader import Catalog, builtin_catalog
from gemma4_operator.planner.devices import device_of
from gemma4_operator.planner.shape import KvDtype, Shape
from gemma4_operator.planner.speed import PROMPT_SECONDS, Speed, speed


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return builtin_catalog()


@pytest.fixture(scope="module")
def make(catalog: Catalog):
    """Return a maker of shapes: `make("31B", "BF16", "NVIDIA-H200")`, fields changed by name."""

    def shape(variant: str, quantization: str, product: str, *, repository: str = "", **fields) -> Shape:
        checkpoint = catalog.find(repository) or catalog.preferred(Variant(variant), Quantization(quantization))
        gpu = catalog.gpu(product)
        assert checkpoint is not None
        assert gpu is not None
        is_gguf = Quantization(quantization).is_gguf
        defaults = {
            "engine": EngineType.LLAMA_CPP if is_gguf else EngineType.VLLM,
            "backend": Backend.LLAMA_CPP if is_gguf else Backend.VLLM,
            "backend_version": (0, 33, 0),
            "gpus": 1,
            "context_tokens": 32768,
            "kv_dtype": KvDtype.BF16,
            "max_batched_tokens": 8192,
            "max_sequences": 64,
        }
        return Shape(
            model=catalog.models[Variant(variant)],
            checkpoint=checkpoint,
            device=device_of(gpu),
            **{**defaults, **fields},
        )

    return shape


def milliseconds(rates: Speed, *, batch: float = 1, context: float = 1024) -> float:
    return 1000 * rates.decode_seconds(batch=batch, context_tokens=context)


def device_with(shape: Shape, **fields) -> Shape:
    return replace(shape, device=replace(shape.device, **fields))


class TestWhatAStepReads:
    """By hand, from parameters and bits, on a GPU of 1 TB/s where that is all that counts."""

    @pytest.mark.parametrize(
        ("variant", "quantization", "gigabytes"),
        [
            ("31B", "BF16", 61.39),  # 30.70e9 weights: all but the encoder
            ("31B", "FP8", 32.11),  # the head stays in BF16
            ("31B", "NVFP4", 31.48),  # so does attention: 11.7 + 17.0 + 2.8
            ("26B-A4B", "BF16", 7.645),  # 4.79 of every token, and 8 of 128 experts of 22.84e9
            ("E4B", "BF16", 9.289),  # not the 5.6 GB of tables, which are looked up
            ("E2B", "BF16", 4.560),
            ("12B", "BF16", 23.81),
        ],
    )
    def test_one_stream_reads_what_one_token_passes(self, make, variant: str, quantization: str, gigabytes: float):
        rates = speed(make(variant, quantization, "NVIDIA-GB10"))
        touched = rates.expert_seconds * rates.experts * (1 - rates.missed)
        efficiency = 0.84 if variant == "31B" else 0.77
        assert (rates.dense_seconds + touched) * 273e9 * efficiency == pytest.approx(gigabytes * 1e9, rel=0.002)

    def test_many_streams_touch_all_experts_and_no_more(self, make):
        rates = speed(make("26B-A4B", "BF16", "NVIDIA-H200"))
        few, many, more = (milliseconds(rates, batch=batch, context=0) / 1000 for batch in (1, 2000, 4000))
        answer = rates.token_seconds + rates.answer_seconds
        assert few < rates.fixed_seconds + rates.dense_seconds + 9 * rates.expert_seconds
        assert more - many == pytest.approx(2000 * answer, rel=1e-3)
        assert many - 2000 * answer == pytest.approx(
            rates.fixed_seconds + rates.dense_seconds + 128 * rates.expert_seconds, rel=1e-3
        )

    @pytest.mark.parametrize(
        ("variant", "full_bytes", "sliding_bytes"),
        [
            ("31B", 80 * 1024, 800 * 1024),
            ("26B-A4B", 20 * 1024, 200 * 1024),
            ("12B", 16 * 1024, 320 * 1024),
            ("E4B", 28 * 1024, 70 * 1024),  # 42 layers read, though 24 own a cache
            ("E2B", 14 * 1024, 28 * 1024),
        ],
    )
    def test_the_cache_is_read_by_every_layer(self, make, variant: str, full_bytes: int, sliding_bytes: int):
        rates = speed(make(variant, "BF16", "NVIDIA-GB10"))
        assert rates.full_seconds * 273e9 * 0.55 == pytest.approx(full_bytes)
        assert rates.sliding_seconds * 273e9 * 0.65 == pytest.approx(sliding_bytes)

    def test_beyond_the_window_only_full_layers_grow(self, make):
        rates = speed(make("31B", "BF16", "NVIDIA-H200"))
        inside = milliseconds(rates, context=1000) - milliseconds(rates, context=900)
        outside = milliseconds(rates, context=9000) - milliseconds(rates, context=8900)
        assert outside == pytest.approx(100 * rates.full_seconds * 1000)
        assert inside > 5 * outside

    def test_a_cache_in_fp8_is_read_in_half_the_time(self, make):
        exact, small = (
            speed(make("31B", "BF16", "NVIDIA-H200", kv_dtype=kind)) for kind in (KvDtype.BF16, KvDtype.FP8)
        )
        assert small.full_seconds == exact.full_seconds / 2
        assert small.sliding_seconds == exact.sliding_seconds / 2
        assert small.dense_seconds == exact.dense_seconds


class TestWhatPeopleMeasured:
    """A few known operating points; all of them are in docs/reference/accuracy.md."""

    @pytest.mark.parametrize(
        ("variant", "quantization", "product", "gpus", "batch", "context", "measured"),
        [
            ("31B", "BF16", "NVIDIA-GB10", 1, 1, 1536, 272.5),
            ("31B", "NVFP4", "NVIDIA-GB10", 1, 1, 1536, 144.5),
            ("26B-A4B", "BF16", "NVIDIA-GB10", 1, 1, 1536, 41.5),
            ("26B-A4B", "NVFP4", "NVIDIA-GB10", 1, 1, 1536, 34.0),
            ("E4B", "BF16", "NVIDIA-GB10", 1, 1, 1536, 51.1),
            ("E2B", "BF16", "NVIDIA-GB10", 1, 1, 1536, 25.2),
            ("E4B", "BF16", "NVIDIA-H200", 1, 1, 821, 5.64),
            ("26B-A4B", "BF16", "NVIDIA-H200", 1, 1, 821, 5.6),
            ("31B", "BF16", "NVIDIA-H200", 2, 1, 821, 12.32),
            ("31B", "BF16", "NVIDIA-RTX-PRO-6000-Blackwell-Workstation-Edition", 1, 1, 1124, 41.5),
            ("31B", "W4A16", "NVIDIA-GeForce-RTX-3090", 2, 1, 8320, 17.3),
            ("26B-A4B", "Q4_K_M", "NVIDIA-GeForce-RTX-5090", 1, 1, 4096, 5.55),
            ("12B", "Q8_0", "NVIDIA-GeForce-RTX-3090", 1, 1, 750, 19.5),
            ("12B", "Q4_K_M", "NVIDIA-Thor", 1, 1, 640, 53.5),
        ],
    )
    def test_a_step_takes_what_was_measured_within_15_percent(
        self, make, variant, quantization, product, gpus, batch, context, measured
    ):
        rates = speed(make(variant, quantization, product, gpus=gpus))
        assert milliseconds(rates, batch=batch, context=context) == pytest.approx(measured, rel=0.15)


class TestWhatIsFast:
    def test_26b_a4b_answers_five_times_as_fast_as_31b_where_bandwidth_is_poor(self, make):
        dense, sparse = (speed(make(variant, "BF16", "NVIDIA-GB10")) for variant in ("31B", "26B-A4B"))
        assert milliseconds(dense) / milliseconds(sparse) > 5

    def test_experts_help_less_the_more_streams_there_are(self, make):
        dense, sparse = (speed(make(variant, "BF16", "NVIDIA-GB10")) for variant in ("31B", "26B-A4B"))
        gains = [milliseconds(dense, batch=batch) / milliseconds(sparse, batch=batch) for batch in (1, 8, 32)]
        assert gains == sorted(gains, reverse=True)

    def test_fp4_without_units_for_it_decodes_faster_and_reads_prompts_more_slowly(self, make):
        exact, small = (speed(make("31B", quantization, "NVIDIA-GB10")) for quantization in ("BF16", "NVFP4"))
        assert milliseconds(small) < 0.6 * milliseconds(exact)
        assert small.prefill_seconds(4096) > 1.15 * exact.prefill_seconds(4096)

    def test_fp4_with_units_for_it_reads_prompts_faster_as_well(self, make):
        product = "NVIDIA-RTX-PRO-6000-Blackwell-Workstation-Edition"
        exact, small = (
            speed(make("31B", quantization, product, repository=repository))
            for quantization, repository in (("BF16", ""), ("NVFP4", "RedHatAI/gemma-4-31B-it-NVFP4"))
        )
        assert milliseconds(small) < 0.5 * milliseconds(exact)
        assert small.prefill_seconds(4096) < 0.6 * exact.prefill_seconds(4096)

    def test_bringing_inputs_to_fp4_costs_a_launch_for_each_product(self, make):
        mlp_only, all_linears = (
            speed(make("31B", "NVFP4", "NVIDIA-B200", repository=repository)).fixed_seconds
            for repository in ("nvidia/Gemma-4-31B-IT-NVFP4", "RedHatAI/gemma-4-31B-it-NVFP4")
        )
        unpacked = speed(make("31B", "NVFP4", "NVIDIA-H200")).fixed_seconds
        assert [round(1e6 * (seconds - unpacked) / 60) for seconds in (mlp_only, all_linears)] == [20, 40]

    def test_fp8_is_unpacked_where_there_are_no_units_for_it(self, make):
        shape = make("31B", "FP8", "NVIDIA-L40S")
        without = speed(device_with(shape, fp8_flops=0.0))
        exact = speed(make("31B", "BF16", "NVIDIA-L40S"))
        assert speed(shape).token_seconds < exact.token_seconds < without.token_seconds
        assert without.dense_seconds == speed(shape).dense_seconds

    def test_unpacking_experts_is_free(self, make):
        exact, small = (speed(make("26B-A4B", quantization, "NVIDIA-GB10")) for quantization in ("BF16", "NVFP4"))
        assert small.token_seconds == pytest.approx(exact.token_seconds)

    def test_hopper_scores_long_prompts_faster_than_ampere_by_more_than_their_arithmetic(self, make):
        hopper, ampere = (
            speed(make("31B", "BF16", name)) for name in ("NVIDIA-H100-80GB-HBM3", "NVIDIA-A100-SXM4-80GB")
        )
        assert ampere.full_score_seconds / hopper.full_score_seconds == pytest.approx(2 * 989 / 312)


class TestSeveralGPUs:
    def test_tensor_parallel_divides_weights_cache_and_arithmetic_and_adds_all_reduces(self, make):
        one, two = (speed(make("31B", "BF16", "NVIDIA-H100-80GB-HBM3", gpus=gpus)) for gpus in (1, 2))
        assert two.dense_seconds == one.dense_seconds / 2
        assert two.full_seconds == one.full_seconds / 2
        assert two.fixed_seconds == pytest.approx(one.fixed_seconds + 60 * 2 * 8e-6)
        assert two.token_seconds > one.token_seconds / 2

    def test_a_single_head_is_read_by_every_gpu(self, make):
        one, four = (speed(make("12B", "BF16", "NVIDIA-H100-80GB-HBM3", gpus=gpus)) for gpus in (1, 4))
        assert four.full_seconds == one.full_seconds
        assert four.sliding_seconds == one.sliding_seconds / 4

    def test_llama_cpp_lets_gpus_take_turns(self, make):
        one, two = (speed(make("31B", "Q8_0", "NVIDIA-GeForce-RTX-3090", gpus=gpus)) for gpus in (1, 2))
        assert one == two

    def test_a_slow_link_makes_prompts_slower_and_leaves_single_answers_alone(self, make):
        shape = make("31B", "BF16", "NVIDIA-H100-80GB-HBM3", gpus=2)
        slow, fast = speed(device_with(shape, link_bytes_per_second=0.0)), speed(shape)
        assert slow.prefill_seconds(8192) > 1.5 * fast.prefill_seconds(8192)
        assert milliseconds(slow) == pytest.approx(milliseconds(fast), rel=0.02)


class TestPrompts:
    def test_a_prompt_costs_its_arithmetic_a_step_and_what_is_outside_the_gpu(self, make):
        rates = speed(make("31B", "BF16", "NVIDIA-H200"))
        alone = rates.prefill_seconds(2000) - PROMPT_SECONDS - rates.fixed_seconds - rates.dense_seconds
        assert alone == pytest.approx(2000 * rates.prefill_seconds_per_token(2000))

    def test_long_prompts_take_a_step_for_each_piece(self, make):
        small, large = (speed(make("31B", "BF16", "NVIDIA-H200", max_batched_tokens=tokens)) for tokens in (512, 8192))
        pieces = 8192 / 512 - 1
        extra = small.prefill_seconds(8192) - large.prefill_seconds(8192)
        assert extra == pytest.approx(pieces * (small.fixed_seconds + small.dense_seconds))

    def test_scores_grow_with_the_length_in_full_layers_and_stop_in_sliding_ones(self, make):
        rates = speed(make("31B", "BF16", "NVIDIA-H200"))
        growth = rates.prefill_seconds_per_token(30000) - rates.prefill_seconds_per_token(20000)
        sliding = rates.sliding_score_seconds * 1024 * 1024 * (1 / 40000 - 1 / 60000)
        assert growth == pytest.approx(5000 * rates.full_score_seconds + sliding)

    def test_there_is_no_jump_at_the_window(self, make):
        rates = speed(make("31B", "BF16", "NVIDIA-H200"))
        before, at, after = (rates.prefill_seconds_per_token(tokens) for tokens in (1023.99, 1024, 1024.01))
        assert before == pytest.approx(at, rel=1e-5)
        assert after == pytest.approx(at, rel=1e-5)

    def test_a_prompt_that_meets_others_waits_for_them(self, make):
        rates = speed(make("31B", "BF16", "NVIDIA-H200"))
        step = rates.decode_seconds(batch=32, context_tokens=4096)
        met = rates.first_token_seconds(batch=32, context_tokens=4096, prompt_tokens=2048)
        assert rates.prefill_seconds(2048) + step / 2 < met < rates.prefill_seconds(2048) + 1.5 * step

    def test_all_experts_are_read_for_a_prompt_of_a_few_hundred_tokens(self, make):
        rates = speed(make("26B-A4B", "BF16", "NVIDIA-GB10"))
        weights = 128 * rates.expert_seconds
        assert weights < rates.prefill_seconds(256) < weights + 0.15


class TestMixedSteps:
    def test_without_a_prompt_it_is_a_decode_step(self, make):
        rates = speed(make("26B-A4B", "FP8", "NVIDIA-L40S"))
        assert rates.mixed_step_seconds(batch=7, context_tokens=900, prefill_tokens=0) == rates.decode_seconds(
            batch=7, context_tokens=900
        )

    def test_a_full_step_of_the_default_size_is_longer_than_a_tight_target_and_768_tokens_are_not(self, make):
        """31B on two H100, as in the simulations that chose 768 for 60 ms."""
        rates = speed(make("31B", "BF16", "NVIDIA-H100-80GB-HBM3", gpus=2))
        full, small = (
            rates.mixed_step_seconds(batch=32, context_tokens=1500, prefill_tokens=tokens) for tokens in (8192, 768)
        )
        assert full > 0.25
        assert small < 0.075


class TestEdges:
    def test_a_gpu_without_bf16_is_taken_for_the_least_in_use(self, make):
        shape = make("E4B", "Q8_0", "NVIDIA-L4")
        old = speed(device_with(shape, bf16_flops=0.0))
        like = speed(device_with(shape, bf16_flops=35 * shape.device.bandwidth))
        assert old == like

    def test_nothing_is_infinite_at_the_ends(self, make):
        rates = speed(make("31B", "BF16", "NVIDIA-L4"))
        assert 0 < rates.decode_seconds(batch=1024, context_tokens=262144) < 3600
        assert 0 < rates.prefill_seconds(262144) < 86400
        assert 0 < rates.decode_seconds(batch=0, context_tokens=0) < 1


def test_a_shape_is_worked_out_once(make):
    assert speed(make("31B", "BF16", "NVIDIA-H200")) is speed(make("31B", "BF16", "NVIDIA-H200"))


def test_a_slice_is_as_fast_as_its_share(catalog: Catalog, make):
    gpu = catalog.gpu("NVIDIA-H100-80GB-HBM3")
    assert gpu is not None
    half = next(profile for profile in gpu.mig if profile.name == "3g.40gb")
    sliced = device_of(gpu, profile=half)
    shape = make("12B", "FP8", "NVIDIA-H100-80GB-HBM3")
    whole, part = speed(shape), speed(replace(shape, device=sliced))
    assert part.dense_seconds == pytest.approx(2 * whole.dense_seconds)
    assert part.token_seconds == pytest.approx(7 / 3 * whole.token_seconds)
