"""llama.cpp: the command it is started with, and what it refuses."""

from collections.abc import Callable
from typing import Any

import pytest

from gemma4_operator.engines.base import (
    Adapter,
    ClaimVolume,
    ClaimWeights,
    Drafter,
    EnginePod,
    HuggingFaceWeights,
    OllamaWeights,
    SecretSource,
)
from gemma4_operator.engines.llamacpp import LlamaCpp
from tests.rendering import a_serving

ENGINE = LlamaCpp()
FILE = HuggingFaceWeights(repository="team/gemma-GGUF", revision="main", file="gemma-Q4_K_M.gguf")
REPOSITORY = HuggingFaceWeights(repository="team/gemma-GGUF", revision="main")
CLAIM = ClaimWeights(claim_name="weights", path="e2b.gguf")


def a_gguf_serving(**changes: Any) -> Any:
    return a_serving(**{"quantization": "Q4_K_M", "weights": FILE, **changes})


def pod(**changes: Any) -> EnginePod:
    serving = a_gguf_serving(**changes)
    assert ENGINE.refuses(serving) is None
    return ENGINE.pod(serving)


def args(**changes: Any) -> tuple[str, ...]:
    return pod(**changes).container.args


class TestCommand:
    def test_it_is_the_server_of_the_official_images(self) -> None:
        assert pod().container.command == ("/app/llama-server",)

    def test_a_known_file_is_taken_by_its_name(self) -> None:
        assert args()[:4] == ("--hf-repo", "team/gemma-GGUF", "--hf-file", "gemma-Q4_K_M.gguf")

    def test_of_any_other_repository_the_format_picks_the_file(self) -> None:
        arguments = args(weights=REPOSITORY)
        assert arguments[:2] == ("--hf-repo", "team/gemma-GGUF:Q4_K_M")
        assert "--hf-file" not in arguments

    def test_a_claim_is_a_path(self) -> None:
        assert args(weights=CLAIM)[:2] == ("--model", "/weights/e2b.gguf")

    def test_original_precision_is_fine_as_a_file(self) -> None:
        assert args(weights=CLAIM, quantization="BF16")[:2] == ("--model", "/weights/e2b.gguf")

    @pytest.mark.parametrize(
        ("flag", "changes", "value"),
        [
            ("--alias", {"served_model_name": "assistant"}, "assistant"),
            ("--ctx-size", {"context_tokens": 65536, "max_concurrent_requests": 1}, "65536"),
            ("--ctx-size", {"context_tokens": 65536, "max_concurrent_requests": 4}, "262144"),
            ("--parallel", {"max_concurrent_requests": 4}, "4"),
            ("--ubatch-size", {"max_batched_tokens": 512}, "512"),
            ("--cache-type-k", {"kv_dtype": "q8_0"}, "q8_0"),
            ("--cache-type-v", {"kv_dtype": "q8_0"}, "q8_0"),
            ("--flash-attn", {"kv_dtype": "q8_0"}, "on"),
            ("--reasoning", {"reasoning": False}, "off"),
            ("--port", {"port": 9000}, "9000"),
            ("--host", {}, "0.0.0.0"),
            ("--n-gpu-layers", {}, "999"),
            ("--ctx-checkpoints", {}, "4"),
            ("--cache-ram", {"host_cache_mib": 2048}, "2048"),
            ("--cache-ram", {"host_cache_mib": 0}, "0"),
        ],
    )
    def test_flags(self, flag: str, changes: dict[str, Any], value: str) -> None:
        arguments = args(**changes)
        assert arguments[arguments.index(flag) + 1] == value

    @pytest.mark.parametrize(
        ("switch", "changes"),
        [
            ("--jinja", {}),
            ("--jinja", {"tool_calling": False}),
            ("--metrics", {}),
            ("--no-mmproj", {}),
        ],
    )
    def test_switches(self, switch: str, changes: dict[str, Any]) -> None:
        assert switch in args(**changes)

    def test_the_projector_is_loaded_for_requests_with_media(self) -> None:
        assert "--no-mmproj" not in args(media=frozenset({"Image"}))

    def test_the_exact_cache_and_thoughts_apart_are_its_own_defaults(self) -> None:
        assert not {"--cache-type-k", "--flash-attn", "--reasoning"} & set(args())

    def test_extra_arguments_come_last(self) -> None:
        assert args(extra_args=("--threads", "2"))[-2:] == ("--threads", "2")


