"""The built-in rows against what is known from elsewhere: totals, published sizes, product names, MIG profiles."""

from itertools import pairwise

import pytest

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.catalog.checkpoints import Checkpoint, Tuning
from gemma4_operator.catalog.gpus import Gpu, Link
from gemma4_operator.catalog.loader import builtin_catalog, size_off

CATALOG = builtin_catalog()
GIB = 2**30

# Parameters in each checkpoint, counted by transformers 5.24 on the meta device; bytes of keys and values that one
# token adds to full layers, and to sliding ones while it is in their window (Gemma 4's config.json, in BF16).
TOTALS: dict[Variant, tuple[int, int, int]] = {
    Variant.V31B: (31_273_086_512, 81_920, 819_200),
    Variant.V26B_A4B: (25_805_933_872, 20_480, 204_800),
    Variant.V12B: (11_959_730_176, 16_384, 327_680),
    Variant.E4B: (7_941_100_832, 16_384, 40_960),
    Variant.E2B: (5_104_297_504, 6_144, 12_288),
}


class TestModels:
    @pytest.mark.parametrize("variant", Variant)
    def test_the_parts_are_the_whole(self, variant: Variant) -> None:
        assert CATALOG.models[variant].parameters.total == TOTALS[variant][0]

    @pytest.mark.parametrize("variant", Variant)
    def test_keys_and_values_of_a_token_are_what_the_family_is_known_for(self, variant: Variant) -> None:
        model = CATALOG.models[variant]
        full = model.full_kv_layers * 2 * model.full_kv_heads * model.full_head_dim * 2
        sliding = model.sliding_kv_layers * 2 * model.sliding_kv_heads * model.sliding_head_dim * 2
        assert (full, sliding) == TOTALS[variant][1:]

    @pytest.mark.parametrize("variant", Variant)
    def test_the_table_of_tokens_is_the_vocabulary_by_the_hidden_size(self, variant: Variant) -> None:
        model = CATALOG.models[variant]
        assert model.parameters.embeddings == model.vocabulary_size * model.hidden_size
        per_layer = model.vocabulary_size * model.layers * model.per_layer_embedding_dim
        assert model.parameters.per_layer_embeddings == per_layer

    def test_only_e_models_reuse_caches_of_other_layers(self) -> None:
        for variant, model in CATALOG.models.items():
            reused = model.layers - model.sliding_kv_layers - model.full_kv_layers
            assert reused == {Variant.E4B: 18, Variant.E2B: 20}.get(variant, 0)

    def test_only_the_mixture_has_experts(self) -> None:
        for variant, model in CATALOG.models.items():
            is_mixture = variant is Variant.V26B_A4B
            assert (model.experts, model.experts_per_token) == ((128, 8) if is_mixture else (0, 0))
            assert (model.parameters.experts > 0) == is_mixture

    def test_a_token_of_the_mixture_uses_3_8_billion_parameters(self) -> None:
        model = CATALOG.models[Variant.V26B_A4B]
        parts = model.parameters
        active = (
            parts.attention + parts.mlp + parts.embeddings + parts.experts * model.experts_per_token / model.experts
        )
        assert active == pytest.approx(3.82e9, rel=0.01)

    def test_audio_is_heard_by_the_three_smaller_ones(self) -> None:
        hearing = {variant for variant, model in CATALOG.models.items() if "Audio" in model.modalities}
        assert hearing == {Variant.V12B, Variant.E4B, Variant.E2B}
        assert all((model.parameters.audio > 0) == (variant in hearing) for variant, model in CATALOG.models.items())

    def test_context_reaches_256k_tokens_and_half_of_it_in_e_models(self) -> None:
        for variant, model in CATALOG.models.items():
            assert model.max_context_tokens == (131_072 if variant in (Variant.E4B, Variant.E2B) else 262_144)

    @pytest.mark.parametrize("variant", Variant)
    def test_each_has_its_drafter(self, variant: Variant) -> None:
        drafter = CATALOG.models[variant].drafter
        assert drafter is not None
        assert drafter.repository == f"google/gemma-4-{variant}-it-assistant"
        assert drafter.bytes < CATALOG.weights_bytes(variant, Quantization.BF16) / 15

    def test_the_one_score_that_nobody_published_says_so(self) -> None:
        guesses = {variant for variant, model in CATALOG.models.items() if "guess" in model.score_source}
        assert guesses == {Variant.V12B}


