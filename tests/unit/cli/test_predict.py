"""`gemma4 predict`: times for people and for programs, and one sentence for what cannot be."""

import json
import re
from pathlib import Path

import pytest
import yaml

from gemma4_operator.cli.main import main

POINT = {
    "--variant": "31B",
    "--quantization": "BF16",
    "--gpu": "NVIDIA-H200",
    "--batch": "8",
    "--context": "4096",
}
KEYS = [
    "timePerOutputTokenMicroseconds",
    "timeToFirstTokenMilliseconds",
    "prefillTokensPerSecond",
    "outputTokensPerSecond",
    "weightsBytes",
    "loadSeconds",
    "fits",
    "notes",
]


def arguments(changes: dict[str, str], *, output: str = "json") -> list[str]:
    return ["predict", *(word for option in (POINT | changes).items() for word in option), "-o", output]


def predict(capsys: pytest.CaptureFixture[str], **changes: str) -> dict:
    assert main(arguments({f"--{name.replace('_', '-')}": value for name, value in changes.items()})) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return json.loads(printed.out)


class TestResult:
    def test_has_the_documented_keys_in_their_order(self, capsys: pytest.CaptureFixture[str]):
        assert list(predict(capsys)) == KEYS

    def test_is_what_one_gpu_does_at_that_point(self, capsys: pytest.CaptureFixture[str]):
        result = predict(capsys)
        assert result["weightsBytes"] == 62_546_177_752
        assert 17_000 < result["timePerOutputTokenMicroseconds"] < 23_000
        assert result["outputTokensPerSecond"] == pytest.approx(
            8e6 / result["timePerOutputTokenMicroseconds"], rel=1e-3
        )
        assert 300 < result["timeToFirstTokenMilliseconds"] < 600
        assert 7000 < result["prefillTokensPerSecond"] < 14_000
        assert result["loadSeconds"] == pytest.approx(60 + 62.546 / 1.3, abs=0.1)
        assert result["fits"] is True
        assert result["notes"] == []

    def test_the_prompt_is_the_context_unless_it_is_told(self, capsys: pytest.CaptureFixture[str]):
        same, short = predict(capsys, prompt="4096"), predict(capsys, prompt="256")
        assert same == predict(capsys)
        assert short["timeToFirstTokenMilliseconds"] < same["timeToFirstTokenMilliseconds"] / 3
        assert short["timePerOutputTokenMicroseconds"] == same["timePerOutputTokenMicroseconds"]

    def test_a_first_token_waits_for_the_others_of_its_batch(self, capsys: pytest.CaptureFixture[str]):
        alone, crowded = (predict(capsys, batch=batch)["timeToFirstTokenMilliseconds"] for batch in ("1", "64"))
        assert alone < crowded

    def test_two_gpus_are_faster_and_a_cache_in_fp8_too(self, capsys: pytest.CaptureFixture[str]):
        one = predict(capsys)["timePerOutputTokenMicroseconds"]
        assert predict(capsys, gpus="2")["timePerOutputTokenMicroseconds"] < 0.65 * one
        assert predict(capsys, kv_dtype="fp8")["timePerOutputTokenMicroseconds"] < one

    @pytest.mark.parametrize(
        ("changes", "word"),
        [
            ({"gpu": "NVIDIA-L4", "batch": "1"}, "does not fit"),
            ({"gpu": "NVIDIA-H100-80GB-HBM3", "quantization": "FP8", "batch": "500"}, "The cache holds"),
        ],
        ids=str,
    )
    def test_what_does_not_fit_is_predicted_all_the_same_and_says_so(
        self, capsys: pytest.CaptureFixture[str], changes: dict[str, str], word: str
    ):
        result = predict(capsys, **changes)
        assert result["fits"] is False
        assert result["timePerOutputTokenMicroseconds"] > 0
        assert word in " ".join(result["notes"])

    def test_names_may_be_written_in_any_case(self, capsys: pytest.CaptureFixture[str]):
        assert predict(capsys, variant="31b", quantization="bf16", engine="vllm", gpu="nvidia-h200") == predict(capsys)

    def test_gguf_runs_on_llama_cpp_unless_ollama_is_asked_for(self, capsys: pytest.CaptureFixture[str]):
        usual = predict(capsys, quantization="Q4_K_M")
        assert usual == predict(capsys, quantization="Q4_K_M", engine="LlamaCpp")
        assert predict(capsys, quantization="Q4_K_M", engine="Ollama")["loadSeconds"] == usual["loadSeconds"] + 3

    def test_a_checkpoint_may_be_named(self, capsys: pytest.CaptureFixture[str]):
        named = predict(capsys, quantization="NVFP4", checkpoint="RedHatAI/gemma-4-31B-it-NVFP4", gpu="NVIDIA-B200")
        assert named["weightsBytes"] < predict(capsys, quantization="NVFP4", gpu="NVIDIA-B200")["weightsBytes"]

    def test_a_slice_is_slower_than_its_gpu(self, capsys: pytest.CaptureFixture[str]):
        point = {"variant": "12B", "quantization": "FP8", "batch": "1"}
        whole = predict(capsys, **point, gpu="NVIDIA-H100-80GB-HBM3")
        part = predict(capsys, **point, gpu="NVIDIA-H100-80GB-HBM3-MIG-3g.40gb")
        assert 1.5 < part["timePerOutputTokenMicroseconds"] / whole["timePerOutputTokenMicroseconds"] < 2

    def test_of_machines_with_one_name_the_memory_decides(self, capsys: pytest.CaptureFixture[str]):
        point = {"variant": "E4B", "quantization": "Q4_K_M", "gpu": "Orin", "batch": "1"}
        nano, agx = (
            predict(capsys, **point, gpu_memory_mib=memory)["timePerOutputTokenMicroseconds"]
            for memory in ("7620", "62841")
        )
        assert nano > 1.5 * agx

    def test_an_unknown_gpu_is_taken_for_a_slow_one_and_says_so(self, capsys: pytest.CaptureFixture[str]):
        unknown = predict(capsys, gpu="NVIDIA-X1", gpu_memory_mib="98304", batch="1")
        assert (
            unknown["timePerOutputTokenMicroseconds"]
            > 10 * predict(capsys, batch="1")["timePerOutputTokenMicroseconds"]
        )
        assert unknown["fits"] is True
        assert [note.startswith("The catalogue does not know this GPU") for note in unknown["notes"]] == [True]


