"""The flags of `vllm serve`, for vLLM's own images and for those that hold it, as NIM does.

As of vLLM 0.33; every one of them exists since 0.19.1, the first version that runs Gemma 4 (read in the sources of
0.19.1, 0.20 to 0.26 and 0.28 to 0.33). Which attention code runs is never said: vLLM picks one for heads of 512 on each
generation of GPUs by itself, and has failed where it was told (vllm#40677).
"""

import json
from collections.abc import Mapping

from gemma4_operator.api.common import Quantization, Variant
from gemma4_operator.engines import budget, volumes
from gemma4_operator.engines.base import Managed, Serving

MEMORY_UTILIZATION = 0.90
"""Of a GPU that nobody else uses: more has run out under load (vllm#50159)."""
FORMATS = (Quantization.BF16, Quantization.FP8, Quantization.NVFP4, Quantization.W4A16)
DRAFTER_FROM = (0, 33)
"""Earlier, proposals were hardly ever taken with a cache in FP8 (vllm#41789), or the start failed (vllm#48848)."""
ADAPTER_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""Those that vLLM's kernels are made for (config/lora.py, 0.33)."""

_WORKLOAD, _CONTEXT = "spec.workload", "spec.capabilities.contextTokens"
_MODALITIES, _ADAPTERS = "spec.capabilities.modalities", "spec.model.adapters"
_DRAFTER = "spec.model.drafter"
OWNED: Mapping[str, str] = {
    "--model": "spec.model.checkpoint",
    "--revision": "spec.model.checkpoint.huggingFace.revision",
    "--served-model-name": "spec.endpoint.servedModelName",
    "--max-model-len": _CONTEXT,
    "--tensor-parallel-size": "spec.placement.gpusPerReplica",
    "-tp": "spec.placement.gpusPerReplica",
    "--enable-expert-parallel": "spec.placement.gpusPerReplica",
    "-ep": "spec.placement.gpusPerReplica",
    "--data-parallel-size": "spec.replicas",
    "-dp": "spec.replicas",
    "--max-num-batched-tokens": _WORKLOAD,
    "--max-num-seqs": _WORKLOAD,
    "--kv-cache-dtype": _WORKLOAD,
    "--kv-cache-memory-bytes": _WORKLOAD,
    "--num-gpu-blocks-override": _WORKLOAD,
    "--gpu-memory-utilization": "spec.placement.allowSharedGPUs",
    "--device-memory-utilization": "spec.placement.allowSharedGPUs",
    "--limit-mm-per-prompt": _MODALITIES,
    "--language-model-only": _MODALITIES,
    "--enable-auto-tool-choice": "spec.capabilities.toolCalling",
    "--tool-call-parser": "spec.capabilities.toolCalling",
    "--reasoning-parser": "spec.capabilities.reasoning",
    "--default-chat-template-kwargs": "spec.capabilities.reasoning",
    "--enable-lora": _ADAPTERS,
    "--lora-modules": _ADAPTERS,
    "--max-loras": _ADAPTERS,
    "--max-lora-rank": _ADAPTERS,
    "--speculative-config": _DRAFTER,
    "-sc": _DRAFTER,
    "--spec-method": _DRAFTER,
    "--spec-model": _DRAFTER,
    "--spec-tokens": _DRAFTER,
    "--host": "spec.endpoint",
    "--uds": "spec.endpoint",
    "--port": "spec.endpoint.port",
    "--api-key": "spec.secrets.apiKey",
    "--hf-token": "spec.secrets.huggingFaceToken",
}
"""Each with the field that says it, or by which the plan does."""
BARRED: Mapping[str, str] = {
    "--attention-backend": "since Gemma 4's heads of 512 run only on what vLLM picks itself",
    "--attention-config": "since Gemma 4's heads of 512 run only on what vLLM picks itself",
    "-ac": "since Gemma 4's heads of 512 run only on what vLLM picks itself",
    "--disable-hybrid-kv-cache-manager": "since without that manager every sliding layer keeps the whole context",
    "--disable-sliding-window": "since it cuts the context to the window of the sliding layers",
    "--quantization": "since what is not in the checkpoint's own format has answered with gibberish",
    "-q": "since what is not in the checkpoint's own format has answered with gibberish",
    "--quantization-config": "since what is not in the checkpoint's own format has answered with gibberish",
    "--model-impl": "since only vLLM's own code knows Gemma 4's layers",
    "--pipeline-parallel-size": "since Gemma 4's experts fail in it and the plan counts on tensor parallel",
    "-pp": "since Gemma 4's experts fail in it and the plan counts on tensor parallel",
    "--prefill-context-parallel-size": "since the plan counts on tensor parallel",
    "-pcp": "since the plan counts on tensor parallel",
    "--decode-context-parallel-size": "since the plan counts on tensor parallel",
    "-dcp": "since the plan counts on tensor parallel",
    "--ssl-keyfile": "since probes and the Service speak plain HTTP",
    "--ssl-certfile": "since probes and the Service speak plain HTTP",
    "--disable-log-stats": "since without its figures nothing is measured",
    "--shutdown-timeout": "since the operator sets it, so that running requests may finish",
}
"""Each with why (facts with their threads: vllm#40677, #39049, #40437, #42516, vllm-metal#505)."""


