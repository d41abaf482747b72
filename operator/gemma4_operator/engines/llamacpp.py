"""llama.cpp's server: GGUF files, on one GPU or on layers spread over several.

Flags as of build 10920 (`llama-server --help`). Two defaults are chosen for Gemma 4: few context checkpoints and a
small prompt cache, because at their defaults they have filled the host's memory (llama.cpp#21690).
"""

import re
from collections.abc import Mapping

from gemma4_operator.api.common import EngineType
from gemma4_operator.engines import arguments, budget, dialects, drain, environment, volumes
from gemma4_operator.engines.base import (
    ClaimWeights,
    ContainerSpec,
    EnginePod,
    EnvVar,
    HuggingFaceWeights,
    Managed,
    OllamaWeights,
    Serving,
)

_FLAGS: Mapping[str, str] = {
    "--model": "spec.model.checkpoint",
    "-m": "spec.model.checkpoint",
    "--model-url": "spec.model.checkpoint",
    "-mu": "spec.model.checkpoint",
    "--docker-repo": "spec.model.checkpoint",
    "-dr": "spec.model.checkpoint",
    "--hf-repo": "spec.model.checkpoint.huggingFace.repository",
    "-hf": "spec.model.checkpoint.huggingFace.repository",
    "-hfr": "spec.model.checkpoint.huggingFace.repository",
    "--hf-file": "spec.model.checkpoint",
    "-hff": "spec.model.checkpoint",
    "--spec-draft-model": "spec.model.drafter",
    "--model-draft": "spec.model.drafter",
    "-md": "spec.model.drafter",
    "--spec-draft-hf": "spec.model.drafter",
    "--hf-repo-draft": "spec.model.drafter",
    "-hfd": "spec.model.drafter",
    "-hfrd": "spec.model.drafter",
    "--alias": "spec.endpoint.servedModelName",
    "-a": "spec.endpoint.servedModelName",
    "--ctx-size": "spec.capabilities.contextTokens",
    "-c": "spec.capabilities.contextTokens",
    "--host": "spec.endpoint",
    "--port": "spec.endpoint.port",
    "--api-key": "spec.secrets.apiKey",
    "--api-key-file": "spec.secrets.apiKey",
    "--hf-token": "spec.secrets.huggingFaceToken",
    "-hft": "spec.secrets.huggingFaceToken",
    "--parallel": "spec.workload",
    "-np": "spec.workload",
    "--ubatch-size": "spec.workload",
    "-ub": "spec.workload",
    "--cache-type-k": "spec.workload",
    "-ctk": "spec.workload",
    "--cache-type-v": "spec.workload",
    "-ctv": "spec.workload",
    "--mmproj": "spec.model.checkpoint.claim.projectorPath",
    "-mm": "spec.model.checkpoint.claim.projectorPath",
    "--mmproj-url": "spec.capabilities.modalities",
    "-mmu": "spec.capabilities.modalities",
    "--mmproj-auto": "spec.capabilities.modalities",
    "--jinja": "spec.capabilities.toolCalling",
    "--reasoning-format": "spec.capabilities.reasoning",
    "--reasoning": "spec.capabilities.reasoning",
    "-rea": "spec.capabilities.reasoning",
}
"""Each with the field that says it, or by which the plan does."""
_BARRED: Mapping[str, str] = {
    "--kv-offload": "since Gemma 4 answers with gibberish when its cache is not on the GPU",
    "-kvo": "since Gemma 4 answers with gibberish when its cache is not on the GPU",
    "-nkvo": "since Gemma 4 answers with gibberish when its cache is not on the GPU",
    "--swa-full": "since with it every sliding layer keeps the whole context",
    "--split-mode": "since layers are the one way to split Gemma 4 that is known to work",
    "-sm": "since layers are the one way to split Gemma 4 that is known to work",
    "--n-gpu-layers": "since the plan counts on all layers on the GPU",
    "--gpu-layers": "since the plan counts on all layers on the GPU",
    "-ngl": "since the plan counts on all layers on the GPU",
    "--ssl-key-file": "since probes and the Service speak plain HTTP",
    "--ssl-cert-file": "since probes and the Service speak plain HTTP",
    "--metrics": "since metrics are always on",
    "--warmup": "since a pod counts as serving once its warm-up has run",
    "--lora": "since it would change every answer, and no client could ask for it by name",
    "--lora-scaled": "since it would change every answer, and no client could ask for it by name",
}
"""Each with why (llama.cpp#21726, #25751)."""
_SETTINGS = "LLAMA_ARG_"
"""What begins the variables that stand for flags."""
_PART = re.compile(r"-([0-9]{5})-of-[0-9]{5}\.gguf")
"""How the files of one model in several are named; llama.cpp finds the others beside the first."""
_HEALTH = "/health"


