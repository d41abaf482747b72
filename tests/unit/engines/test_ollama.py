"""Ollama: its variables, the container that brings the model, and what it refuses."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gemma4_operator.engines.base import (
    Adapter,
    ClaimWeights,
    ContainerSpec,
    Drafter,
    EnginePod,
    ExecProbe,
    HuggingFaceWeights,
    OllamaWeights,
    SecretSource,
)
from gemma4_operator.engines.ollama import Ollama
from tests.rendering import a_serving

ENGINE = Ollama()
LIBRARY = OllamaWeights(name="gemma4", tag="31b-it-q4_K_M")
FILE = HuggingFaceWeights(repository="team/gemma-GGUF", revision="main", file="gemma-Q4_K_M.gguf")
REPOSITORY = HuggingFaceWeights(repository="team/gemma-GGUF", revision="main")
CLAIM = ClaimWeights(claim_name="weights", path="e2b.gguf")


def an_ollama_serving(**changes: Any) -> Any:
    return a_serving(**{"quantization": "Q4_K_M", "weights": LIBRARY, **changes})


def pod(**changes: Any) -> EnginePod:
    serving = an_ollama_serving(**changes)
    assert ENGINE.refuses(serving) is None
    return ENGINE.pod(serving)


def env(container: ContainerSpec) -> dict[str, str | None]:
    return {variable.name: variable.value for variable in container.env}


def bringer(**changes: Any) -> ContainerSpec:
    (container,) = pod(**changes).init_containers
    return container


class TestServer:
    def test_it_takes_no_arguments_but_serve(self) -> None:
        container = pod().container
        assert (*container.command, *container.args) == ("ollama", "serve")

    @pytest.mark.parametrize(
        ("variable", "changes", "value"),
        [
            ("OLLAMA_HOST", {"port": 9000}, "0.0.0.0:9000"),
            ("OLLAMA_CONTEXT_LENGTH", {"context_tokens": 65536}, "65536"),
            ("OLLAMA_NUM_PARALLEL", {"max_concurrent_requests": 2}, "2"),
            ("OLLAMA_KV_CACHE_TYPE", {"kv_dtype": "q8_0"}, "q8_0"),
            ("OLLAMA_FLASH_ATTENTION", {"kv_dtype": "q8_0"}, "1"),
            ("OLLAMA_KEEP_ALIVE", {}, "-1"),
            ("OLLAMA_MAX_LOADED_MODELS", {}, "1"),
            ("OLLAMA_NO_CLOUD", {}, "1"),
            ("OLLAMA_MODELS", {}, "/cache"),
            ("OLLAMA_SCHED_SPREAD", {"gpus": 2}, "1"),
            ("OLLAMA_DEBUG", {"env": (("OLLAMA_DEBUG", "1"),)}, "1"),
        ],
    )
    def test_variables(self, variable: str, changes: dict[str, Any], value: str) -> None:
        assert env(pod(**changes).container)[variable] == value

    def test_one_gpu_needs_no_spreading(self) -> None:
        assert "OLLAMA_SCHED_SPREAD" not in env(pod().container)

    @pytest.mark.parametrize("changes", [{}, {"weights": FILE}, {"weights": CLAIM}, {"gpus": 4}])
    def test_the_pod_is_sound(self, assert_sound: Callable[[EnginePod], None], changes: dict[str, Any]) -> None:
        assert_sound(pod(**changes))

    def test_the_download_counts_for_the_start_though_no_probe_sees_it(self) -> None:
        probe = pod(weights_bytes=60_000_000_000).container.startup_probe
        assert isinstance(probe, ExecProbe)
        assert probe.period_seconds * probe.failure_threshold == 300
        # A question that is given up ends the loading that it began.
        assert probe.timeout_seconds == 300 + 300
        assert pod(weights_bytes=60_000_000_000).start_seconds == 300 + 300 + 300 + 1200

    def test_a_pod_counts_as_started_only_with_a_first_answer(self) -> None:
        probe = pod(served_model_name="team/chat:1", port=9000).container.startup_probe
        assert isinstance(probe, ExecProbe)
        shell, flag, script, *words = probe.command
        assert (shell, flag, words) == ("/bin/sh", "-c", ["first-answer", "9000", "team/chat:1"])
        assert "team" not in script


class TestBringer:
    def test_it_runs_before_the_server_on_the_same_store_without_a_gpu(self) -> None:
        described = pod()
        container = described.init_containers[0]
        assert set(described.container.mounts) <= set(container.mounts)
        assert container.gpus == 0
        assert env(container)["NVIDIA_VISIBLE_DEVICES"] == "void"

    def test_nobody_outside_the_pod_reaches_it(self) -> None:
        assert env(bringer())["OLLAMA_HOST"] == "127.0.0.1:11434"

    @pytest.mark.parametrize(
        ("weights", "variable", "value"),
        [
            (LIBRARY, "GEMMA4_PULL", "gemma4:31b-it-q4_K_M"),
            (FILE, "GEMMA4_PULL", "hf.co/team/gemma-GGUF:gemma-Q4_K_M.gguf"),
            (REPOSITORY, "GEMMA4_PULL", "hf.co/team/gemma-GGUF:Q4_K_M"),
            (CLAIM, "GEMMA4_FILE", "/weights/e2b.gguf"),
        ],
    )
    def test_it_is_told_what_to_bring(self, weights: Any, variable: str, value: str) -> None:
        variables = env(bringer(weights=weights))
        assert variables[variable] == value
        assert variables["GEMMA4_SERVED_AS"] == "gemma-4"

    def test_it_alone_sees_the_claim(self) -> None:
        described = pod(weights=CLAIM)
        assert "/weights" in {mount.path for mount in described.init_containers[0].mounts}
        assert "/weights" not in {mount.path for mount in described.container.mounts}

    def test_a_proxy_that_the_user_sets_reaches_it(self) -> None:
        assert env(bringer(env=(("HTTPS_PROXY", "http://proxy:3128"),)))["HTTPS_PROXY"] == "http://proxy:3128"

    def test_its_script_is_the_same_for_everybody(self) -> None:
        scripts = {
            bringer(weights=weights, served_model_name=name).command
            for weights in (LIBRARY, FILE, CLAIM)
            for name in ("gemma-4", "team/a:b")
        }
        assert len(scripts) == 1


class TestScript:
    """The script is run, with a stand-in for Ollama that writes down how it is called."""

    STAND_IN = """#!/bin/sh