# Sizes in 10^9 bytes that others measured or that follow from lists of layers, by repository and file.
SIZES: dict[tuple[str, str | None], float] = {
    ("google/gemma-4-31B-it", None): 62.546,
    ("google/gemma-4-26B-A4B-it", None): 51.612,
    ("google/gemma-4-12B-it", None): 23.919,
    ("google/gemma-4-E4B-it", None): 15.988,
    ("google/gemma-4-E2B-it", None): 10.243,
    ("nvidia/Gemma-4-31B-IT-NVFP4", None): 32.7,
    ("nvidia/Gemma-4-26B-A4B-NVFP4", None): 18.8,
    ("RedHatAI/gemma-4-31B-it-FP8-dynamic", None): 33.26,
    ("RedHatAI/gemma-4-26B-A4B-it-FP8-dynamic", None): 27.13,
    ("RedHatAI/gemma-4-12B-it-FP8-Dynamic", None): 13.02,
    ("RedHatAI/gemma-4-E4B-it-FP8-dynamic", None): 11.99,
    ("RedHatAI/gemma-4-E2B-it-FP8-dynamic", None): 8.37,
    ("google/gemma-4-31B-it-qat-w4a16-ct", None): 22.0,
    ("google/gemma-4-12B-it-qat-w4a16-ct", None): 9.56 * GIB / 1e9,
    ("cyankiwi/gemma-4-26B-A4B-it-AWQ-4bit", None): 16.0 * GIB / 1e9,
    ("Intel/gemma-4-31B-it-int4-AutoRound", None): 21.2,
    ("unsloth/gemma-4-31B-it-GGUF", "gemma-4-31B-it-Q4_K_M.gguf"): 18.3,
    ("unsloth/gemma-4-31B-it-GGUF", "gemma-4-31B-it-Q6_K.gguf"): 25.2,
    ("ggml-org/gemma-4-26B-A4B-it-GGUF", "gemma-4-26B-A4B-it-Q4_K_M.gguf"): 16.796,
    ("ggml-org/gemma-4-26B-A4B-it-GGUF", "gemma-4-26B-A4B-it-Q8_0.gguf"): 26.86,
    ("unsloth/gemma-4-12b-it-GGUF", "gemma-4-12b-it-Q4_K_M.gguf"): 7.122,
    ("unsloth/gemma-4-12b-it-GGUF", "gemma-4-12b-it-Q8_0.gguf"): 12.67,
    ("unsloth/gemma-4-E4B-it-GGUF", "gemma-4-E4B-it-Q4_K_M.gguf"): 5.0 * GIB / 1e9,
    ("google/gemma-4-E4B-it-qat-q4_0-gguf", "gemma-4-E4B_q4_0-it.gguf"): 5.15,
    ("unsloth/gemma-4-E2B-it-GGUF", "gemma-4-E2B-it-Q4_K_M.gguf"): 3.107,
}
# The least bits a weight can take in a format, scales included: blocks of 32 weights share 16 bits of scale.
LEAST_BITS = {Quantization.W4A16: 4.125, Quantization.NVFP4: 4.5, Quantization.FP8: 8.0}
QUANTIZED = [row for row in CATALOG.checkpoints if row.quantization in LEAST_BITS]


