"""`gemma4 fit`: whether one configuration starts, the budget, and what would make it fit."""

import json
from typing import Any

import pytest
import yaml

from gemma4_operator.cli.main import main

BASE = {"--variant": "31B", "--quantization": "BF16", "--gpu": "NVIDIA-H100-80GB-HBM3"}
MEMORY = ["weightsMiB", "kvCacheMiB", "activationsMiB", "otherMiB", "totalMiB", "capacityMiB"]


def words(*flags: str, **changes: str | None) -> list[str]:
    options = BASE | {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    return ["fit", *(word for name, value in options.items() if value is not None for word in (name, value)), *flags]


def fit(capsys: pytest.CaptureFixture[str], *flags: str, **changes: str | None) -> dict[str, Any]:
    code = main([*words(*flags, **changes), "-o", "json"])
    printed = capsys.readouterr()
    assert printed.err == ""
    found = json.loads(printed.out)
    assert code == (0 if found["fits"] else 3)
    return found


class TestResult:
    def test_has_the_documented_keys(self, capsys: pytest.CaptureFixture[str]):
        found = fit(capsys)
        assert list(found) == [
            "fits",
            "memory",
            "maxConcurrency",
            "kvCacheTokens",
            "reason",
            "adjustments",
            "notes",
        ]
        assert list(found["memory"]) == MEMORY

    def test_adds_up(self, capsys: pytest.CaptureFixture[str]):
        for found in (fit(capsys), fit(capsys, context="262144")):
            parts = found["memory"]
            assert sum(parts[name] for name in MEMORY[:4]) == pytest.approx(parts["totalMiB"], abs=2)

    def test_that_fits_is_within_the_capacity_and_needs_no_adjustment(self, capsys: pytest.CaptureFixture[str]):
        found = fit(capsys)
        assert found["fits"] is True
        assert found["memory"]["totalMiB"] <= found["memory"]["capacityMiB"]
        assert found["maxConcurrency"] >= 1
        assert found["kvCacheTokens"] == pytest.approx(found["maxConcurrency"] * 8192, rel=0.01)
        assert found["adjustments"] == []
        assert found["reason"].startswith("It fits: ")

    def test_that_does_not_is_above_it_and_holds_nothing(self, capsys: pytest.CaptureFixture[str]):
        found = fit(capsys, context="262144")
        assert found["fits"] is False
        assert found["memory"]["totalMiB"] > found["memory"]["capacityMiB"]
        assert (found["maxConcurrency"], found["kvCacheTokens"]) == (0.0, 0)
        assert "the longest context that fits has" in found["reason"]
        assert [one["option"] for one in found["adjustments"]] == ["--context", "--quantization", "--gpus", "--gpu"]

    def test_that_has_no_room_for_a_cache_says_so(self, capsys: pytest.CaptureFixture[str]):
        found = fit(capsys, gpu="NVIDIA-L4")
        assert "are needed before any cache, and the engine has" in found["reason"]
        assert "NVIDIA-L4" in found["reason"]

    def test_is_the_same_in_yaml(self, capsys: pytest.CaptureFixture[str]):
        assert main([*words(), "-o", "yaml"]) == 0
        assert yaml.safe_load(capsys.readouterr().out) == fit(capsys)


class TestAdjustments:
    """Each one, taken by its option, makes it fit."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"context": "131072"},
            {"context": "32768", "max_batched_tokens": "8192"},
            {"quantization": "NVFP4", "gpu": "NVIDIA-GeForce-RTX-5090"},
            {"quantization": "Q4_K_M", "gpu": "NVIDIA-GeForce-RTX-3090", "context": "65536", "concurrency": "4"},
        ],
        ids=str,
    )
    def test_really_help(self, capsys: pytest.CaptureFixture[str], changes: dict[str, str]):
        found = fit(capsys, **changes)
        assert found["fits"] is False
        assert found["adjustments"]
        for one in found["adjustments"]:
            name = one["option"].removeprefix("--").replace("-", "_")
            value, _, repository = one["value"].partition(" (")
            taken = {name: value} | ({"checkpoint": repository.rstrip(")")} if repository else {})
            if name == "gpu":
                taken["gpus"] = "1"
            assert fit(capsys, **(changes | taken))["fits"] is True, one


class TestDefaults:
    """What is left out is the engine's own."""

    @pytest.mark.parametrize(
        ("gpu", "told"),
        [
            ("NVIDIA-H100-80GB-HBM3", {"max_batched_tokens": "8192", "concurrency": "1024"}),
            ("NVIDIA-L40S", {"max_batched_tokens": "2048", "concurrency": "256"}),
            ("NVIDIA-A100-SXM4-80GB", {"max_batched_tokens": "2048", "concurrency": "256"}),
        ],
    )
    def test_of_vllm_go_by_the_gpu(self, capsys: pytest.CaptureFixture[str], gpu: str, told: dict[str, str]):
        own = fit(capsys, variant="12B", gpu=gpu)
        assert own == fit(capsys, variant="12B", gpu=gpu, gpu_memory_utilization="0.92", **told) | {
            "notes": own["notes"]
        }

    def test_of_vllm_go_by_the_version(self, capsys: pytest.CaptureFixture[str]):
        old, new = (
            fit(capsys, variant="12B", engine_version=version)["memory"]["capacityMiB"]
            for version in ("0.21.0", "0.33.0")
        )
        assert old == round(81559 * 0.90)
        assert new == round(81559 * 0.92)

    def test_no_encoders_are_loaded_unless_media_are_asked_for(self, capsys: pytest.CaptureFixture[str]):
        text, image = (
            fit(capsys, variant="12B", quantization="FP8", modalities=media)["memory"]["weightsMiB"]
            for media in (None, "text,image")
        )
        assert image - text == pytest.approx(49922304 * 2 / 2**20, abs=2)

    def test_gguf_is_llama_cpps(self, capsys: pytest.CaptureFixture[str]):
        found = fit(capsys, quantization="Q4_K_M", gpu="NVIDIA-L4")
        assert found["maxConcurrency"] == 1.0
        assert found["kvCacheTokens"] == 8192


class TestGpu:
    def test_may_be_told_by_its_memory_alone(self, capsys: pytest.CaptureFixture[str]):
        found = fit(capsys, gpu=None, gpu_memory_mib="81559", quantization="FP8")
        known = fit(capsys, quantization="FP8", concurrency="1024", max_batched_tokens="8192")
        assert found["memory"]["capacityMiB"] == known["memory"]["capacityMiB"]
        assert found["notes"] == ["The GPU is not known: whether it computes in this format is not checked."]

    def test_of_a_strange_name_needs_its_memory(self, capsys: pytest.CaptureFixture[str]):
        assert fit(capsys, gpu="ACME-9000", gpu_memory_mib="98304")["fits"] is True

    def test_that_is_known_may_have_other_memory(self, capsys: pytest.CaptureFixture[str]):
        found = fit(capsys, variant="26B-A4B", quantization="NVFP4", gpu="NVIDIA-GB10", gpu_memory_mib="32768")
        assert found["fits"] is True
        assert found["memory"]["capacityMiB"] == round(32768 * 0.92)

    def test_that_is_a_slice_may_have_other_memory_too(self, capsys: pytest.CaptureFixture[str]):
        names = {"gpu": "NVIDIA-H100-80GB-HBM3-MIG-3g.40gb", "variant": "12B", "quantization": "Q4_K_M"}
        usual, more = fit(capsys, **names), fit(capsys, **names, gpu_memory_mib="40448")
        assert more["memory"]["capacityMiB"] - usual["memory"]["capacityMiB"] == pytest.approx(256, abs=3)

    def test_may_be_a_slice(self, capsys: pytest.CaptureFixture[str]):
        found = fit(capsys, variant="12B", quantization="FP8", gpu="NVIDIA-H100-80GB-HBM3-MIG-3g.40gb")
        assert found["memory"]["capacityMiB"] == pytest.approx(40192 * 0.92, rel=0.02)


REFUSED: dict[str, tuple[tuple[str, ...], dict[str, str], str]] = {
    "a version that fails for all": (
        (),
        {"engine_version": "0.27.0"},
        "VLLM 0.27.0 cannot run it: it ships transformers 5.15, which fails on two head sizes at start; ",
    ),
    "a version that fails for one format": (
        (),
        {"engine_version": "0.24.0", "quantization": "FP8"},
        "VLLM 0.24.0 cannot run it: it answers with nothing but padding; ",
    ),
    "a build of llama.cpp": (
        (),
        {"variant": "E4B", "quantization": "Q8_0", "engine_version": "b9495"},
        "LlamaCpp b9495 cannot run it: it does not know the projector of E4B",
    ),
    "images without a projector": (
        (),
        {"quantization": "Q8_0", "modalities": "image"},
        "LlamaCpp cannot run it: the catalogue knows no projector for image input with it.",
    ),
    "a cache that an old version answers wrongly from": (
        (),
        {"engine_version": "0.32.0", "kv_dtype": "fp8", "modalities": "image", "max_batched_tokens": "2048"},
        "VLLM 0.32.0 answers wrongly from a cache in fp8 beside media on Hopper: take bf16.",
    ),
    "a drafter in an old version": (
        ("--drafter",),
        {"variant": "12B", "engine_version": "0.32.0"},
        "VLLM 0.32.0 loses by a drafter",
    ),
    "a drafter elsewhere": (
        ("--drafter",),
        {"variant": "12B", "quantization": "Q8_0"},
        "LlamaCpp is not run with a drafter",
    ),
}
"""Flags and options with which memory is no matter, and how the verdict begins."""


class TestNotes:
    def test_tell_what_the_engine_takes_and_cannot_hold(self, capsys: pytest.CaptureFixture[str]):
        found = fit(capsys, concurrency="64")
        assert found["notes"] == [
            f"It takes 64 requests at once, and holds {found['maxConcurrency']:.1f} of full length."
        ]

    def test_tell_that_a_version_is_too_old(self, capsys: pytest.CaptureFixture[str]):
        found = fit(capsys, variant="12B", engine_version="0.22.0")
        assert found["notes"] == ["VLLM 0.22.0 cannot run it: 12B needs 0.23.0 or newer."]

    @pytest.mark.parametrize("what", REFUSED)
    def test_tell_what_the_planner_refuses_and_so_does_the_verdict(self, what: str, capsys: pytest.CaptureFixture[str]):
        flags, options, words = REFUSED[what]
        found = fit(capsys, *flags, **options)
        assert not found["fits"]
        assert found["reason"].startswith(words)
        assert found["reason"].endswith(" There is memory enough.")
        assert found["notes"][0].startswith(words)
        assert found["adjustments"] == []

    def test_memory_is_told_first_where_both_are_lacking(self, capsys: pytest.CaptureFixture[str]):
        found = fit(capsys, quantization="BF16", engine_version="0.27.0", gpu="NVIDIA-L4")
        assert found["reason"].startswith("It does not fit")
        assert found["notes"][0].startswith("VLLM 0.27.0 cannot run it")

    def test_a_drafter_takes_its_weights_and_rows(self, capsys: pytest.CaptureFixture[str]):
        without, drafting = fit(capsys, variant="12B"), fit(capsys, "--drafter", variant="12B")
        assert drafting["memory"]["otherMiB"] - without["memory"]["otherMiB"] == pytest.approx(845.8e6 / 2**20, abs=1)
        assert drafting["maxConcurrency"] < without["maxConcurrency"]


def test_people_read_a_table_with_every_line(capsys: pytest.CaptureFixture[str]):
    assert main(words(context="131072")) == 3
    told = capsys.readouterr().out
    assert told.startswith("It does not fit: ")
    for name in ("weights", "activations", "driver", "workspace", "positions", "CUDA graphs", "left for the cache"):
        assert f"\n  {name} " in told
    assert "What would make it fit, each alone:" in told
    assert "--quantization" in told


def test_people_read_how_many_slots_llama_cpp_has(capsys: pytest.CaptureFixture[str]):
    assert main(words(quantization="Q4_K_M", concurrency="2")) == 0
    told = capsys.readouterr().out
    assert "2 requests of 8192 tokens need" in told
    assert "are allocated at start, for 2 slots" in told


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"gpu": None}, "`--gpu` must be given, or `--gpu-memory-mib`"),
        ({"gpu": "ACME-9000"}, "it has no 'ACME-9000': say what memory it has with `--gpu-memory-mib`"),
        ({"variant": "E4B", "quantization": "NVFP4"}, "`--quantization` must be one that the catalogue has of E4B"),
        ({"checkpoint": "someone/else"}, "`--checkpoint` must be a repository of the catalogue, such as"),
        ({"engine": "VLLM", "quantization": "Q8_0"}, "`--engine` must be one that reads Q8_0: LlamaCpp, Ollama"),
        ({"gpus": "3"}, "`--gpus` must divide the 32 attention heads of 31B"),
        ({"context": "262145"}, "`--context` must be at most 262144"),
        ({"context": "0"}, "`--context` must be at least 1"),
        ({"concurrency": "0"}, "`--concurrency` must be at least 1"),
        ({"gpu_memory_utilization": "1.5"}, "`--gpu-memory-utilization` must be above 0 and at most 1, and is 1.5"),
        ({"gpu_memory_utilization": "0"}, "`--gpu-memory-utilization` must be above 0 and at most 1, and is 0.0"),
        ({"engine_version": "nightly"}, "`--engine-version` must be one such as 0.33.0, and is 'nightly'"),
        ({"modalities": "text,audio"}, "`--modalities` must be of what 31B takes (text, image, video), not 'audio'"),
        ({"kv_dtype": "fp8", "gpu": "NVIDIA-A100-SXM4-80GB"}, "`--kv-dtype` must be bf16 on NVIDIA-A100-SXM4-80GB"),
        ({"gpu": None, "gpu_memory_mib": "0"}, "`--gpu-memory-mib` must be at least 1"),
        (
            {"gpu": None, "gpu_memory_mib": "9" * 20},
            f"`--gpu-memory-mib` must be at most 1073741824, and is {'9' * 20}",
        ),
        ({"gpu_memory_mib": "1" + "0" * 400}, "`--gpu-memory-mib` must be at most 1073741824, and is 1000"),
        ({"concurrency": "1000001"}, "`--concurrency` must be at most 1000000, and is 1000001"),
        ({"max_batched_tokens": "9" * 20}, "`--max-batched-tokens` must be at most 1000000, and is 999"),
        ({"gpus": "1025"}, "`--gpus` must be at most 1024, and is 1025"),
    ],
    ids=str,
)
def test_what_cannot_be_is_one_sentence(
    capsys: pytest.CaptureFixture[str], changes: dict[str, str | None], sentence: str
):
    assert main(words(**changes)) == 2
    told = capsys.readouterr()
    assert sentence in told.err
    assert told.out == ""
    assert told.err.count("\n") == 1
