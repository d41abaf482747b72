"""NIM by its documented contract: the variables of each generation, routes, user, and what it refuses."""

import shlex
from collections.abc import Callable
from typing import Any

import pytest

from gemma4_operator.engines.base import (
    Adapter,
    ClaimWeights,
    ContainerSpec,
    Drafter,
    EnginePod,
    HuggingFaceWeights,
    OllamaWeights,
    SecretSource,
    User,
)
from gemma4_operator.engines.nim import NIM
from tests.rendering import a_serving, walk

ENGINE = NIM()
DEDICATED = "nvcr.io/nim/google/gemma-4-31b-it:2.0.13"
MODEL_FREE = "nvcr.io/nim/nvidia/vllm-model-free-nim:2.1.5"
FIRST = "nvcr.io/nim/nvidia/llm-nim:1.15.0"
VARIANT = "nvcr.io/nim/google/gemma-4-31b-it:2.0.10-variant"
CLAIM = ClaimWeights(claim_name="weights", path="gemma-4/e2b")
SUPPORT = Adapter(name="support", claim_name="runs", path="support/v1", rank=8)


def a_nim(image: str = DEDICATED, **changes: Any) -> Any:
    return a_serving(image=image, engine_version=image.rpartition(":")[2], **changes)


def pod(image: str = DEDICATED, **changes: Any) -> EnginePod:
    serving = a_nim(image, **changes)
    assert ENGINE.refuses(serving) is None
    return ENGINE.pod(serving)


def env(image: str = DEDICATED, **changes: Any) -> dict[str, Any]:
    return {one.name: one.value or one.secret for one in pod(image, **changes).container.env}


def flags(**changes: Any) -> list[str]:
    return shlex.split(env(**changes)["NIM_PASSTHROUGH_ARGS"])


class TestSecondGeneration:
    @pytest.mark.parametrize(
        ("variable", "changes", "value"),
        [
            ("NIM_SERVED_MODEL_NAME", {"served_model_name": "google/gemma-4-31b-it"}, "google/gemma-4-31b-it"),
            ("NIM_MAX_MODEL_LEN", {"context_tokens": 65536}, "65536"),
            ("NIM_TENSOR_PARALLEL_SIZE", {"gpus": 2}, "2"),
            ("NIM_SERVER_PORT", {"port": 9000}, "9000"),
            ("NIM_CACHE_PATH", {}, "/cache"),
            ("NIM_MODEL_PROFILE", {"variant": "31B", "quantization": "BF16", "gpus": 4}, "vllm-bf16-tp4-pp1"),
            ("NIM_MODEL_PROFILE", {"variant": "31B", "quantization": "NVFP4"}, "vllm-nvfp4-tp1-pp1"),
            ("NIM_MODEL_PROFILE", {"variant": "31B", "quantization": "W4A16", "gpus": 2}, "vllm-int4-tp2-pp1"),
            ("NGC_API_KEY", {"ngc_api_key": SecretSource(name="ngc", key="k")}, SecretSource(name="ngc", key="k")),
            ("HF_TOKEN", {"hugging_face_token": SecretSource(name="h", key="k")}, SecretSource(name="h", key="k")),
        ],
    )
    def test_variables(self, variable: str, changes: dict[str, Any], value: object) -> None:
        assert env(**changes)[variable] == value

    def test_the_plan_reaches_the_engine_inside_as_its_own_flags(self) -> None:
        given = flags(max_batched_tokens=768, kv_dtype="fp8", kv_cache_bytes=2**30, extra_args=("--seed", "a b"))
        value = {flag: given[given.index(flag) + 1] for flag in given[:-1] if flag.startswith("--")}
        assert value["--max-num-batched-tokens"] == "768"
        assert value["--kv-cache-dtype"] == "fp8"
        assert value["--kv-cache-memory-bytes"] == str(2**30)
        assert value["--default-chat-template-kwargs"] == '{"enable_thinking":true}'
        assert given[-2:] == ["--seed", "a b"]

    def test_an_image_that_brings_its_model_is_not_told_where_it_is(self) -> None:
        assert not {"NIM_MODEL_PATH", "NIM_MODEL_NAME"} & env().keys()

    @pytest.mark.parametrize(
        ("weights", "path"),
        [
            (HuggingFaceWeights(repository="google/gemma-4-E2B-it", revision="main"), "hf://google/gemma-4-E2B-it"),
            (CLAIM, "/weights/gemma-4/e2b"),
        ],
    )
    def test_the_model_free_image_is_told_where_the_model_is_and_has_no_profiles(self, weights: Any, path: str) -> None:
        variables = env(MODEL_FREE, weights=weights)
        assert variables["NIM_MODEL_PATH"] == path
        assert "NIM_MODEL_PROFILE" not in variables

    def test_a_variant_build_names_its_profiles_otherwise_and_chooses_by_itself(self) -> None:
        variables = env(VARIANT, variant="31B")
        assert "NIM_MODEL_PROFILE" not in variables
        assert "NIM_PASSTHROUGH_ARGS" in variables

    def test_adapters_are_found_by_their_folders(self) -> None:
        variables = env(MODEL_FREE, adapters=(SUPPORT,))
        given = shlex.split(variables["NIM_PASSTHROUGH_ARGS"])
        assert variables["NIM_PEFT_SOURCE"] == "/adapters"
        assert {"--enable-lora", "--max-loras", "--max-lora-rank"} <= set(given)
        assert "--lora-modules" not in given
        assert not any("support=" in one for one in given)


