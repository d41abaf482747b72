"""vLLM: the command it is started with, and what it refuses."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gemma4_operator.api.common import Variant
from gemma4_operator.engines.base import (
    Adapter,
    CacheVolume,
    ClaimVolume,
    ClaimWeights,
    Drafter,
    EnginePod,
    ExecProbe,
    HuggingFaceWeights,
    OllamaWeights,
    ScratchVolume,
    SecretSource,
)
from gemma4_operator.engines.vllm import VLLM
from tests.rendering import a_serving

ENGINE = VLLM()
CLAIM = ClaimWeights(claim_name="weights", path="gemma-4/e2b")


def pod(**changes: Any) -> EnginePod:
    serving = a_serving(**changes)
    assert ENGINE.refuses(serving) is None
    return ENGINE.pod(serving)


def args(**changes: Any) -> tuple[str, ...]:
    return pod(**changes).container.args


def env(**changes: Any) -> dict[str, Any]:
    return {variable.name: variable.value or variable.secret for variable in pod(**changes).container.env}


def value_of(flag: str, arguments: tuple[str, ...]) -> str:
    return arguments[arguments.index(flag) + 1]


class TestCommand:
    def test_it_is_vllm_serve_whatever_the_images_entrypoint_is(self) -> None:
        assert pod().container.command == ("vllm", "serve")

    def test_a_repository_comes_first_with_its_revision(self) -> None:
        weights = HuggingFaceWeights(repository="team/tuned", revision="abc")
        assert args(weights=weights)[:3] == ("team/tuned", "--revision", "abc")

    def test_a_claim_comes_first_as_a_path_without_a_revision(self) -> None:
        arguments = args(weights=CLAIM)
        assert arguments[0] == "/weights/gemma-4/e2b"
        assert "--revision" not in arguments

    def test_a_claims_root(self) -> None:
        assert args(weights=ClaimWeights(claim_name="weights", path=""))[0] == "/weights"

    @pytest.mark.parametrize(
        ("flag", "changes", "value"),
        [
            ("--served-model-name", {"served_model_name": "assistant"}, "assistant"),
            ("--max-model-len", {"context_tokens": 65536}, "65536"),
            ("--tensor-parallel-size", {"gpus": 4}, "4"),
            ("--port", {"port": 9000}, "9000"),
            ("--host", {}, "0.0.0.0"),
            ("--max-num-batched-tokens", {"max_batched_tokens": 768}, "768"),
            ("--max-num-seqs", {"max_concurrent_requests": 41}, "41"),
            ("--kv-cache-dtype", {"kv_dtype": "fp8"}, "fp8"),
            ("--kv-cache-memory-bytes", {"kv_cache_bytes": 123 * 2**20}, "128974848"),
            ("--shutdown-timeout", {}, "120"),
            ("--default-chat-template-kwargs", {}, '{"enable_thinking":true}'),
            ("--default-chat-template-kwargs", {"reasoning": False}, '{"enable_thinking":false}'),
            ("--gpu-memory-utilization", {}, "0.90"),
            ("--gpu-memory-utilization", {"memory_utilization_percent": 22}, "0.22"),
            ("--tool-call-parser", {}, "gemma4"),
            ("--reasoning-parser", {}, "gemma4"),
        ],
    )
    def test_flags(self, flag: str, changes: dict[str, Any], value: str) -> None:
        assert value_of(flag, args(**changes)) == value

    def test_the_exact_cache_needs_no_flag(self) -> None:
        assert "--kv-cache-dtype" not in args(kv_dtype="bf16")

    def test_text_alone_leaves_the_encoders_out(self) -> None:
        assert "--language-model-only" in args()
        assert "--limit-mm-per-prompt" not in args()

    @pytest.mark.parametrize(
        ("variant", "media", "limits"),
        [
            ("31B", {"Image"}, {"video": 0}),
            ("31B", {"Video"}, {"image": 0}),
            ("E2B", {"Image"}, {"video": 0, "audio": 0}),
            ("E4B", {"Audio"}, {"image": 0, "video": 0}),
            ("12B", {"Image", "Audio"}, {"video": 0}),
        ],
    )
    def test_media_that_nobody_asks_for_are_refused_and_those_that_a_model_has_not_are_not_named(
        self, variant: str, media: set[str], limits: dict[str, int]
    ) -> None:
        arguments = args(variant=variant, media=frozenset(media))
        assert json.loads(value_of("--limit-mm-per-prompt", arguments)) == limits
        assert "--language-model-only" not in arguments

    def test_all_that_a_model_takes_needs_no_limit(self) -> None:
        assert "--limit-mm-per-prompt" not in args(variant="31B", media=frozenset({"Image", "Video"}))

    @pytest.mark.parametrize(
        ("field", "flags"),
        [("tool_calling", {"--enable-auto-tool-choice", "--tool-call-parser"}), ("reasoning", {"--reasoning-parser"})],
    )
    def test_a_capability_that_is_off_has_no_parser(self, field: str, flags: set[str]) -> None:
        assert flags <= set(args())
        assert not flags & set(args(**{field: False}))

    def test_extra_arguments_come_last_and_so_have_the_last_word(self) -> None:
        extra = ("--generation-config", "vllm")
        assert args(extra_args=extra)[-2:] == extra

    @pytest.mark.parametrize(
        ("variant", "gpus", "parallel"), [("26B-A4B", 1, False), ("26B-A4B", 2, True), ("31B", 2, False)]
    )
    def test_experts_are_spread_whole_as_soon_as_there_are_several_gpus(
        self, variant: str, gpus: int, parallel: bool
    ) -> None:
        assert ("--enable-expert-parallel" in args(variant=variant, gpus=gpus)) == parallel


class TestEnvironment:
    def test_downloads_go_to_the_cache(self) -> None:
        assert env()["HF_HOME"] == "/cache"

    def test_with_a_claim_nothing_is_looked_up_in_the_network(self) -> None:
        variables = env(weights=CLAIM)
        assert variables["HF_HUB_OFFLINE"] == "1"
        assert variables["HF_HOME"].startswith("/scratch/")

    def test_secrets_are_references(self) -> None:
        token, key = SecretSource(name="hub", key="token"), SecretSource(name="chat", key="key")
        variables = env(hugging_face_token=token, api_key=key)
        assert (variables["HF_TOKEN"], variables["VLLM_API_KEY"]) == (token, key)

    def test_without_secrets_their_variables_are_absent(self) -> None:
        assert not {"HF_TOKEN", "VLLM_API_KEY"} & env().keys()

    def test_the_user_may_add_what_the_operator_does_not_set(self) -> None:
        assert env(env=(("VLLM_LOGGING_LEVEL", "DEBUG"),))["VLLM_LOGGING_LEVEL"] == "DEBUG"

    def test_connections_outlive_those_of_usual_proxies(self) -> None:
        """Envoy keeps one for an hour; whoever closes first should be the one that asks."""
        assert int(env()["VLLM_HTTP_TIMEOUT_KEEP_ALIVE"]) > 3600

    def test_which_a_user_may_change(self) -> None:
        longer = (("VLLM_HTTP_TIMEOUT_KEEP_ALIVE", "4000"),)
        assert env(env=longer)["VLLM_HTTP_TIMEOUT_KEEP_ALIVE"] == "4000"


class TestVolumes:
    def test_a_download_needs_cache_scratch_tmp_and_shared_memory(self) -> None:
        assert [(volume.name, type(volume)) for volume in pod().volumes] == [
            ("cache", CacheVolume),
            ("scratch", ScratchVolume),
            ("tmp", ScratchVolume),
            ("shm", ScratchVolume),
        ]

    def test_a_claim_takes_the_place_of_the_cache_and_is_only_read(self) -> None:
        described = pod(weights=CLAIM)
        assert described.volumes[0] == ClaimVolume(name="weights", claim_name="weights", read_only=True)
        assert all(mount.read_only == (mount.volume == "weights") for mount in described.container.mounts)

    def test_shared_memory_is_bounded(self) -> None:
        shared = next(volume for volume in pod().volumes if volume.name == "shm")
        assert shared == ScratchVolume(name="shm", in_memory=True, size_bytes=4 * 2**30)


class TestAdapters:
    SUPPORT = Adapter(name="support", claim_name="runs", path="support/v1", rank=8)
    SALES = Adapter(name="sales", claim_name="runs", path="sales/v3", rank=20)

    def test_each_is_served_under_its_own_name_and_all_at_once(self) -> None:
        arguments = args(adapters=(self.SUPPORT, self.SALES))
        place = arguments.index("--lora-modules")
        assert arguments[place + 1 : place + 3] == ("support=/adapters/support", "sales=/adapters/sales")
        assert value_of("--max-loras", arguments) == "2"

    @pytest.mark.parametrize(("rank", "most"), [(1, "1"), (2, "8"), (16, "16"), (20, "32"), (300, "320"), (512, "512")])
    def test_the_largest_rank_is_rounded_up_to_one_that_kernels_are_made_for(self, rank: int, most: str) -> None:
        adapters = (replace(self.SUPPORT, rank=1), replace(self.SALES, rank=rank))
        assert value_of("--max-lora-rank", args(adapters=adapters)) == most

    def test_without_adapters_nothing_is_set_apart_for_them(self) -> None:
        assert "--enable-lora" not in args()

    def test_of_a_claim_only_the_adapters_folder_is_seen(self) -> None:
        described = pod(adapters=(self.SUPPORT, self.SALES))
        claims = [volume for volume in described.volumes if isinstance(volume, ClaimVolume)]
        assert claims == [ClaimVolume(name="adapters-0", claim_name="runs", read_only=True)]
        folders = {mount.path: mount.sub_path for mount in described.container.mounts if mount.sub_path}
        assert folders == {"/adapters/support": "support/v1", "/adapters/sales": "sales/v3"}

    def test_beside_weights_of_the_same_claim_it_is_mounted_once(self) -> None:
        described = pod(weights=CLAIM, adapters=(replace(self.SUPPORT, claim_name="weights"),))
        assert [volume.name for volume in described.volumes] == ["weights", "scratch", "tmp", "shm"]
        assert any(mount.volume == "weights" and mount.sub_path for mount in described.container.mounts)


class TestDrafter:
    DRAFTER = Drafter(repository="google/gemma-4-E2B-it-assistant", tokens=2)

    def test_it_is_named_with_its_method(self) -> None:
        told = json.loads(value_of("--speculative-config", args(drafter=self.DRAFTER)))
        assert told == {"method": "mtp", "model": "google/gemma-4-E2B-it-assistant", "num_speculative_tokens": 2}

    def test_who_does_not_ask_for_it_runs_none(self) -> None:
        assert "--speculative-config" not in args()


class TestTime:
    def test_a_claim_needs_less_time_than_a_download(self) -> None:
        assert pod(weights=CLAIM).start_seconds < pod().start_seconds

    @pytest.mark.parametrize("changes", [{}, {"weights": CLAIM}, {"gpus": 8, "weights_bytes": 10**12}])
    def test_the_pod_is_sound(self, assert_sound: Callable[[EnginePod], None], changes: dict[str, Any]) -> None:
        assert_sound(pod(**changes))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a model of Ollama's library": (
        {"weights": OllamaWeights(name="gemma4", tag="latest")},
        "`spec.model.checkpoint` must be `huggingFace` or `claim` with VLLM: or set `spec.engine.type` to 'Ollama'.",
    ),
    "GGUF": (
        {"quantization": "Q4_K_M"},
        "`spec.model.quantization` must be one of BF16, FP8, NVFP4, W4A16 with VLLM, not 'Q4_K_M': "
        "or set `spec.engine.type` to 'LlamaCpp'.",
    ),
    "a GGUF file on a claim": (
        {"weights": ClaimWeights(claim_name="weights", path="e2b.gguf")},
        "`spec.model.checkpoint.claim.path` must be a folder with safetensors with VLLM: "
        "or set `spec.engine.type` to 'LlamaCpp'.",
    ),
    "three GPUs": (
        {"gpus": 3},
        "`spec.placement.gpusPerReplica` must divide the 8 attention heads of E2B with VLLM: take 2 instead of 3.",
    ),
    "more GPUs than heads": (
        {"gpus": 16},
        "`spec.placement.gpusPerReplica` must divide the 8 attention heads of E2B with VLLM: take 8 instead of 16.",
    ),
    "a port by argument": (
        {"extra_args": ("--port", "9000")},
        "`spec.engine.extraArgs` must not contain '--port': set `spec.endpoint.port` instead.",
    ),
    "a key by argument": (
        {"extra_args": ("--api-key=secret",)},
        "`spec.engine.extraArgs` must not contain '--api-key': set `spec.secrets.apiKey` instead.",
    ),
    "a rank that no kernel is made for": (
        {"adapters": (Adapter(name="wide", claim_name="runs", path="wide", rank=1024),)},
        "`spec.model.adapters` must have ranks up to 512 with VLLM, and 'wide' has 1024: "
        "train it anew with a lower rank, or merge it into the weights.",
    ),
    "requests at once by argument": (
        {"extra_args": ("--max-num-seqs=8",)},
        "`spec.engine.extraArgs` must not contain '--max-num-seqs': set `spec.workload` instead.",
    ),
    "another attention": (
        {"extra_args": ("-ac.backend=FLASHINFER",)},
        "`spec.engine.extraArgs` must not contain '-ac', since Gemma 4's heads of 512 run only on what vLLM picks "
        "itself: leave it out.",
    ),
    "a drafter by its short names": (
        {"extra_args": ("--spec-method", "ngram")},
        "`spec.engine.extraArgs` must not contain '--spec-method': set `spec.model.drafter` instead.",
    ),
    "blocks instead of bytes": (
        {"extra_args": ("--num-gpu-blocks-override", "9")},
        "`spec.engine.extraArgs` must not contain '--num-gpu-blocks-override': set `spec.workload` instead.",
    ),
    "more engines in one pod": (
        {"extra_args": ("-dp", "2")},
        "`spec.engine.extraArgs` must not contain '-dp': set `spec.replicas` instead.",
    ),
    "a server that probes do not understand": (
        {"extra_args": ("--ssl-certfile=/tls/tls.crt",)},
        "`spec.engine.extraArgs` must not contain '--ssl-certfile', since probes and the Service speak plain HTTP: "
        "leave it out.",
    ),
    "an attention backend": (
        {"extra_args": ("--attention-backend", "FLASHINFER")},
        "`spec.engine.extraArgs` must not contain '--attention-backend', since Gemma 4's heads of 512 run only on "
        "what vLLM picks itself: leave it out.",
    ),
    "a cache of its own": (
        {"env": (("HF_HOME", "/elsewhere"),)},
        "`spec.engine.env` must not set 'HF_HOME', which the operator sets to '/cache': leave it out.",
    ),
    "a drafter beside a claim": (
        {"weights": CLAIM, "drafter": TestDrafter.DRAFTER},
        "`spec.model.drafter` must be false with `spec.model.checkpoint.claim`: "
        "the drafter comes from the Hub, and with a claim nothing is looked up there.",
    ),
    "a drafter in an old version": (
        {"engine_version": "0.32.0", "drafter": TestDrafter.DRAFTER},
        "`spec.model.drafter` must be false with vLLM 0.32.0, where it fails or gains nothing: "
        "take an image of 0.33.0 or newer.",
    ),
    "a token in plain": (
        {"env": (("HF_TOKEN", "x"),)},
        "`spec.engine.env` must not set 'HF_TOKEN': set `spec.secrets.huggingFaceToken` instead.",
    ),
    "a token by its old name": (
        {"env": (("HUGGING_FACE_HUB_TOKEN", "x"),)},
        "`spec.engine.env` must not set 'HUGGING_FACE_HUB_TOKEN': set `spec.secrets.huggingFaceToken` instead.",
    ),
    "a token by argument": (
        {"extra_args": ("--hf-token=x",)},
        "`spec.engine.extraArgs` must not contain '--hf-token': set `spec.secrets.huggingFaceToken` instead.",
    ),
    "a key in plain": (
        {"env": (("VLLM_API_KEY", "x"),)},
        "`spec.engine.env` must not set 'VLLM_API_KEY': set `spec.secrets.apiKey` instead.",
    ),
    "a token twice": (
        {"hugging_face_token": SecretSource(name="hub", key="token"), "env": (("HF_TOKEN", "x"),)},
        "`spec.engine.env` must not set 'HF_TOKEN': set `spec.secrets.huggingFaceToken` instead.",
    ),
    "a key twice": (
        {"api_key": SecretSource(name="chat", key="key"), "env": (("VLLM_API_KEY", "x"),)},
        "`spec.engine.env` must not set 'VLLM_API_KEY': set `spec.secrets.apiKey` instead.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_refuses(case: str) -> None:
    changes, sentence = REFUSED[case]
    assert ENGINE.refuses(a_serving(**changes)) == sentence


def test_a_pod_that_it_refuses_is_never_described() -> None:
    with pytest.raises(ValueError, match="refuses"):
        ENGINE.pod(a_serving(weights=OllamaWeights(name="gemma4", tag="latest")))


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("gpus", [1, 2, 4, 8])
def test_every_variant_runs_on_a_power_of_two_up_to_eight(variant: Variant, gpus: int) -> None:
    assert ENGINE.refuses(a_serving(variant=variant, gpus=gpus)) is None


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("gpus", range(1, 17))
def test_a_refused_number_of_gpus_comes_with_one_that_works(variant: Variant, gpus: int) -> None:
    refusal = ENGINE.refuses(a_serving(variant=variant, gpus=gpus))
    if refusal is not None:
        suggested = int(refusal.partition("take ")[2].split()[0])
        assert suggested < gpus
        assert ENGINE.refuses(a_serving(variant=variant, gpus=suggested)) is None


def test_a_pod_counts_as_started_only_with_a_first_answer() -> None:
    described = VLLM().pod(a_serving(served_model_name="team/chat:1", port=8000))
    probe = described.container.startup_probe
    assert isinstance(probe, ExecProbe)
    assert probe.command[:2] == ("python3", "-c")
    assert probe.command[3:] == ("8000", "team/chat:1")
    assert "team" not in probe.command[2]
    assert probe.timeout_seconds == 60
    assert probe.period_seconds * probe.failure_threshold >= described.start_seconds
    compile(probe.command[2], "probe", "exec")