class TestCheckpoints:
    @pytest.mark.parametrize(("repository", "file"), SIZES)
    def test_it_is_as_large_as_it_was_measured(self, repository: str, file: str | None) -> None:
        row = CATALOG.find(repository, file)
        assert row is not None
        assert row.bytes / 1e9 == pytest.approx(SIZES[repository, file], rel=0.01)

    @pytest.mark.parametrize("row", CATALOG.checkpoints, ids=lambda row: f"{row.repository} {row.file}")
    def test_what_lies_in_memory_is_never_more_than_what_is_downloaded(self, row: Checkpoint) -> None:
        assert row.resident_bytes <= row.bytes
        assert abs(size_off(row, CATALOG.models[row.variant])) < 0.01

    @pytest.mark.parametrize("row", QUANTIZED, ids=lambda row: f"{row.repository} {row.file}")
    def test_no_part_takes_fewer_bits_than_its_format_allows(self, row: Checkpoint) -> None:
        if "mobile" not in row.repository:
            bits = [getattr(row.bits, part) for part in ("attention", "mlp", "experts")]
            assert min(bits) >= LEAST_BITS[row.quantization]

    @pytest.mark.parametrize("row", QUANTIZED, ids=lambda row: f"{row.repository} {row.file}")
    def test_what_vllm_serves_leaves_encoders_and_embeddings_alone(self, row: Checkpoint) -> None:
        if "mobile" not in row.repository:
            assert (row.bits.embeddings, row.bits.per_layer_embeddings) == (16, 16)
            assert (row.bits.vision, row.bits.audio) == (16, 16)

    @pytest.mark.parametrize("row", [row for row in CATALOG.checkpoints if row.file], ids=lambda row: str(row.file))
    def test_gguf_files_hold_no_encoders_which_are_a_file_of_their_own(self, row: Checkpoint) -> None:
        model = CATALOG.models[row.variant]
        assert row.bits.vision == 0
        assert row.bits.audio == 0 or model.parameters.audio == 0

    def test_losses_grow_as_files_shrink(self) -> None:
        order = [Quantization.Q8_0, Quantization.Q6_K, Quantization.Q5_K_M, Quantization.Q4_K_M]
        for variant in Variant:
            rows = [row for row in (CATALOG.preferred(variant, one) for one in order) if row is not None]
            assert [row.score_loss for row in rows] == sorted(row.score_loss for row in rows)
            assert [row.bytes for row in rows] == sorted((row.bytes for row in rows), reverse=True)

    def test_loss_that_nobody_measured_is_called_a_guess(self) -> None:
        for row in CATALOG.checkpoints:
            assert (row.score_loss == 0) or "guess" in row.source or "GPQA" in row.source, row.repository

    def test_licences_are_apaches_or_nvidias(self) -> None:
        assert {row.licence for row in CATALOG.checkpoints} == {"Apache-2.0", "NVIDIA Open Model License"}
        assert {row.licence for row in CATALOG.engines.values()} == {"Apache-2.0", "MIT", "NVIDIA AI Enterprise"}

    def test_one_is_preferred_of_each_format_that_is_known(self) -> None:
        known = {(row.variant, row.quantization, row.tuning) for row in CATALOG.checkpoints}
        preferred = [(row.variant, row.quantization, row.tuning) for row in CATALOG.checkpoints if row.preferred]
        assert sorted(preferred) == sorted(known)

    def test_base_models_are_in_bf16_only(self) -> None:
        base = {(row.variant, row.quantization) for row in CATALOG.checkpoints if row.tuning is Tuning.BASE}
        assert base == {(variant, Quantization.BF16) for variant in Variant}

    def test_models_of_another_kind_stay_out(self) -> None:
        names = " ".join(row.repository.lower() for row in CATALOG.checkpoints)
        assert "diffusion" not in names
        assert "embedding" not in names