class TestFirstGeneration:
    def test_it_is_told_by_variables_of_its_own(self) -> None:
        variables = env(FIRST, port=9000, memory_utilization_percent=85)
        assert variables["NIM_HTTP_API_PORT"] == "9000"
        assert variables["NIM_KVCACHE_PERCENT"] == "0.85"
        assert variables["NIM_MODEL_NAME"] == "hf://google/gemma-4-E2B-it"
        assert not {"NIM_PASSTHROUGH_ARGS", "NIM_SERVER_PORT", "NIM_MODEL_PATH"} & variables.keys()

    def test_the_plan_says_that_its_levers_are_not_the_containers(self) -> None:
        assert "NIM 1.x takes no flags of its engine" in ENGINE.remarks(a_nim(FIRST))[-1]
        assert not any("1.x" in one for one in ENGINE.remarks(a_nim(MODEL_FREE)))

    def test_it_speaks_without_a_prefix(self) -> None:
        (dialect,) = pod(FIRST).dialects
        assert dialect.running == "num_requests_running"


class TestPod:
    def test_the_images_own_command_runs(self) -> None:
        assert (pod().container.command, pod().container.args) == ((), ())

    def test_alive_says_nothing_of_the_model_so_the_start_waits_for_ready(self) -> None:
        container = pod().container
        assert container.startup_probe is not None
        assert container.liveness_probe is not None
        assert container.startup_probe.path == "/v1/health/ready"
        assert container.liveness_probe.path == "/v1/health/live"

    def test_it_runs_as_the_images_user(self) -> None:
        assert pod().user == User(user=1000, group=2000)
        rendered = walk({"model": {"variant": "31B", "quantization": "BF16"}, "engine": {"type": "NIM"}})
        security = rendered.pod_spec["securityContext"]
        assert (security["runAsUser"], security["runAsGroup"], security["fsGroup"]) == (1000, 2000, 2000)

    @pytest.mark.parametrize(
        ("tag", "read_only"), [("2.0.9", False), ("2.0.10", True), ("2.1.5", True), ("1.15.0", False), ("latest", True)]
    )
    def test_old_images_write_beside_their_volumes(self, tag: str, read_only: bool) -> None:
        assert pod(f"nvcr.io/nim/nvidia/model-free-nim:{tag}").container.read_only_root is read_only

    def test_both_families_of_names_are_tried_where_the_engine_inside_may_differ(self) -> None:
        assert [one.running for one in pod().dialects] == ["vllm:num_requests_running", "num_requests_running"]
        assert {one.path for one in pod().dialects} == {"/v1/metrics"}

    @pytest.mark.parametrize(
        "changes", [{}, {"image": MODEL_FREE, "weights": CLAIM}, {"image": MODEL_FREE, "adapters": (SUPPORT,)}]
    )
    def test_it_is_sound(self, assert_sound: Callable[[EnginePod], None], changes: dict[str, Any]) -> None:
        assert_sound(pod(**changes))

    def test_the_cache_is_writable_even_where_the_weights_are_on_a_claim(self) -> None:
        paths = {mount.path: mount.read_only for mount in pod(MODEL_FREE, weights=CLAIM).container.mounts}
        assert (paths["/weights"], paths["/cache"]) == (True, False)

    def test_shared_memory_is_what_nvidia_asks_for(self) -> None:
        sizes = {volume.name: getattr(volume, "size_bytes", None) for volume in pod().volumes}
        assert sizes["shm"] == 16 * 2**30


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a model of Ollama's library": (
        DEDICATED,
        {"weights": OllamaWeights(name="gemma4", tag="latest")},
        "`spec.model.checkpoint` must be `huggingFace` or `claim` with NIM: or set `spec.engine.type` to 'Ollama'.",
    ),
    "health on another port than probes ask": (
        MODEL_FREE,
        {"env": (("NIM_HEALTH_PORT", "8002"),)},
        "`spec.engine.env` must not set 'NIM_HEALTH_PORT': set `spec.endpoint.port` instead.",
    ),
    "a drafter by variable": (
        MODEL_FREE,
        {"env": (("NIM_DRAFT_MODEL_PATH", "hf://team/drafter"),)},
        "`spec.engine.env` must not set 'NIM_DRAFT_MODEL_PATH': set `spec.model.drafter` instead.",
    ),
    "a GGUF file": (
        MODEL_FREE,
        {"weights": ClaimWeights(claim_name="weights", path="e2b.gguf")},
        "`spec.model.checkpoint.claim.path` must be a folder with safetensors with NIM: "
        "or set `spec.engine.type` to 'LlamaCpp'.",
    ),
    "a revision": (
        MODEL_FREE,
        {"weights": HuggingFaceWeights(repository="team/tuned", revision="v2")},
        "`spec.model.checkpoint.huggingFace.revision` must be 'main' with NIM, not 'v2', because its downloads know no "
        "other: put that revision on a claim to pin it.",
    ),
    "GGUF": (
        MODEL_FREE,
        {"quantization": "Q4_K_M"},
        "`spec.model.quantization` must be one of BF16, FP8, NVFP4, W4A16 with NIM, not 'Q4_K_M': "
        "or set `spec.engine.type` to 'LlamaCpp'.",
    ),
    "a key": (
        DEDICATED,
        {"api_key": SecretSource(name="chat", key="key")},
        "`spec.secrets.apiKey` must be absent with NIM, which checks no key: "
        "drop the key, or set `spec.engine.type` to 'VLLM'.",
    ),
    "a drafter": (
        DEDICATED,
        {"drafter": Drafter(repository="google/gemma-4-E2B-it-assistant", tokens=2)},
        "`spec.model.drafter` must be false with NIM, which documents no way to set it for Gemma 4: "
        "set `spec.engine.type` to 'VLLM'.",
    ),
    "an adapter without a profile for it": (
        DEDICATED,
        {"adapters": (SUPPORT,)},
        "`spec.model.adapters` must be empty with this image of NIM, none of whose profiles is for LoRA: "
        "set `spec.engine.type` to 'VLLM', or `spec.engine.image` to the model-free NIM.",
    ),
    "arguments for 1.x": (
        FIRST,
        {"extra_args": ("--seed", "7")},
        "`spec.engine.extraArgs` must be empty with NIM 1.x, which takes no flags of its engine: "
        "use its variables in `spec.engine.env`, or an image of NIM 2.x.",
    ),
    "another context by argument": (
        DEDICATED,
        {"extra_args": ("--max-model-len=4096",)},
        "`spec.engine.extraArgs` must not contain '--max-model-len': set `spec.capabilities.contextTokens` instead.",
    ),
    "another profile by variable": (
        DEDICATED,
        {"env": (("NIM_MODEL_PROFILE", "default"),)},
        "`spec.engine.env` must not set 'NIM_MODEL_PROFILE': set `spec.model.quantization` instead.",
    ),
    "a key in plain": (
        DEDICATED,
        {"env": (("NGC_API_KEY", "nvapi-x"),)},
        "`spec.engine.env` must not set 'NGC_API_KEY': set `spec.secrets.ngcApiKey` instead.",
    ),
    "a token in plain": (
        DEDICATED,
        {"env": (("HF_TOKEN", "hf_x"),)},
        "`spec.engine.env` must not set 'HF_TOKEN': set `spec.secrets.huggingFaceToken` instead.",
    ),
    "another cache": (
        DEDICATED,
        {"env": (("NIM_CACHE_PATH", "/x"),)},
        "`spec.engine.env` must not set 'NIM_CACHE_PATH', which the operator sets to '/cache': leave it out.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_refuses(case: str) -> None:
    image, changes, sentence = REFUSED[case]
    assert ENGINE.refuses(a_nim(image, **changes)) == sentence


def test_a_pod_that_it_refuses_is_never_described() -> None:
    with pytest.raises(ValueError, match="refuses"):
        ENGINE.pod(a_nim(MODEL_FREE, weights=OllamaWeights(name="gemma4", tag="latest")))


def test_without_a_key_the_plan_says_who_needs_one() -> None:
    assert "ngcApiKey" in ENGINE.remarks(a_nim())[0]
    assert ENGINE.remarks(a_nim(ngc_api_key=SecretSource(name="ngc", key="k"))) == ()


def test_what_the_model_free_image_does_is_not_vouched_for() -> None:
    assert "not verified" in ENGINE.remarks(a_nim(MODEL_FREE))[0]


def test_the_container_has_no_secret_in_plain() -> None:
    container: ContainerSpec = pod(ngc_api_key=SecretSource(name="ngc", key="k")).container
    assert all(one.value is None for one in container.env if "KEY" in one.name)