class TestOutput:
    def test_yaml_says_the_same_as_json(self, capsys: pytest.CaptureFixture[str]):
        result = predict(capsys)
        assert main(arguments({}, output="yaml")) == 0
        assert yaml.safe_load(capsys.readouterr().out) == result

    def test_a_table_has_units(self, capsys: pytest.CaptureFixture[str]):
        assert main(arguments({"--gpu": "NVIDIA-L4"}, output="table")) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("time per output token  ")
        assert lines[0].endswith(" ms")
        assert "weights                62.55 GB" in lines
        assert any(line.startswith("note") and "does not fit" in line for line in lines)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"--variant": "27B"}, "`--variant` must be one of 31B, 26B-A4B, 12B, E4B, E2B, and is '27B'"),
        (
            {"--variant": "E2B", "--quantization": "NVFP4"},
            "`--quantization` must be one that the catalogue has of E2B: BF16, FP8, W4A16, Q8_0, Q4_K_M",
        ),
        ({"--quantization": "int3"}, "`--quantization` must be one of BF16, FP8,"),
        ({"--gpu": "NVIDIA-H20O"}, "`--gpu` must be a GPU of the catalogue, such as NVIDIA-H20"),
        ({"--gpu": "A100"}, "`--gpu` must be a GPU of the catalogue, such as NVIDIA-A100-"),
        ({"--gpu": "NVIDIA-L4-SHARED"}, "`--gpu` must be a whole GPU or a slice, since no name says how many pods"),
        (
            {"--gpu": "NVIDIA-A100-SXM4-80GB-MIG-9g.9gb"},
            "`--gpu` must name a slice that NVIDIA-A100-SXM4-80GB has (1g.",
        ),
        ({"--gpu": "NVIDIA-L4-MIG-1g.5gb"}, "`--gpu` must name a slice that NVIDIA-L4 has (none), not '1g.5gb'"),
        (
            {"--gpu": "NVIDIA-H100-80GB-HBM3-MIG-3g.40gb", "--gpus": "2"},
            "`--gpus` must be 1: slices such as NVIDIA-H100-80GB-HBM3-MIG-3g.40gb cannot work together",
        ),
        ({"--gpus": "3"}, "`--gpus` must divide the 32 attention heads of 31B (1, 2, 4, 8, 16, 32), and is 3"),
        ({"--gpus": "0"}, "`--gpus` must be at least 1, and is 0"),
        ({"--gpus": "-2"}, "`--gpus` must be at least 1, and is -2"),
        ({"--batch": "0"}, "`--batch` must be at least 1, and is 0"),
        ({"--batch": "9" * 20}, f"`--batch` must be at most 1000000, and is {'9' * 20}"),
        ({"--batch": "-" + "9" * 400}, "`--batch` must be at least 1, and is -999"),
        ({"--context": "0"}, "`--context` must be at least 1, and is 0"),
        ({"--context": "262145"}, "`--context` must be at most 262144, all that 31B sees"),
        ({"--variant": "E4B", "--context": "131073"}, "`--context` must be at most 131072, all that E4B sees"),
        ({"--prompt": "0"}, "`--prompt` must be at least 1, and is 0"),
        ({"--prompt": "300000"}, "`--prompt` must be at most 262144, all that 31B sees"),
        (
            {"--quantization": "FP8", "--gpu": "NVIDIA-A100-SXM4-80GB"},
            "`--quantization` must be one that NVIDIA-A100-SXM4-80GB can compute with: FP8 on VLLM needs compute "
            "capability 8.9, and it has 8.0",
        ),
        ({"--gpu": "Orin"}, "`--engine` must be one that runs on Orin: VLLM has no kernels for compute capability 8.7"),
        (
            {"--engine": "Ollama", "--quantization": "FP8"},
            "`--engine` must be one that reads FP8: VLLM, NIM; Ollama does not",
        ),
        ({"--engine": "TGI"}, "`--engine` must be one of VLLM, NIM, LlamaCpp, Ollama, and is 'TGI'"),
        (
            {"--checkpoint": "google/gemma-4-12B-it"},
            "`--checkpoint` must hold 31B in BF16, and google/gemma-4-12B-it is 12B in BF16",
        ),
        (
            {"--checkpoint": "a/b"},
            "`--checkpoint` must be a repository of the catalogue, such as google/gemma-4-31B-it",
        ),
        ({"--kv-dtype": "int8"}, "`--kv-dtype` must be one of bf16, fp8, q8_0, and is 'int8'"),
        ({"--kv-dtype": "q8_0"}, "`--kv-dtype` must be bf16 or fp8 on VLLM, and is q8_0"),
        (
            {"--kv-dtype": "fp8", "--gpu": "NVIDIA-A100-SXM4-80GB"},
            "`--kv-dtype` must be bf16 on NVIDIA-A100-SXM4-80GB: fp8 needs compute capability 8.9",
        ),
        (
            {"--kv-dtype": "fp8", "--quantization": "Q8_0"},
            "`--kv-dtype` must be bf16 or q8_0 on LlamaCpp, and is fp8",
        ),
        ({"--max-batched-tokens": "0"}, "`--max-batched-tokens` must be at least 1, and is 0"),
    ],
    ids=lambda value: " ".join(f"{option} {text}" for option, text in value.items()) if isinstance(value, dict) else "",
)
def test_what_cannot_be_is_one_sentence_with_a_way_out(
    changes: dict[str, str], sentence: str, capsys: pytest.CaptureFixture[str]
):
    assert main(arguments(changes)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"gemma4: {sentence}")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("missing", list(POINT))
def test_every_part_of_the_point_must_be_given(missing: str, capsys: pytest.CaptureFixture[str]):
    words = [word for option, value in POINT.items() if option != missing for word in (option, value)]
    assert main(["predict", *words]) == 2
    assert missing in capsys.readouterr().err


GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "latency.md"


def test_the_guide_explains_every_key():
    assert re.findall(r"^\| `(\w+)` \|", GUIDE.read_text(encoding="utf-8"), re.MULTILINE) == KEYS
