"""NVIDIA NIM: vLLM in NVIDIA's own container, which is told by variables and brings its models along.

Contracts as NVIDIA documents them for LLM NIMs 1.x and 2.x; none was run here, because the images need an account and
a GPU. An image made for one model chooses among its profiles, and the plan names the one it counts on; the model-free
image serves any checkpoint.
"""

import shlex

from gemma4_operator.api.common import EngineType, Quantization
from gemma4_operator.catalog.versions import version_of
from gemma4_operator.engines import arguments, budget, dialects, environment, vllm_flags, volumes
from gemma4_operator.engines.base import (
    ClaimWeights,
    ContainerSpec,
    EnginePod,
    EnvVar,
    HuggingFaceWeights,
    OllamaWeights,
    Serving,
    User,
)

NIM_USER = User(user=1000, group=2000)
"""The user that the images are built for, and the group that NVIDIA's operator gives to volumes."""
SHARED_MEMORY_BYTES = 16 * 2**30
"""What NVIDIA asks for on several GPUs without NVLink (1.x documentation)."""
READ_ONLY_FROM = (2, 0, 10)
"""Older ones write beside their volumes."""
_LIVE, _READY = "/v1/health/live", "/v1/health/ready"
_PRECISIONS = {
    Quantization.BF16: "bf16",
    Quantization.FP8: "fp8",
    Quantization.NVFP4: "nvfp4",
    Quantization.W4A16: "int4",
}
_VARIABLES = {
    "NIM_SERVED_MODEL_NAME": "spec.endpoint.servedModelName",
    "NIM_MAX_MODEL_LEN": "spec.capabilities.contextTokens",
    "NIM_TENSOR_PARALLEL_SIZE": "spec.placement.gpusPerReplica",
    "NIM_PIPELINE_PARALLEL_SIZE": "spec.placement.gpusPerReplica",
    "NIM_NUM_COMPUTE_NODES": "spec.placement.gpusPerReplica",
    "NIM_DRAFT_MODEL_PATH": "spec.model.drafter",
    "NIM_SPECDEC_ARGS": "spec.model.drafter",
    "NIM_MODEL_PATH": "spec.model.checkpoint",
    "NIM_MODEL_NAME": "spec.model.checkpoint",
    "NIM_MODEL_PROFILE": "spec.model.quantization",
    "NIM_PASSTHROUGH_ARGS": "spec.engine.extraArgs",
    "NIM_PEFT_SOURCE": "spec.model.adapters",
    "NIM_SERVER_PORT": "spec.endpoint.port",
    # Where it is set, probes are answered there (architecture page of LLM NIM 2.1).
    "NIM_HEALTH_PORT": "spec.endpoint.port",
    "NIM_HTTP_API_PORT": "spec.endpoint.port",
    "NGC_API_KEY": "spec.secrets.ngcApiKey",
    "NGC_CLI_API_KEY": "spec.secrets.ngcApiKey",
    **environment.HUB_TOKENS,
}


class NIM:
    """NVIDIA's inference microservices for language models."""

    type = EngineType.NIM
    image_marks = ("/nim/", "-nim:", "vllm-model-free-nim")
    managed = vllm_flags.managed(_VARIABLES)

    def refuses(self, serving: Serving) -> str | None:
        """Return the one reason why NIM cannot serve this."""
        return (
            _refuses_weights(serving)
            or _refuses_generation(serving)
            or vllm_flags.refuses(serving, engine="NIM")
            or arguments.clash(serving, self.managed)
            or environment.clash(serving, _env(serving), fields=self.managed.variables)
        )

    def remarks(self, serving: Serving) -> tuple[str, ...]:
        """Say what the image needs and what it does not take."""
        found = []
        if serving.ngc_api_key is None and not _is_model_free(serving):
            found.append(
                "NIM images before 2.0.10 and Production Branches download with `spec.secrets.ngcApiKey` alone."
            )
        if _is_model_free(serving):
            found.append("NVIDIA's model-free NIM runs this checkpoint; whether it does so well is not verified.")
        if _is_first(serving):
            found.append(
                "NIM 1.x takes no flags of its engine: the batch, the requests at once and the size of the cache are "
                "its own choice, so figures may differ from the plan's."
            )
        return tuple(found)

    def pod(self, serving: Serving) -> EnginePod:
        """Describe the pod that serves this with NIM."""
        seconds = budget.start_seconds(
            weights_bytes=serving.weights_bytes, downloads=not isinstance(serving.weights, ClaimWeights)
        )
        version = version_of(serving.engine_version)
        cache = () if not isinstance(serving.weights, ClaimWeights) else (volumes.CACHE,)
        container = ContainerSpec(
            name="nim",
            image=serving.image,
            env=environment.merged(_env(serving), serving.env),
            port=serving.port,
            mounts=(*volumes.mounts(serving), *cache, volumes.SHARED_MEMORY),
            gpus=serving.gpus,
            startup_probe=budget.startup_probe(_READY, seconds=seconds),
            readiness_probe=budget.readiness_probe(_READY),
            liveness_probe=budget.liveness_probe(_LIVE),
            drain_seconds=budget.DRAIN_SECONDS,
            read_only_root=not version or version >= READ_ONLY_FROM,
        )
        return EnginePod(
            container=container,
            volumes=(
                *volumes.volumes(serving),
                *((volumes.cache(0),) if cache else ()),
                volumes.shared_memory(SHARED_MEMORY_BYTES),
            ),
            start_seconds=seconds,
            grace_seconds=budget.GRACE_SECONDS,
            user=NIM_USER,
            dialects=(dialects.NIM_1,) if _is_first(serving) else (dialects.NIM_2, dialects.NIM_1),
        )