class LlamaCpp:
    """The server of the llama.cpp project."""

    type = EngineType.LLAMA_CPP
    image_marks = ("llama.cpp", "llama-cpp", "llama-server")
    managed = Managed(
        flags=_FLAGS,
        barred=_BARRED,
        variables={**environment.HUB_TOKENS, "LLAMA_API_KEY": "spec.secrets.apiKey"},
    )

    def refuses(self, serving: Serving) -> str | None:
        """Return the one reason why llama.cpp cannot serve this."""
        match serving.weights:
            case OllamaWeights():
                return (
                    "`spec.model.checkpoint` must be `huggingFace` or `claim` with LlamaCpp: "
                    "or set `spec.engine.type` to 'Ollama'."
                )
            case ClaimWeights(path=path) if not path.endswith(".gguf"):
                return (
                    "`spec.model.checkpoint.claim.path` must name a file that ends in '.gguf' with LlamaCpp, "
                    f"not '{path}': name the file inside the claim, or set `spec.engine.type` to 'VLLM'."
                )
            case ClaimWeights(path=path) if (part := _PART.search(path)) is not None and part[1] != "00001":
                return (
                    "`spec.model.checkpoint.claim.path` must name the first of several files with LlamaCpp, the one "
                    f"with '-00001-of-', not '{path}'."
                )
            case ClaimWeights(projector_path=None) if serving.media:
                return (
                    "`spec.model.checkpoint.claim.projectorPath` must name the projector's file for "
                    f"{' and '.join(sorted(serving.media)).lower()} with LlamaCpp: or drop them from "
                    "`spec.capabilities.modalities`."
                )
            case HuggingFaceWeights(revision=revision) if revision != "main":
                return (
                    f"`spec.model.checkpoint.huggingFace.revision` must be 'main' with LlamaCpp, not '{revision}', "
                    "because its downloads know no other: put that revision on a claim to pin it."
                )
            case HuggingFaceWeights(file=None) if not serving.quantization.is_gguf:
                return (
                    "`spec.model.quantization` must be of GGUF, such as 'Q4_K_M', with LlamaCpp, "
                    f"not '{serving.quantization}': or set `spec.engine.type` to 'VLLM'."
                )
        if serving.drafter is not None:
            return (
                "`spec.model.drafter` must be false with LlamaCpp, which has crashed with it: "
                "set `spec.engine.type` to 'VLLM'."
            )
        if serving.adapters:
            return (
                "`spec.model.adapters` must be empty with LlamaCpp, which serves none by its name: "
                "set `spec.engine.type` to 'VLLM', or merge them into the weights."
            )
        if variable := next((name for name, _ in serving.env if name.startswith(_SETTINGS)), None):
            return f"`spec.engine.env` must not set '{variable}', which stands for a flag: use `spec.engine.extraArgs`."
        return arguments.clash(serving, self.managed) or environment.clash(
            serving, _env(serving), fields=self.managed.variables
        )

    def remarks(self, serving: Serving) -> tuple[str, ...]:
        """Return nothing: what the plan says is what llama.cpp is told."""
        return ()

    def pod(self, serving: Serving) -> EnginePod:
        """Describe the pod that serves this with llama.cpp."""
        seconds = budget.start_seconds(
            weights_bytes=serving.weights_bytes, downloads=isinstance(serving.weights, HuggingFaceWeights)
        )
        blind = budget.drain_seconds(serving.answer_seconds)
        container = ContainerSpec(
            name="llama-server",
            image=serving.image,
            command=("/app/llama-server",),
            args=_args(serving),
            env=environment.merged(_env(serving), serving.env),
            port=serving.port,
            mounts=volumes.mounts(serving),
            gpus=serving.gpus,
            startup_probe=budget.startup_probe(_HEALTH, seconds=seconds),
            readiness_probe=budget.readiness_probe(_HEALTH),
            liveness_probe=budget.liveness_probe(_HEALTH),
            drain_seconds=blind,
            drain_command=drain.of_llama_cpp(
                pause_seconds=budget.DRAIN_SECONDS,
                blind_seconds=blind - budget.DRAIN_SECONDS,
                finish_seconds=budget.FINISH_SECONDS,
                port=serving.port,
            ),
        )
        return EnginePod(
            container=container,
            volumes=volumes.volumes(serving),
            start_seconds=seconds,
            grace_seconds=budget.GRACE_SECONDS,
            dialects=(dialects.LLAMA_CPP,),
        )