class TestEnvironment:
    def env(self, **changes: Any) -> dict[str, Any]:
        return {variable.name: variable.value or variable.secret for variable in pod(**changes).container.env}

    def test_downloads_go_to_the_cache(self) -> None:
        assert self.env()["LLAMA_CACHE"] == "/cache"

    def test_with_a_claim_there_is_no_cache(self) -> None:
        assert "LLAMA_CACHE" not in self.env(weights=CLAIM)

    def test_secrets_are_references(self) -> None:
        token, key = SecretSource(name="hub", key="token"), SecretSource(name="chat", key="key")
        variables = self.env(hugging_face_token=token, api_key=key)
        assert (variables["HF_TOKEN"], variables["LLAMA_API_KEY"]) == (token, key)


class TestProjector:
    SEEING = ClaimWeights(claim_name="weights", path="e2b.gguf", projector_path="mmproj.gguf")

    def test_on_a_claim_it_is_named(self) -> None:
        arguments = pod(weights=self.SEEING, media=frozenset({"Image"})).container.args
        assert arguments[arguments.index("--mmproj") + 1] == "/weights/mmproj.gguf"
        assert "--no-mmproj" not in arguments

    def test_who_asks_for_text_alone_does_not_load_it(self) -> None:
        arguments = pod(weights=self.SEEING).container.args
        assert "--no-mmproj" in arguments
        assert "--mmproj" not in arguments

    def test_the_first_of_several_files_is_enough(self) -> None:
        parts = ClaimWeights(claim_name="weights", path="big-00001-of-00003.gguf")
        assert "/weights/big-00001-of-00003.gguf" in pod(weights=parts).container.args