def _refuses_weights(serving: Serving) -> str | None:
    match serving.weights:
        case OllamaWeights():
            return (
                "`spec.model.checkpoint` must be `huggingFace` or `claim` with NIM: "
                "or set `spec.engine.type` to 'Ollama'."
            )
        case ClaimWeights(path=path) if path.endswith(".gguf"):
            return (
                "`spec.model.checkpoint.claim.path` must be a folder with safetensors with NIM: "
                "or set `spec.engine.type` to 'LlamaCpp'."
            )
        case HuggingFaceWeights(revision=revision) if revision != "main":
            return (
                f"`spec.model.checkpoint.huggingFace.revision` must be 'main' with NIM, not '{revision}', "
                "because its downloads know no other: put that revision on a claim to pin it."
            )
        case _:
            return None


def _refuses_generation(serving: Serving) -> str | None:
    """Return what an image of a generation, or one made for a model, does not take."""
    if serving.api_key is not None:
        return (
            "`spec.secrets.apiKey` must be absent with NIM, which checks no key: "
            "drop the key, or set `spec.engine.type` to 'VLLM'."
        )
    if serving.drafter is not None:
        return (
            "`spec.model.drafter` must be false with NIM, which documents no way to set it for Gemma 4: "
            "set `spec.engine.type` to 'VLLM'."
        )
    if serving.adapters and not _is_model_free(serving):
        return (
            "`spec.model.adapters` must be empty with this image of NIM, none of whose profiles is for LoRA: "
            "set `spec.engine.type` to 'VLLM', or `spec.engine.image` to the model-free NIM."
        )
    if _is_first(serving) and serving.extra_args:
        return (
            "`spec.engine.extraArgs` must be empty with NIM 1.x, which takes no flags of its engine: "
            "use its variables in `spec.engine.env`, or an image of NIM 2.x."
        )
    return None


def _is_first(serving: Serving) -> bool:
    return version_of(serving.engine_version)[:1] == (1,)


def _is_model_free(serving: Serving) -> bool:
    """Whether the image brings no model; its name says so, and for 1.x is llm-nim."""
    name = serving.image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return "model-free" in name or name == "llm-nim"


def _env(serving: Serving) -> tuple[EnvVar, ...]:
    return (
        *volumes.HOME_ENV,
        EnvVar(name="NIM_CACHE_PATH", value=volumes.CACHE.path),
        EnvVar(name="NIM_SERVED_MODEL_NAME", value=serving.served_model_name),
        EnvVar(name="NIM_MAX_MODEL_LEN", value=str(serving.context_tokens)),
        EnvVar(name="NIM_TENSOR_PARALLEL_SIZE", value=str(serving.gpus)),
        *_model(serving),
        *((EnvVar(name="NIM_PEFT_SOURCE", value=volumes.ADAPTERS_PATH),) if serving.adapters else ()),
        *(_first_levers(serving) if _is_first(serving) else _levers(serving)),
        EnvVar(name="NIM_JSONL_LOGGING", value="1"),
        EnvVar(name="DO_NOT_TRACK", value="1"),
        *environment.from_secret("NGC_API_KEY", serving.ngc_api_key),
        *environment.from_secret("HF_TOKEN", serving.hugging_face_token),
    )


def _model(serving: Serving) -> tuple[EnvVar, ...]:
    """Name the profile of an image that brings its model, or else where the model is."""
    if not _is_model_free(serving):
        precision = _PRECISIONS[serving.quantization]
        profile = f"vllm-{precision}-tp{serving.gpus}-pp1"
        # Profiles of 1.x and of variant builds bear names of their own, so the image must choose by GPU and size.
        is_plain = not _is_first(serving) and not serving.engine_version.endswith("-variant")
        return (EnvVar(name="NIM_MODEL_PROFILE", value=profile),) if is_plain else ()
    name = "NIM_MODEL_NAME" if _is_first(serving) else "NIM_MODEL_PATH"
    match serving.weights:
        case HuggingFaceWeights(repository=repository):
            return (EnvVar(name=name, value=f"hf://{repository}"),)
        case ClaimWeights() as claim:
            return (EnvVar(name=name, value=volumes.claim_path(claim)),)
        case OllamaWeights():
            raise ValueError("NIM was asked for a pod that it refuses")


def _levers(serving: Serving) -> tuple[EnvVar, ...]:
    """Return what 2.x is told: its engine's own flags, which go before everything but its command line."""
    is_named = frozenset({"--lora-modules", *(f"{one.name}={volumes.adapter_path(one)}" for one in serving.adapters)})
    flags = (
        *vllm_flags.levers(serving),
        *vllm_flags.capabilities(serving),
        # Adapters are found by their folders.
        *(flag for flag in vllm_flags.adapters(serving) if flag not in is_named),
        *vllm_flags.drain(),
        *serving.extra_args,
    )
    return (
        EnvVar(name="NIM_SERVER_PORT", value=str(serving.port)),
        EnvVar(name="NIM_PASSTHROUGH_ARGS", value=shlex.join(flags)),
    )


def _first_levers(serving: Serving) -> tuple[EnvVar, ...]:
    return (
        EnvVar(name="NIM_HTTP_API_PORT", value=str(serving.port)),
        EnvVar(name="NIM_KVCACHE_PERCENT", value=f"{serving.memory_utilization_percent / 100:.2f}"),
    )
