"""What people's words mean, and which reports are compared."""

import pytest

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.planner.shape import KvDtype
from tests.accuracy import reports as module
from tests.accuracy.gb10 import closed_loop, loaded_pairs
from tests.accuracy.rules import why_no_benchmark, why_no_case
from tests.accuracy.words import checkpoint_of, is_refused, lengths_of, product_of, prompt_rate_of, rate_of, variant_of

CASE = {
    "id": "c0",
    "kind": "decode_speed",
    "variant": "31B",
    "checkpoint": "google/gemma-4-31B-it",
    "quantization": "bf16",
    "engine": "vllm",
    "gpu": "H200",
    "gpu_count": 1,
    "flags": {},
    "load": {"concurrency": 1},
    "outcome": {"decode_tok_s_c1": 60},
    "confidence": "high",
    "source": "somebody",
}
BENCHMARK = {
    "hardware": "1x H200",
    "model": "31B-it",
    "engine": "vLLM 0.26.0",
    "quant": "bf16",
    "in_out": "1024/200",
    "concurrency": 1,
    "output_tok_s": 60,
    "ttft_ms": None,
    "tpot_ms": None,
    "source": "somebody",
}


class TestRules:
    @pytest.mark.parametrize(
        ("change", "word"),
        [
            ({}, None),
            ({"confidence": "medium"}, "confidence"),
            ({"variant": "Gemma3-12B"}, "another model"),
            ({"checkpoint": "google/gemma-4-31B-it + assistant drafter"}, "speculative"),
            ({"flags": {"speculative": "eagle3 k=5"}}, "speculative"),
            ({"engine": "tensorrt-llm"}, "not ours"),
            ({"engine": "beellama.cpp (llama.cpp fork)"}, "not ours"),
            ({"gpu": "Radeon AI PRO R9700"}, "GPU"),
            ({"flags": {"enforce-eager": True}}, "graphs"),
            ({"gpu": "RTX 3090 with 15.1 GB free"}, "CPU"),
            ({"checkpoint": "a/b", "quantization": "nvfp4"}, "four bits"),
            ({"outcome": {"output_tok_s_total": 500}}, "no rate"),
            ({"source": "djangodevreng/dgx-spark-benchmarks"}, "trace"),
        ],
        ids=str,
    )
    def test_of_field_cases(self, change: dict, word: str | None):
        why = why_no_case(CASE | change)
        assert why is None if word is None else word in (why or "")

    @pytest.mark.parametrize(
        ("change", "word"),
        [
            ({}, None),
            ({"model": "31B-it bf16 + MTP"}, "speculative"),
            ({"model": "DiffusionGemma 26B FP8"}, "another model"),
            ({"model": "26B-A4B-it + image"}, "images"),
            ({"concurrency": "sweep 1-64"}, "streams"),
            ({"hardware": "1x MI300X"}, "GPU"),
            ({"engine": "vLLM 0.19.0"}, "refuses"),
            ({"source": "github djangodevreng/dgx-spark-benchmarks"}, "trace"),
        ],
        ids=str,
    )
    def test_of_benchmarks(self, change: dict, word: str | None):
        why = why_no_benchmark(BENCHMARK | change)
        assert why is None if word is None else word in (why or "")

    def test_no_rule_knows_what_a_prediction_would_be(self):
        """A report that is off by any factor is compared all the same."""
        assert why_no_case(CASE | {"outcome": {"decode_tok_s_c1": 1}}) is None
        assert why_no_benchmark(BENCHMARK | {"output_tok_s": 100_000}) is None