# Memory as the driver reports it in MiB, bandwidth in 10^9 bytes per second, compute capability.
GPUS: dict[str, tuple[int, float, str]] = {
    "Tesla-T4": (15360, 320, "7.5"),
    "Tesla-V100-SXM2-16GB": (16384, 900, "7.0"),
    "Tesla-V100-SXM2-32GB": (32768, 900, "7.0"),
    "NVIDIA-A10": (23028, 600, "8.6"),
    "NVIDIA-A10G": (23028, 600, "8.6"),
    "NVIDIA-A30": (24576, 933, "8.0"),
    "NVIDIA-A40": (46068, 696, "8.6"),
    "NVIDIA-RTX-A6000": (49140, 768, "8.6"),
    "NVIDIA-A100-SXM4-40GB": (40960, 1555, "8.0"),
    "NVIDIA-A100-PCIE-40GB": (40960, 1555, "8.0"),
    "NVIDIA-A100-SXM4-80GB": (81920, 2039, "8.0"),
    "NVIDIA-A100-80GB-PCIe": (81920, 1935, "8.0"),
    "NVIDIA-L4": (23034, 300, "8.9"),
    "NVIDIA-L40S": (46068, 864, "8.9"),
    "NVIDIA-L40": (46068, 864, "8.9"),
    "NVIDIA-GeForce-RTX-3090": (24576, 936, "8.6"),
    "NVIDIA-GeForce-RTX-4090": (24564, 1008, "8.9"),
    "NVIDIA-RTX-6000-Ada-Generation": (49140, 960, "8.9"),
    "NVIDIA-RTX-4000-SFF-Ada-Generation": (20475, 280, "8.9"),
    "NVIDIA-H100-PCIe": (81559, 2000, "9.0"),
    "NVIDIA-H100-80GB-HBM3": (81559, 3350, "9.0"),
    "NVIDIA-H100-NVL": (95830, 3900, "9.0"),
    "NVIDIA-H200": (143771, 4800, "9.0"),
    "NVIDIA-H200-NVL": (143771, 4800, "9.0"),
    "NVIDIA-H20": (97871, 4000, "9.0"),
    "NVIDIA-GH200-480GB": (97871, 4000, "9.0"),
    "NVIDIA-B200": (183359, 7700, "10.0"),
    "NVIDIA-B300-SXM6-AC": (275040, 7750, "10.3"),
    "NVIDIA-GB200": (189471, 8000, "10.0"),
    "NVIDIA-GB300": (284208, 8000, "10.3"),
    "NVIDIA-GeForce-RTX-5090": (32607, 1792, "12.0"),
    "NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition": (97887, 1396, "12.0"),
    "NVIDIA-RTX-PRO-6000-Blackwell-Workstation-Edition": (97887, 1792, "12.0"),
    "NVIDIA-RTX-PRO-6000-Blackwell-Max-Q-Workstation-Edition": (97887, 1792, "12.0"),
    "NVIDIA-GB10": (122880, 273, "12.1"),
    "Jetson-AGX-Orin-64GB": (62841, 204.8, "8.7"),
    "Jetson-Orin-NX-16GB": (15656, 102.4, "8.7"),
    "Jetson-Orin-Nano-8GB": (7620, 102, "8.7"),
    "Jetson-T5000": (125772, 273, "11.0"),
}
# Profiles that mig-parted configures, by product.
H100_PROFILES = "1g.10gb 1g.20gb 2g.20gb 3g.40gb 4g.40gb 7g.80gb"
PROFILES: dict[str, str] = {
    "NVIDIA-A100-SXM4-40GB": "1g.5gb 2g.10gb 3g.20gb 4g.20gb 7g.40gb",
    "NVIDIA-A100-PCIE-40GB": "1g.5gb 2g.10gb 3g.20gb 4g.20gb 7g.40gb",
    "NVIDIA-A100-SXM4-80GB": H100_PROFILES,
    "NVIDIA-H100-PCIe": H100_PROFILES,
    "NVIDIA-H100-80GB-HBM3": H100_PROFILES,
    "NVIDIA-A30": "1g.6gb 2g.12gb 4g.24gb",
    "NVIDIA-H100-NVL": "1g.12gb 1g.24gb 2g.24gb 3g.47gb 7g.94gb",
    "NVIDIA-GH200-480GB": "1g.12gb 1g.24gb 2g.24gb 3g.48gb 7g.96gb",
    "NVIDIA-H200": "1g.18gb 1g.35gb 2g.35gb 3g.71gb 7g.141gb",
    "NVIDIA-H200-NVL": "1g.18gb 1g.35gb 2g.35gb 3g.71gb 7g.141gb",
    "NVIDIA-B200": "1g.23gb 1g.45gb 2g.45gb 3g.90gb 7g.180gb",
    "NVIDIA-GB200": "1g.23gb 1g.47gb 2g.47gb 3g.93gb 7g.186gb",
    "NVIDIA-B300-SXM6-AC": "1g.34gb 1g.67gb 2g.67gb 3g.135gb 7g.269gb",
    "NVIDIA-GB300": "1g.35gb 2g.70gb 3g.139gb",
    "NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition": "1g.24gb 2g.48gb 4g.96gb",
}


def gpu(product: str) -> Gpu:
    row = CATALOG.gpu(product)
    assert row is not None
    return row