class TestPod:
    def test_a_claim_takes_the_place_of_the_cache(self) -> None:
        described = pod(weights=CLAIM)
        assert described.volumes[0] == ClaimVolume(name="weights", claim_name="weights")
        assert [mount.path for mount in described.container.mounts] == ["/weights", "/scratch", "/tmp"]

    def test_gpus_are_the_containers(self) -> None:
        assert pod(gpus=3).container.gpus == 3

    @pytest.mark.parametrize("changes", [{}, {"weights": CLAIM}, {"weights": REPOSITORY, "gpus": 5}])
    def test_it_is_sound(self, assert_sound: Callable[[EnginePod], None], changes: dict[str, Any]) -> None:
        assert_sound(pod(**changes))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a model of Ollama's library": (
        {"weights": OllamaWeights(name="gemma4", tag="latest")},
        "`spec.model.checkpoint` must be `huggingFace` or `claim` with LlamaCpp: "
        "or set `spec.engine.type` to 'Ollama'.",
    ),
    "a claim's root": (
        {"weights": ClaimWeights(claim_name="weights", path="")},
        "`spec.model.checkpoint.claim.path` must name a file that ends in '.gguf' with LlamaCpp, not '': "
        "name the file inside the claim, or set `spec.engine.type` to 'VLLM'.",
    ),
    "a folder on a claim": (
        {"weights": ClaimWeights(claim_name="weights", path="gemma-4/e2b")},
        "`spec.model.checkpoint.claim.path` must name a file that ends in '.gguf' with LlamaCpp, not 'gemma-4/e2b': "
        "name the file inside the claim, or set `spec.engine.type` to 'VLLM'.",
    ),
    "a revision": (
        {"weights": HuggingFaceWeights(repository="team/gemma-GGUF", revision="v2")},
        "`spec.model.checkpoint.huggingFace.revision` must be 'main' with LlamaCpp, not 'v2', because its downloads "
        "know no other: put that revision on a claim to pin it.",
    ),
    "safetensors": (
        {"quantization": "BF16", "weights": REPOSITORY},
        "`spec.model.quantization` must be of GGUF, such as 'Q4_K_M', with LlamaCpp, not 'BF16': "
        "or set `spec.engine.type` to 'VLLM'.",
    ),
    "a later part of several": (
        {"weights": ClaimWeights(claim_name="weights", path="big-00002-of-00003.gguf")},
        "`spec.model.checkpoint.claim.path` must name the first of several files with LlamaCpp, the one with "
        "'-00001-of-', not 'big-00002-of-00003.gguf'.",
    ),
    "images without a projector": (
        {"weights": CLAIM, "media": frozenset({"Image", "Audio"})},
        "`spec.model.checkpoint.claim.projectorPath` must name the projector's file for audio and image with "
        "LlamaCpp: or drop them from `spec.capabilities.modalities`.",
    ),
    "a drafter": (
        {"drafter": Drafter(repository="google/gemma-4-E2B-it-assistant", tokens=2)},
        "`spec.model.drafter` must be false with LlamaCpp, which has crashed with it: "
        "set `spec.engine.type` to 'VLLM'.",
    ),
    "an adapter": (
        {"adapters": (Adapter(name="support", claim_name="runs", path="v1", rank=8),)},
        "`spec.model.adapters` must be empty with LlamaCpp, which serves none by its name: "
        "set `spec.engine.type` to 'VLLM', or merge them into the weights.",
    ),
    "a flag by variable": (
        {"env": (("LLAMA_ARG_CTX_SIZE", "4096"),)},
        "`spec.engine.env` must not set 'LLAMA_ARG_CTX_SIZE', which stands for a flag: use `spec.engine.extraArgs`.",
    ),
    "a cache off the GPU": (
        {"extra_args": ("--no-kv-offload",)},
        "`spec.engine.extraArgs` must not contain '--no-kv-offload', since Gemma 4 answers with gibberish when its "
        "cache is not on the GPU: leave it out.",
    ),
    "layers off the GPU": (
        {"extra_args": ("--gpu-layers", "10")},
        "`spec.engine.extraArgs` must not contain '--gpu-layers', since the plan counts on all layers on the GPU: "
        "leave it out.",
    ),
    "other weights": (
        {"extra_args": ("--hf-file", "other.gguf")},
        "`spec.engine.extraArgs` must not contain '--hf-file': set `spec.model.checkpoint` instead.",
    ),
    "a drafter by argument": (
        {"extra_args": ("-md", "/weights/drafter.gguf")},
        "`spec.engine.extraArgs` must not contain '-md': set `spec.model.drafter` instead.",
    ),
    "a context by argument": (
        {"extra_args": ("-c", "4096")},
        "`spec.engine.extraArgs` must not contain '-c': set `spec.capabilities.contextTokens` instead.",
    ),
    "a key in plain": (
        {"env": (("LLAMA_API_KEY", "x"),)},
        "`spec.engine.env` must not set 'LLAMA_API_KEY': set `spec.secrets.apiKey` instead.",
    ),
    "a token in plain": (
        {"env": (("HF_TOKEN", "x"),)},
        "`spec.engine.env` must not set 'HF_TOKEN': set `spec.secrets.huggingFaceToken` instead.",
    ),
    "a token by argument": (
        {"extra_args": ("-hft", "x")},
        "`spec.engine.extraArgs` must not contain '-hft': set `spec.secrets.huggingFaceToken` instead.",
    ),
    "a key twice": (
        {"api_key": SecretSource(name="chat", key="key"), "env": (("LLAMA_API_KEY", "x"),)},
        "`spec.engine.env` must not set 'LLAMA_API_KEY': set `spec.secrets.apiKey` instead.",
    ),
    "a token twice": (
        {"hugging_face_token": SecretSource(name="hub", key="token"), "env": (("HF_TOKEN", "x"),)},
        "`spec.engine.env` must not set 'HF_TOKEN': set `spec.secrets.huggingFaceToken` instead.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_refuses(case: str) -> None:
    changes, sentence = REFUSED[case]
    assert ENGINE.refuses(a_gguf_serving(**changes)) == sentence


def test_a_pod_that_it_refuses_is_never_described() -> None:
    with pytest.raises(ValueError, match="refuses"):
        ENGINE.pod(a_gguf_serving(weights=OllamaWeights(name="gemma4", tag="latest")))


def test_a_pod_that_must_go_serves_until_nothing_is_in_work() -> None:
    described = LlamaCpp().pod(a_serving(quantization="Q4_K_M", answer_seconds=4, port=8000, weights=FILE))
    shell, flag, script, *words = described.container.drain_command
    assert (shell, flag) == ("/bin/sh", "-c")
    assert words == ["drain", "15", "15", "120", "8000"]
    assert "8000" not in script
    assert described.grace_seconds == 15 + 120 + 15


def test_its_first_run_cannot_be_switched_off() -> None:
    """A pod counts as serving by it: the health route answers only afterwards."""
    refused = LlamaCpp().refuses(a_serving(quantization="Q4_K_M", weights=FILE, extra_args=("--no-warmup",)))
    assert refused is not None
    assert "since a pod counts as serving once its warm-up has run" in refused