class TestWords:
    @pytest.mark.parametrize(
        ("words", "product"),
        [
            ("2x RTX 3090 TP2", "NVIDIA-GeForce-RTX-3090"),
            ("RTX PRO 6000 SE", "NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition"),
            ("RTX PRO 6000", "NVIDIA-RTX-PRO-6000-Blackwell-Workstation-Edition"),
            ("DGX Spark GB10", "NVIDIA-GB10"),
            ("Jetson AGX Thor", "NVIDIA-Thor"),
            ("H100 NVL", "NVIDIA-H100-NVL"),
            ("RTX 5090 Laptop", None),
            ("AMD APU in a ProArt PX13", None),
        ],
    )
    def test_gpus(self, words: str, product: str | None):
        assert product_of(words) == product

    @pytest.mark.parametrize(
        ("words", "variant"),
        [("31B-it", Variant.V31B), ("26B AWQ no spec", Variant.V26B_A4B), ("12B Q8_K_XL, ctx 256K", Variant.V12B)],
    )
    def test_variants(self, words: str, variant: Variant):
        assert variant_of(words) is variant

    @pytest.mark.parametrize(
        ("words", "repository", "found"),
        [
            ("fp8 on-line", "a/b", "RedHatAI/gemma-4-31B-it-FP8-dynamic"),
            ("nvfp4 all linears", "a/b", "RedHatAI/gemma-4-31B-it-NVFP4"),
            ("nvfp4 (MLP only)", "a/b", "nvidia/Gemma-4-31B-IT-NVFP4"),
            ("nvfp4", "a/b", None),
            ("int4 W4A16 (QAT)", "cyankiwi/gemma-4-31B-it-AWQ-4bit", "cyankiwi/gemma-4-31B-it-AWQ-4bit"),
            ("mxfp4", "a/b", None),
        ],
    )
    def test_weights(self, words: str, repository: str, found: str | None):
        row = checkpoint_of(Variant.V31B, words, repository)
        assert (row.repository if row else None) == found

    def test_figures(self):
        assert rate_of("138.9/138.7") == 138.9
        assert lengths_of("~610/422") == (610, 422)
        assert lengths_of("@4K ctx (prefill 8799 tok/s)") == (4096, None)
        assert lengths_of("chat") == (None, None)
        assert prompt_rate_of("pp512/tg128 (prefill 792 tok/s)") == 792
        assert prompt_rate_of("chat") is None

    def test_versions(self):
        assert is_refused("vLLM 0.19.0", Variant.E4B)
        assert not is_refused("vLLM 0.33.0", Variant.E4B)
        assert not is_refused("vLLM nightly", Variant.E4B)
        assert not is_refused("SGLang", Variant.E4B)


class TestReports:
    def test_every_row_is_compared_or_left_out_by_a_rule(self):
        names = [one.name for one in (*module.reports(), *module.left_out())]
        assert len(names) == len(set(names)) == 41 + 47  # published figures, and field cases of speed

    def test_constants_rest_on_reports_that_exist(self):
        rested = [report.name for report in module.reports() if report.chose]
        assert all(any(name.startswith(start) for name in rested) for start in module._RESTED_ON)
        assert len(rested) < len(module.reports()) / 2 + 1

    def test_a_busy_server_is_read_with_the_streams_that_decode(self):
        busy = next(one for one in module.reports() if "E4B-it, SGLang, ~513/511" in one.name)
        assert busy.streams == pytest.approx(7002.7 * 0.01336)
        assert busy.shape.model.variant is Variant.E4B
        assert busy.shape.checkpoint.quantization is Quantization.BF16

    def test_flags_are_heeded(self):
        ollama_or_llama = [one for one in module.reports() if one.shape.engine is not EngineType.VLLM]
        assert {one.shape.max_batched_tokens for one in ollama_or_llama} == {512}
        assert all(one.shape.kv_dtype in (KvDtype.BF16, KvDtype.FP8) for one in module.reports())


class TestTrace:
    def test_all_rows_of_the_closed_loop_are_there(self):
        assert len(closed_loop()) == 176
        assert {row.streams for row in closed_loop()} == {1, 5, 10, 20}

    def test_prompts_have_their_true_lengths(self):
        long = next(row for row in closed_loop() if row.test == "06-concurrency-stress" and row.variant is Variant.V31B)
        assert 22_000 < long.prompt_tokens < 23_500
        assert all(row.prompt_tokens <= 25_000 for row in closed_loop())

    def test_streams_that_ended_early_are_not_counted_as_busy(self):
        early = [row for row in closed_loop() if row.test == "03-long-output" and row.streams == 10]
        assert all(5 < row.busy_streams < 10 for row in early)

    def test_runs_that_only_queue_are_not_steady(self):
        assert len(list(loaded_pairs())) == 66