# One write a line: the server and the others write at the same time.
line=$(printf '%s|' "$@")
[ "$1" = list ] || printf '%s\\n' "$line" >>"$LOG"
case "$1" in
  serve) [ -z "${DIES:-}" ] || exit 3; exec sleep 60 ;;
  create) cat "$4" >>"$LOG" ;;
  pull) [ -z "${NO_NETWORK:-}" ] || exit 4 ;;
  list) [ -z "${DIES:-}" ] && grep -q '^serve' "$LOG" ;;
esac
"""

    @pytest.fixture
    def run(self, tmp_path: Path) -> Callable[..., tuple[int, list[str]]]:
        stand_in = tmp_path / "ollama"
        stand_in.write_text(self.STAND_IN)
        stand_in.chmod(0o755)

        def run(weights: Any, *, name: str = "gemma-4", **more: str) -> tuple[int, list[str]]:
            container = bringer(weights=weights, served_model_name=name)
            given = {key: value for key, value in env(container).items() if value is not None}
            if "GEMMA4_FILE" in given:
                given["GEMMA4_FILE"] = f"{tmp_path}{given['GEMMA4_FILE']}"
            path = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TMPDIR": str(tmp_path), "LOG": str(tmp_path / "log")}
            done = subprocess.run(
                container.command, env=given | path | more, capture_output=True, timeout=120, check=False
            )
            return done.returncode, (tmp_path / "log").read_text().splitlines()

        return run

    def test_a_model_of_the_library_is_pulled_and_named(self, run: Callable[..., tuple[int, list[str]]]) -> None:
        code, calls = run(LIBRARY)
        assert code == 0
        assert calls == ["serve|", "pull|gemma4:31b-it-q4_K_M|", "cp|gemma4:31b-it-q4_K_M|gemma-4|"]

    def test_a_file_on_a_claim_is_created_from(self, run: Callable[..., tuple[int, list[str]]], tmp_path: Path) -> None:
        (tmp_path / "weights").mkdir()
        (tmp_path / "weights" / "e2b.gguf").touch()
        code, calls = run(CLAIM, name="team/gemma:4")
        assert code == 0
        assert calls[1:] == [f"create|team/gemma:4|-f|{tmp_path}/Modelfile|", f"FROM {tmp_path}/weights/e2b.gguf"]

    def test_a_file_that_is_not_there_fails_the_container(self, run: Callable[..., tuple[int, list[str]]]) -> None:
        code, calls = run(CLAIM)
        assert code == 1
        assert not any(call.startswith("create") for call in calls)

    def test_a_failed_download_fails_the_container(self, run: Callable[..., tuple[int, list[str]]]) -> None:
        code, calls = run(LIBRARY, NO_NETWORK="1")
        assert code == 4
        assert not any(call.startswith("cp") for call in calls)

    def test_a_server_that_dies_is_not_waited_for(self, run: Callable[..., tuple[int, list[str]]]) -> None:
        code, _ = run(LIBRARY, DIES="1")
        assert code != 0

    def test_what_a_user_wrote_is_never_code(self, run: Callable[..., tuple[int, list[str]]], tmp_path: Path) -> None:
        evil = '$(touch "$TMPDIR/pwned");`touch $TMPDIR/pwned`\'"; touch $TMPDIR/pwned #%s\\n'
        code, calls = run(OllamaWeights(name=evil, tag="x"))
        assert code == 0
        assert calls[1] == f"pull|{evil}:x|"
        assert not (tmp_path / "pwned").exists()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a token in plain": (
        {"env": (("HF_TOKEN", "x"),)},
        "`spec.engine.env` must not set 'HF_TOKEN', which Ollama does not send: "
        "leave it out, or put the file on a claim.",
    ),
    "an answer without a thought": (
        {"reasoning": False},
        "`spec.capabilities.reasoning` must be true with Ollama, whose models think unless a request says "
        "`\"think\": false`: let requests say so, or set `spec.engine.type` to 'LlamaCpp'.",
    ),
    "a key": (
        {"api_key": SecretSource(name="chat", key="key")},
        "`spec.secrets.apiKey` must be absent with Ollama, which checks no key: "
        "drop the key, or set `spec.engine.type` to 'LlamaCpp'.",
    ),
    "a token": (
        {"hugging_face_token": SecretSource(name="hub", key="token")},
        "`spec.secrets.huggingFaceToken` must be absent with Ollama, which cannot send it: "
        "drop the token, or put the file on a claim.",
    ),
    "videos": (
        {"media": frozenset({"Image", "Video"})},
        "`spec.capabilities.modalities` must not have 'Video' with Ollama, whose requests take images: drop it, or set "
        "`spec.engine.type` to 'LlamaCpp' or 'VLLM'.",
    ),
    "arguments": (
        {"extra_args": ("--verbose",)},
        "`spec.engine.extraArgs` must be empty with Ollama, which takes none: use its variables in `spec.engine.env`.",
    ),
    "a name with two tags": (
        {"served_model_name": "a:b:c"},
        "`spec.endpoint.servedModelName` must be a name of Ollama's, not 'a:b:c': "
        "take one such as 'gemma-4' or 'team/gemma-4:31b'.",
    ),
    "a claim's root": (
        {"weights": ClaimWeights(claim_name="weights", path="")},
        "`spec.model.checkpoint.claim.path` must name a file that ends in '.gguf' with Ollama, not '': "
        "name the file inside the claim, or set `spec.engine.type` to 'VLLM'.",
    ),
    "a revision": (
        {"weights": HuggingFaceWeights(repository="team/gemma-GGUF", revision="v2")},
        "`spec.model.checkpoint.huggingFace.revision` must be 'main' with Ollama, not 'v2', because its downloads "
        "know no other: put that revision on a claim to pin it.",
    ),
    "safetensors": (
        {"quantization": "BF16", "weights": REPOSITORY},
        "`spec.model.quantization` must be of GGUF, such as 'Q4_K_M', with Ollama, not 'BF16': "
        "or set `spec.engine.type` to 'VLLM'.",
    ),
    "the address by variable": (
        {"env": (("OLLAMA_HOST", "127.0.0.1"),)},
        "`spec.engine.env` must not set 'OLLAMA_HOST': set `spec.endpoint` instead.",
    ),
    "the context by variable": (
        {"env": (("OLLAMA_CONTEXT_LENGTH", "1"),)},
        "`spec.engine.env` must not set 'OLLAMA_CONTEXT_LENGTH': set `spec.capabilities.contextTokens` instead.",
    ),
    "how long the model stays": (
        {"env": (("OLLAMA_KEEP_ALIVE", "5m"),)},
        "`spec.engine.env` must not set 'OLLAMA_KEEP_ALIVE', which the operator sets to '-1': leave it out.",
    ),
    "a drafter": (
        {"drafter": Drafter(repository="google/gemma-4-E2B-it-assistant", tokens=2)},
        "`spec.model.drafter` must be false with Ollama, which runs none: set `spec.engine.type` to 'VLLM'.",
    ),
    "an adapter": (
        {"adapters": (Adapter(name="support", claim_name="runs", path="v1", rank=8),)},
        "`spec.model.adapters` must be empty with Ollama, which serves none beside its model: "
        "set `spec.engine.type` to 'VLLM', or merge them into the weights.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_refuses(case: str) -> None:
    changes, sentence = REFUSED[case]
    assert ENGINE.refuses(an_ollama_serving(**changes)) == sentence


@pytest.mark.parametrize("name", ["gemma-4", "gemma4:31b", "team/gemma-4:31b", "registry.example.com/team/gemma"])
def test_names_that_it_can_give(name: str) -> None:
    assert ENGINE.refuses(an_ollama_serving(served_model_name=name)) is None


@pytest.mark.parametrize("name", ["a//b", "a/b/c/d", "a:b/c", "a:b:c", "a/", "a:"])
def test_names_that_it_cannot_give(name: str) -> None:
    assert ENGINE.refuses(an_ollama_serving(served_model_name=name)) is not None
