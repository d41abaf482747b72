"""Field reports of memory: how their words are read, which are left out by which rule, and how many are right."""

from typing import Any

import pytest

from gemma4_operator.api.common import EngineType
from gemma4_operator.planner.shape import KvDtype
from tests.accuracy.cases import cases, shape_of_case, version_of_case, why_not
from tests.accuracy.starts import DEMANDED, Check, checks, section

REPORT = {
    "id": "x1",
    "kind": "fit",
    "variant": "31B",
    "checkpoint": "google/gemma-4-31B-it",
    "quantization": "bf16",
    "engine": "vllm",
    "engine_version": "0.24.0",
    "gpu": "H100",
    "gpu_count": 1,
    "gpu_memory_gib": 80,
    "flags": {},
    "load": {},
    "outcome": {"started": True},
    "confidence": "high",
}


def report(*, flags: dict[str, Any] | None = None, outcome: dict[str, Any] | None = None, **changes: Any) -> dict:
    return REPORT | changes | {"flags": flags or {}, "outcome": outcome or {"started": True}}


class TestReading:
    @pytest.mark.parametrize(
        ("told", "version"),
        [
            ("0.22.0", (0, 22, 0)),
            ("0.19.x", (0, 19)),
            ("0.22.1rc1.dev357", (0, 22, 1)),
            ("2026-04 build (0.19.x)", (0, 19)),
            ("nightly 2026-05-05", (0, 21)),
            ("gemma4-unified preview image (2026-06-03)", (0, 23)),
            ("b8783", ()),
            (None, ()),
        ],
    )
    def test_a_version_is_a_number_or_the_release_of_a_month(self, told: str | None, version: tuple[int, ...]):
        assert version_of_case(report(engine_version=told)) == version

    def test_what_is_not_told_is_the_engines_default(self):
        shape = shape_of_case(report())
        assert (shape.max_batched_tokens, shape.max_sequences, shape.memory_utilization) == (8192, 1024, 0.92)
        assert shape.context_tokens == 262144
        assert shape.media == {"Image", "Video"}

    @pytest.mark.parametrize(
        ("flags", "media"),
        [
            ({"language-model-only": True}, frozenset()),
            ({"limit-mm-per-prompt": {"image": 0, "audio": 0}}, frozenset()),
            ({"limit-mm-per-prompt": {"image": 3}}, {"Image", "Video"}),
        ],
        ids=["text alone", "none of each", "three images"],
    )
    def test_encoders_are_loaded_unless_it_says_otherwise(self, flags: dict[str, Any], media: frozenset[str]):
        assert shape_of_case(report(flags=flags)).media == media

    def test_flags_are_taken(self):
        flags = {
            "max-model-len": 8192,
            "max-num-seqs": 4,
            "max-num-batched-tokens": 4096,
            "gpu-memory-utilization": 0.8,
            "kv-cache-dtype": "fp8",
        }
        shape = shape_of_case(report(flags=flags, gpu_count=2))
        assert (shape.context_tokens, shape.max_sequences, shape.max_batched_tokens) == (8192, 4, 4096)
        assert (shape.memory_utilization, shape.kv_dtype, shape.gpus) == (0.8, KvDtype.FP8, 2)

    def test_llama_cpps_context_is_that_of_all_slots(self):
        flags = {"ctx-size": 8192, "parallel": "auto = 4", "ubatch-size": 2048, "cache-type": "q8_0"}
        shape = shape_of_case(report(engine="llama.cpp", quantization="gguf Q4_K_M", flags=flags))
        assert shape.engine is EngineType.LLAMA_CPP
        assert (shape.context_tokens, shape.max_sequences, shape.max_batched_tokens) == (2048, 4, 2048)
        assert shape.kv_dtype is KvDtype.Q8_0

    def test_a_drafter_is_loaded_where_it_is_named(self):
        assert shape_of_case(report(checkpoint="google/gemma-4-31B-it + assistant drafter")).drafter
        assert not shape_of_case(report()).drafter

    def test_a_gpu_that_nobody_knows_is_its_memory(self):
        assert shape_of_case(report(gpu="laptop", gpu_memory_gib=12)).device.memory_bytes == 12 * 2**30

    def test_a_gpu_that_is_limited_is_what_is_left_of_it(self):
        limited = shape_of_case(report(gpu="GB10 limited to 32 GiB", gpu_memory_gib=32)).device
        assert limited.unified_memory
        assert limited.memory_bytes == 32 * 2**30


class TestRules:
    @pytest.mark.parametrize(
        ("case", "because"),
        [
            (report(variant="Gemma3-27B"), "another model"),
            (report(engine="sglang"), "an engine that the operator does not start"),
            (report(flags={"kv-cache-dtype": "int8_per_token_head"}), "each token and head"),
            (report(checkpoint="google/gemma-4-31B-it + EAGLE3 drafter"), "a cache of its own"),
            (report(flags={"disable-hybrid-kv-cache-manager": True}), "all layers counted as full"),
            (report(flags={"flash_attention": False}), "without flash attention"),
            (report(flags={"cpu-offload-gb": 15}), "weights on the CPU"),
            (report(checkpoint="someone/else", quantization="strange"), "neither catalogue nor report"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_leave_out_what_the_operator_would_not_run(self, case: dict, because: str):
        found = why_not(case)
        assert found is not None
        assert because in found

    def test_leave_in_what_it_would(self):
        assert why_not(report()) is None

    def test_weights_that_nobody_knows_count_as_what_was_loaded(self):
        case = report(checkpoint="someone/else", quantization="strange", outcome={"model_load_gib": 20.375})
        assert why_not(case) is None
        assert shape_of_case(case).checkpoint.resident_bytes == 20 * 2**30


class TestFigures:
    def test_nineteen_of_twenty_reports_of_high_confidence_are_right(self):
        high = [check for check in checks() if check.counts]
        assert len({check.case["id"] for check in high}) >= 15
        wrong = {check.case["id"] for check in high if not check.is_right}
        assert len(wrong) <= (1 - DEMANDED) * len({check.case["id"] for check in high})
        assert section().passed

    def test_every_case_is_compared_or_left_out_by_a_rule(self):
        told = section()
        for case in cases():
            if case["kind"] != "weights_size" and case["confidence"] == "high":
                in_table = any(row[0] == case["id"] for row in told.rows)
                named = any(line.startswith(f"{case['id']} is left out") for line in told.verdict)
                assert in_table != named, case["id"]

    @pytest.mark.parametrize(("told", "computed", "is_right"), [(1.0, 1.0, True), (1.0, 0.0, False), (0.0, 1.0, False)])
    def test_a_start_is_right_or_wrong(self, told: float, computed: float, is_right: bool):
        check = Check(case=report(), figure="starts", told=told, computed=computed, allowed=0.0)
        assert check.is_right is is_right