class TestGpus:
    @pytest.mark.parametrize("product", GPUS)
    def test_it_is_as_large_and_as_fast_as_it_is_known_to_be(self, product: str) -> None:
        row = gpu(product)
        assert (row.memory_mib, row.bandwidth_gb_per_second, row.compute_capability) == GPUS[product]

    @pytest.mark.parametrize("product", PROFILES)
    def test_it_is_cut_as_mig_parted_cuts_it(self, product: str) -> None:
        assert " ".join(profile.name for profile in gpu(product).mig) == PROFILES[product]

    @pytest.mark.parametrize("row", [row for row in CATALOG.gpus if row.mig], ids=lambda row: row.products[0])
    def test_a_profiles_name_says_its_compute_and_about_its_memory(self, row: Gpu) -> None:
        for profile in row.mig:
            compute, _, memory_gb = profile.name.removesuffix("gb").partition("g.")
            assert profile.compute_slices == int(compute)
            assert 0.85 * int(memory_gb) * 1024 < profile.memory_mib <= int(memory_gb) * 1024
            assert profile.memory_slices <= row.memory_slices
            assert profile.memory_mib < row.memory_mib

    def test_hardware_without_bf16_is_what_came_before_ampere(self) -> None:
        for row in CATALOG.gpus:
            major = int(row.compute_capability.partition(".")[0])
            assert (row.bf16_tflops is None) == (major < 8), row.products

    def test_fp8_came_with_ada_and_fp4_with_blackwell(self) -> None:
        for row in CATALOG.gpus:
            capability = float(row.compute_capability)
            assert (row.fp8_tflops is not None) == (capability >= 8.9), row.products
            assert (row.fp4_tflops is not None) == (capability >= 10.0), row.products

    def test_narrower_numbers_are_at_least_almost_twice_as_fast(self) -> None:
        for row in CATALOG.gpus:
            steps = [figure for figure in (row.bf16_tflops, row.fp8_tflops, row.fp4_tflops) if figure is not None]
            for wide, narrow in pairwise(steps):
                assert narrow >= 1.95 * wide, row.products

    def test_memory_that_is_the_machines_leaves_some_to_the_system(self) -> None:
        for row in CATALOG.gpus:
            assert row.unified_memory == (row.reserved_mib > 0), row.products
            assert row.reserved_mib <= row.memory_mib / 4, row.products

    def test_all_but_gb10_bear_a_memory_label(self) -> None:
        assert [row.products[0] for row in CATALOG.gpus if not row.memory_label] == ["NVIDIA-GB10"]

    def test_a_link_has_a_speed_and_no_link_has_none(self) -> None:
        for row in CATALOG.gpus:
            assert (row.link is Link.NONE) == (row.link_gb_per_second is None), row.products
            if row.link is Link.PCIE:
                assert row.link_gb_per_second in (16, 32, 64), row.products

    def test_a_guessed_price_says_how_it_was_guessed(self) -> None:
        for row in CATALOG.gpus:
            if row.price_source.startswith("a guess"):
                assert len(row.price_source.partition(":")[2] or row.price_source.removeprefix("a guess")) > 10

    def test_hardware_that_is_bought_is_priced_by_what_it_costs_over_three_years(self) -> None:
        bought = [row for row in CATALOG.gpus if row.unified_memory]
        assert bought
        assert all("over three years" in row.price_source for row in bought)


class TestEngines:
    def test_formats_of_llama_cpp_are_files_and_those_of_vllm_are_not(self) -> None:
        for engine, row in CATALOG.engines.items():
            files = {quantization for quantization in row.formats if quantization.is_gguf}
            if engine in (EngineType.VLLM, EngineType.NIM):
                assert files == set()
            else:
                assert files == {quantization for quantization in Quantization if quantization.is_gguf}

    def test_nvidias_images_run_what_its_support_matrix_lists(self) -> None:
        """Profiles of LLM NIM 2.0.13; where a format has none, the model-free image runs it."""
        dedicated = CATALOG.engines[EngineType.NIM].dedicated
        profiles = {
            variant: {q.value: counts for q, counts in one.profiles.items()} for variant, one in dedicated.items()
        }
        assert profiles == {
            Variant.V31B: {"BF16": (1, 2, 4), "NVFP4": (1, 2), "W4A16": (2,)},
            Variant.V26B_A4B: {"BF16": (1, 2, 4), "NVFP4": (1,)},
        }
        assert "model-free" in CATALOG.engines[EngineType.NIM].image

    def test_each_known_checkpoint_is_read_by_some_engine(self) -> None:
        for row in CATALOG.checkpoints:
            assert any(row.quantization in engine.formats for engine in CATALOG.engines.values()), row.repository

    def test_the_image_of_each_engine_is_none_of_those_that_are_denied(self) -> None:
        for row in CATALOG.engines.values():
            assert all(row.version not in denied.versions for denied in row.denied)

    def test_a_denial_says_which_version_to_take_instead(self) -> None:
        for row in CATALOG.engines.values():
            assert all("or newer" in denied.because for denied in row.denied)

    @pytest.mark.parametrize(
        ("engine", "version", "variant", "quantization"),
        [
            (EngineType.VLLM, "0.27.0", None, None),
            (EngineType.VLLM, "0.27.1", None, None),
            (EngineType.VLLM, "0.24.0", Variant.V31B, Quantization.FP8),
            (EngineType.VLLM, "0.19.1", Variant.V31B, Quantization.FP8),
            (EngineType.LLAMA_CPP, "b9496", Variant.E4B, None),
        ],
    )
    def test_versions_that_do_not_start_or_answer_nonsense_are_denied(
        self, engine: EngineType, version: str, variant: Variant | None, quantization: Quantization | None
    ) -> None:
        found = [one for one in CATALOG.engines[engine].denied if version in one.versions]
        assert [(one.variants, one.quantizations) for one in found] == [
            ((variant,) if variant else (), (quantization,) if quantization else ())
        ]