def managed(variables: Mapping[str, str]) -> Managed:
    """Return what nobody else may say to an image that runs vLLM, with the variables of that image."""
    return Managed(flags=OWNED, barred=BARRED, variables=variables)


def refuses(serving: Serving, *, engine: str) -> str | None:
    """Return what vLLM cannot serve, whatever image it is in; `engine` is what the user knows it by."""
    if serving.quantization not in FORMATS:
        return (
            f"`spec.model.quantization` must be one of {', '.join(FORMATS)} with {engine}, "
            f"not '{serving.quantization}': or set `spec.engine.type` to 'LlamaCpp'."
        )
    if serving.query_heads % serving.gpus:
        able = next(count for count in range(serving.gpus, 0, -1) if serving.query_heads % count == 0)
        return (
            f"`spec.placement.gpusPerReplica` must divide the {serving.query_heads} attention heads of "
            f"{serving.variant} with {engine}: take {able} instead of {serving.gpus}."
        )
    for adapter in serving.adapters:
        if adapter.rank > ADAPTER_RANKS[-1]:
            return (
                f"`spec.model.adapters` must have ranks up to {ADAPTER_RANKS[-1]} with {engine}, and '{adapter.name}' "
                f"has {adapter.rank}: train it anew with a lower rank, or merge it into the weights."
            )
    return None


def levers(serving: Serving) -> tuple[str, ...]:
    """Return what the plan decided; the share of the GPU is looked at before the start, and the cache's size counts."""
    experts = serving.variant is Variant.V26B_A4B and serving.gpus > 1
    return (
        "--max-model-len", str(serving.context_tokens),
        "--tensor-parallel-size", str(serving.gpus),
        # Experts of width 704 cannot be cut without breaking the blocks of quantized weights (vllm#42516).
        *(("--enable-expert-parallel",) if experts else ()),
        "--max-num-batched-tokens", str(serving.max_batched_tokens),
        "--max-num-seqs", str(serving.max_concurrent_requests),
        *(("--kv-cache-dtype", serving.kv_dtype) if serving.kv_dtype != "bf16" else ()),
        "--kv-cache-memory-bytes", str(serving.kv_cache_bytes),
        "--gpu-memory-utilization", f"{serving.memory_utilization_percent / 100:.2f}",
    )  # fmt: skip


def capabilities(serving: Serving) -> tuple[str, ...]:
    """Return what requests may carry, and what of an answer is told apart.

    The encoders that nobody asks for are left out: their weights, and the room that profiling gives them. vLLM refuses
    a limit for what a model has not. Whether the model thinks is said either way, or marks have leaked (vllm#49955).
    """
    return (
        *_media(serving),
        *(("--enable-auto-tool-choice", "--tool-call-parser", "gemma4") if serving.tool_calling else ()),
        *(("--reasoning-parser", "gemma4") if serving.reasoning else ()),
        "--default-chat-template-kwargs", _json({"enable_thinking": serving.reasoning}),
    )  # fmt: skip


def adapters(serving: Serving) -> tuple[str, ...]:
    """Return what serves the adapters, all of them at once in one batch."""
    if not serving.adapters:
        return ()
    most = max(adapter.rank for adapter in serving.adapters)
    modules = (f"{adapter.name}={volumes.adapter_path(adapter)}" for adapter in serving.adapters)
    return (
        "--enable-lora",
        "--max-loras", str(len(serving.adapters)),
        "--max-lora-rank", str(buffered_rank(most)),
        "--lora-modules", *modules,
    )  # fmt: skip


def buffered_rank(rank: int) -> int:
    """Return the rank of the buffers for adapters of that rank: the next that the kernels are made for."""
    return next((one for one in ADAPTER_RANKS if one >= rank), rank)


def drafter(serving: Serving) -> tuple[str, ...]:
    """Return what lets the drafter propose; its method is named, or vLLM takes it for any other model (vllm#42005)."""
    if serving.drafter is None:
        return ()
    told = {"method": "mtp", "model": serving.drafter.repository, "num_speculative_tokens": serving.drafter.tokens}
    return ("--speculative-config", _json(told))


def drain() -> tuple[str, ...]:
    """Return how long running requests may take once the server is told to end; without it vLLM cuts them off."""
    return ("--shutdown-timeout", str(budget.FINISH_SECONDS))


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _media(serving: Serving) -> tuple[str, ...]:
    if not serving.media:
        return ("--language-model-only",)
    unasked = {kind.lower(): 0 for kind in ("Image", "Video", "Audio") if kind in serving.known_media - serving.media}
    return ("--limit-mm-per-prompt", _json(unasked)) if unasked else ()