def _args(serving: Serving) -> tuple[str, ...]:
    return (
        *_model(serving),
        "--alias", serving.served_model_name,
        # The cache is cut into as many equal parts as there are slots.
        "--ctx-size", str(serving.context_tokens * serving.max_concurrent_requests),
        "--parallel", str(serving.max_concurrent_requests),
        "--ubatch-size", str(serving.max_batched_tokens),
        *_cache(serving),
        "--n-gpu-layers", "999",
        "--ctx-checkpoints", "4",
        "--cache-ram", str(serving.host_cache_mib),
        *_projector(serving),
        # Without it no template of Gemma 4 is understood, with tools or without.
        "--jinja",
        *(() if serving.reasoning else ("--reasoning", "off")),
        "--metrics",
        "--host", "0.0.0.0",
        "--port", str(serving.port),
        *serving.extra_args,
    )  # fmt: skip


def _cache(serving: Serving) -> tuple[str, ...]:
    if serving.kv_dtype == "bf16":
        return ()
    return ("--cache-type-k", serving.kv_dtype, "--cache-type-v", serving.kv_dtype, "--flash-attn", "on")


def _projector(serving: Serving) -> tuple[str, ...]:
    """Name what reads images and sound; beside weights of the Hub it is found by itself."""
    if not serving.media:
        return ("--no-mmproj",)
    match serving.weights:
        case ClaimWeights(projector_path=str(path)):
            return ("--mmproj", f"{volumes.WEIGHTS.path}/{path}")
        case _:
            return ()


def _model(serving: Serving) -> tuple[str, ...]:
    match serving.weights:
        case HuggingFaceWeights(repository=repository, file=None):
            return ("--hf-repo", f"{repository}:{serving.quantization}")
        case HuggingFaceWeights(repository=repository, file=str(file)):
            return ("--hf-repo", repository, "--hf-file", file)
        case ClaimWeights() as claim:
            return ("--model", volumes.claim_path(claim))
        case _:
            raise ValueError("llama.cpp was asked for a pod that it refuses")


def _env(serving: Serving) -> tuple[EnvVar, ...]:
    cached = not isinstance(serving.weights, ClaimWeights)
    return (
        *volumes.HOME_ENV,
        *((EnvVar(name="LLAMA_CACHE", value=volumes.CACHE.path),) if cached else ()),
        *environment.from_secret("HF_TOKEN", serving.hugging_face_token),
        *environment.from_secret("LLAMA_API_KEY", serving.api_key),
    )
