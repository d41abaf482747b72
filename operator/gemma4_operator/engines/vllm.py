"""vLLM: safetensors checkpoints on one or several GPUs of a node.

Flags and variables as of vLLM 0.33 (`vllm serve --help`, docs.vllm.ai). The plan says how many tokens a step takes, how
many requests run at once and how the cache is stored; here are 90 % of the GPU's memory, because more has run out under
load (vllm#50159), and the parsers for tools and reasoning.
"""

import json

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.engines import arguments, budget, environment, volumes
from gemma4_operator.engines.base import (
    ClaimWeights,
    ContainerSpec,
    EnginePod,
    EnvVar,
    HuggingFaceWeights,
    OllamaWeights,
    Serving,
)

_ATTENTION_HEADS = {
    Variant.V31B: 32,
    Variant.V26B_A4B: 16,
    Variant.V12B: 16,
    Variant.E4B: 8,
    Variant.E2B: 8,
}
_HEARING = (Variant.V12B, Variant.E4B, Variant.E2B)
MEMORY_UTILIZATION = 0.90
_FORMATS = (Quantization.BF16, Quantization.FP8, Quantization.NVFP4, Quantization.W4A16)
_OWNED_FLAGS = {
    "--model": "spec.model.checkpoint",
    "--revision": "spec.model.checkpoint.huggingFace.revision",
    "--served-model-name": "spec.endpoint.servedModelName",
    "--max-model-len": "spec.capabilities.contextTokens",
    "--tensor-parallel-size": "spec.placement.gpusPerReplica",
    "-tp": "spec.placement.gpusPerReplica",
    "--host": "spec.endpoint",
    "--port": "spec.endpoint.port",
    "--api-key": "spec.secrets.apiKey",
}
_HEALTH = "/health"


class VLLM:
    """The server of the vLLM project."""

    type = EngineType.VLLM

    def refuses(self, serving: Serving) -> str | None:
        """Return the one reason why vLLM cannot serve this."""
        heads = _ATTENTION_HEADS[serving.variant]
        if isinstance(serving.weights, OllamaWeights):
            return (
                "`spec.model.checkpoint` must be `huggingFace` or `claim` with VLLM: "
                "or set `spec.engine.type` to 'Ollama'."
            )
        if isinstance(serving.weights, ClaimWeights) and serving.weights.path.endswith(".gguf"):
            return (
                "`spec.model.checkpoint.claim.path` must be a folder with safetensors with VLLM: "
                "or set `spec.engine.type` to 'LlamaCpp'."
            )
        if serving.quantization not in _FORMATS:
            return (
                f"`spec.model.quantization` must be one of {', '.join(_FORMATS)} with VLLM, "
                f"not '{serving.quantization}': or set `spec.engine.type` to 'LlamaCpp'."
            )
        if heads % serving.gpus:
            return (
                f"`spec.placement.gpusPerReplica` must divide the {heads} attention heads of {serving.variant} "
                f"with VLLM: take {_divisor_below(heads, serving.gpus)} instead of {serving.gpus}."
            )
        return arguments.clash(serving, _OWNED_FLAGS) or environment.clash(serving, _reserved(serving))

    def pod(self, serving: Serving) -> EnginePod:
        """Describe the pod that serves this with vLLM."""
        seconds = budget.start_seconds(
            weights_bytes=serving.weights_bytes, downloads=isinstance(serving.weights, HuggingFaceWeights)
        )
        container = ContainerSpec(
            name="vllm",
            image=serving.image,
            command=("vllm", "serve"),
            args=_args(serving),
            env=environment.merged(_env(serving), serving.env),
            port=serving.port,
            mounts=(*volumes.mounts(serving.weights), volumes.SHARED_MEMORY),
            gpus=serving.gpus,
            startup_probe=budget.startup_probe(_HEALTH, seconds=seconds),
            readiness_probe=budget.readiness_probe(_HEALTH),
            liveness_probe=budget.liveness_probe(_HEALTH),
            drain_seconds=budget.DRAIN_SECONDS,
        )
        return EnginePod(
            container=container,
            volumes=(*volumes.volumes(serving.weights), volumes.shared_memory()),
            start_seconds=seconds,
            grace_seconds=budget.GRACE_SECONDS,
        )


def _args(serving: Serving) -> tuple[str, ...]:
    experts = serving.variant is Variant.V26B_A4B and serving.gpus > 1
    return (
        *_model(serving),
        "--served-model-name", serving.served_model_name,
        "--max-model-len", str(serving.context_tokens),
        "--tensor-parallel-size", str(serving.gpus),
        # Experts of width 704 cannot be cut without breaking the blocks of quantized weights (vllm#42516).
        *(("--enable-expert-parallel",) if experts else ()),
        "--max-num-batched-tokens", str(serving.max_batched_tokens),
        "--max-num-seqs", str(serving.max_concurrent_requests),
        *(("--kv-cache-dtype", serving.kv_dtype) if serving.kv_dtype != "bf16" else ()),
        "--gpu-memory-utilization", f"{serving.memory_utilization_percent / 100:.2f}",
        *_media(serving),
        *(("--enable-auto-tool-choice", "--tool-call-parser", "gemma4") if serving.tool_calling else ()),
        *(("--reasoning-parser", "gemma4") if serving.reasoning else ()),
        "--host", "0.0.0.0",
        "--port", str(serving.port),
        *serving.extra_args,
    )  # fmt: skip


def _media(serving: Serving) -> tuple[str, ...]:
    """Leave out the encoders that nobody asks for: their weights, and the room that profiling gives them.

    31B and 26B-A4B have no audio, and vLLM refuses a limit for what a model has not.
    """
    if not serving.media:
        return ("--language-model-only",)
    known = ("Image", "Video", "Audio") if serving.variant in _HEARING else ("Image", "Video")
    unasked = {kind.lower(): 0 for kind in known if kind not in serving.media}
    return ("--limit-mm-per-prompt", json.dumps(unasked)) if unasked else ()


def _model(serving: Serving) -> tuple[str, ...]:
    match serving.weights:
        case HuggingFaceWeights(repository=repository, revision=revision):
            return (repository, "--revision", revision)
        case ClaimWeights() as claim:
            return (volumes.claim_path(claim),)
        case OllamaWeights():
            raise ValueError("vLLM was asked for a pod that it refuses")


def _env(serving: Serving) -> tuple[EnvVar, ...]:
    offline = isinstance(serving.weights, ClaimWeights)
    return (
        *volumes.HOME_ENV,
        EnvVar(name="HF_HOME", value=f"{volumes.SCRATCH.path}/huggingface" if offline else volumes.CACHE.path),
        *((EnvVar(name="HF_HUB_OFFLINE", value="1"),) if offline else ()),
        EnvVar(name="TRITON_CACHE_DIR", value=f"{volumes.SCRATCH.path}/triton"),
        EnvVar(name="TORCHINDUCTOR_CACHE_DIR", value=f"{volumes.SCRATCH.path}/inductor"),
        EnvVar(name="VLLM_NO_USAGE_STATS", value="1"),
        *environment.from_secret("HF_TOKEN", serving.hugging_face_token),
        *environment.from_secret("VLLM_API_KEY", serving.api_key),
    )


def _reserved(serving: Serving) -> dict[str, str]:
    return {
        **({"HF_TOKEN": "spec.secrets.huggingFaceToken"} if serving.hugging_face_token else {}),
        **({"VLLM_API_KEY": "spec.secrets.apiKey"} if serving.api_key else {}),
    }


def _divisor_below(number: int, limit: int) -> int:
    return next(candidate for candidate in range(limit, 0, -1) if number % candidate == 0)
