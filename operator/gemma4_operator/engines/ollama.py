"""Ollama: models of its own library, and GGUF files that are brought under the served name before it starts.

Variables as of Ollama 0.35 (`ollama serve --help`). The server takes no arguments and knows no API key. Its cache
holds the model's blobs; the init container fills it, so that the server itself never needs the network.
"""

import re

from gemma4_operator.api.common import EngineType
from gemma4_operator.engines import budget, environment, first_answer, volumes
from gemma4_operator.engines.base import (
    ClaimWeights,
    ContainerSpec,
    EnginePod,
    EnvVar,
    HuggingFaceWeights,
    Managed,
    Mount,
    OllamaWeights,
    Serving,
    Volume,
)

_NAME = re.compile(r"[A-Za-z0-9_][-._A-Za-z0-9]*(/[A-Za-z0-9_][-._A-Za-z0-9]*){0,2}(:[A-Za-z0-9_][-._A-Za-z0-9]*)?")
_VARIABLES = {
    "OLLAMA_HOST": "spec.endpoint",
    "OLLAMA_CONTEXT_LENGTH": "spec.capabilities.contextTokens",
    "OLLAMA_NUM_PARALLEL": "spec.workload",
    "OLLAMA_KV_CACHE_TYPE": "spec.workload",
    "OLLAMA_FLASH_ATTENTION": "spec.workload",
    "OLLAMA_SCHED_SPREAD": "spec.placement.gpusPerReplica",
    "GEMMA4_PULL": "spec.model.checkpoint",
    "GEMMA4_FILE": "spec.model.checkpoint",
    "GEMMA4_SERVED_AS": "spec.endpoint.servedModelName",
}
_HEALTH = "/api/version"
_BRING = """\
set -eu
ollama serve &
server=$!
trap 'kill "$server"' EXIT
until ollama list >/dev/null 2>&1; do
  kill -0 "$server"
  sleep 1
done
if [ -n "${GEMMA4_PULL:-}" ]; then
  ollama pull "$GEMMA4_PULL"
  ollama cp "$GEMMA4_PULL" "$GEMMA4_SERVED_AS"
elif [ ! -f "$GEMMA4_FILE" ]; then
  echo "spec.model.checkpoint.claim.path must name a file of the claim, and there is no $GEMMA4_FILE" >&2
  exit 1
else
  printf 'FROM %s\\n' "$GEMMA4_FILE" >"$TMPDIR/Modelfile"
  ollama create "$GEMMA4_SERVED_AS" -f "$TMPDIR/Modelfile"
fi
"""
"""Constant: what differs comes in as environment variables, so nothing that a user wrote is ever read as shell code."""


class Ollama:
    """The server of the Ollama project."""

    type = EngineType.OLLAMA
    image_marks = ("ollama",)
    managed = Managed(flags={}, barred={}, variables=_VARIABLES)

    def refuses(self, serving: Serving) -> str | None:
        """Return the one reason why Ollama cannot serve this."""
        if serving.api_key is not None:
            return (
                "`spec.secrets.apiKey` must be absent with Ollama, which checks no key: "
                "drop the key, or set `spec.engine.type` to 'LlamaCpp'."
            )
        if serving.hugging_face_token is not None:
            return (
                "`spec.secrets.huggingFaceToken` must be absent with Ollama, which cannot send it: "
                "drop the token, or put the file on a claim."
            )
        if "Video" in serving.media:
            return (
                "`spec.capabilities.modalities` must not have 'Video' with Ollama, whose requests take images: "
                "drop it, or set `spec.engine.type` to 'LlamaCpp' or 'VLLM'."
            )
        if serving.extra_args:
            return (
                "`spec.engine.extraArgs` must be empty with Ollama, which takes none: "
                "use its variables in `spec.engine.env`."
            )
        if serving.drafter is not None:
            return "`spec.model.drafter` must be false with Ollama, which runs none: set `spec.engine.type` to 'VLLM'."
        if serving.adapters:
            return (
                "`spec.model.adapters` must be empty with Ollama, which serves none beside its model: "
                "set `spec.engine.type` to 'VLLM', or merge them into the weights."
            )
        if not serving.reasoning:
            return (
                "`spec.capabilities.reasoning` must be true with Ollama, whose models think unless a request says "
                "`\"think\": false`: let requests say so, or set `spec.engine.type` to 'LlamaCpp'."
            )
        if _NAME.fullmatch(serving.served_model_name) is None:
            return (
                f"`spec.endpoint.servedModelName` must be a name of Ollama's, not '{serving.served_model_name}': "
                "take one such as 'gemma-4' or 'team/gemma-4:31b'."
            )
        if token := next((name for name, _ in serving.env if name in environment.HUB_TOKENS), None):
            return (
                f"`spec.engine.env` must not set '{token}', which Ollama does not send: "
                "leave it out, or put the file on a claim."
            )
        return _refuses_weights(serving) or environment.clash(
            serving, (*_env(serving), *_bring_env(serving)), fields=self.managed.variables
        )

    def remarks(self, serving: Serving) -> tuple[str, ...]:
        """Say what cannot be seen of it."""
        return (
            "Ollama publishes no metrics: its requests can only be counted in front of it, such as by a gateway.",
            "Ollama lets every client load, unload and delete models: let only trusted clients reach the Service.",
        )

    def pod(self, serving: Serving) -> EnginePod:
        """Describe the pod that serves this with Ollama."""
        seconds = budget.start_seconds(
            weights_bytes=serving.weights_bytes, downloads=not isinstance(serving.weights, ClaimWeights)
        )
        load = budget.start_seconds(weights_bytes=serving.weights_bytes, downloads=False)
        drain = budget.drain_seconds(serving.answer_seconds)
        container = ContainerSpec(
            name="ollama",
            image=serving.image,
            command=("ollama",),
            args=("serve",),
            env=environment.merged(_env(serving), serving.env),
            port=serving.port,
            mounts=_STORE,
            gpus=serving.gpus,
            # Ollama loads at the first request, and gives up when whoever asked does.
            startup_probe=budget.first_answer_probe(
                first_answer.of_ollama(port=serving.port, model=serving.served_model_name),
                seconds=budget.WARM_UP_SECONDS,
                answer_seconds=load,
            ),
            readiness_probe=budget.readiness_probe(_HEALTH),
            liveness_probe=budget.liveness_probe(_HEALTH),
            drain_seconds=drain,
        )
        return EnginePod(
            container=container,
            init_containers=(_bring(serving),),
            volumes=_volumes(serving),
            start_seconds=seconds + budget.WARM_UP_SECONDS,
            grace_seconds=drain + budget.CLOSE_SECONDS,
        )


_STORE: tuple[Mount, ...] = (volumes.CACHE, volumes.SCRATCH, volumes.TMP)
_STORE_ENV = (*volumes.HOME_ENV, EnvVar(name="OLLAMA_MODELS", value=volumes.CACHE.path))


def _refuses_weights(serving: Serving) -> str | None:
    match serving.weights:
        case ClaimWeights(path=path) if not path.endswith(".gguf"):
            return (
                "`spec.model.checkpoint.claim.path` must name a file that ends in '.gguf' with Ollama, "
                f"not '{path}': name the file inside the claim, or set `spec.engine.type` to 'VLLM'."
            )
        case HuggingFaceWeights(revision=revision) if revision != "main":
            return (
                f"`spec.model.checkpoint.huggingFace.revision` must be 'main' with Ollama, not '{revision}', "
                "because its downloads know no other: put that revision on a claim to pin it."
            )
        case HuggingFaceWeights(file=None) if not serving.quantization.is_gguf:
            return (
                "`spec.model.quantization` must be of GGUF, such as 'Q4_K_M', with Ollama, "
                f"not '{serving.quantization}': or set `spec.engine.type` to 'VLLM'."
            )
        case _:
            return None


def _env(serving: Serving) -> tuple[EnvVar, ...]:
    return (
        *_STORE_ENV,
        EnvVar(name="OLLAMA_HOST", value=f"0.0.0.0:{serving.port}"),
        EnvVar(name="OLLAMA_CONTEXT_LENGTH", value=str(serving.context_tokens)),
        EnvVar(name="OLLAMA_NUM_PARALLEL", value=str(serving.max_concurrent_requests)),
        EnvVar(name="OLLAMA_KEEP_ALIVE", value="-1"),
        EnvVar(name="OLLAMA_MAX_LOADED_MODELS", value="1"),
        # Or a request that names a model of Ollama's cloud is sent there, prompt and all.
        EnvVar(name="OLLAMA_NO_CLOUD", value="1"),
        *((EnvVar(name="OLLAMA_SCHED_SPREAD", value="1"),) if serving.gpus > 1 else ()),
        *_cache(serving),
    )


def _cache(serving: Serving) -> tuple[EnvVar, ...]:
    """Name the cache's format; Ollama takes another than its own only with flash attention."""
    if serving.kv_dtype == "bf16":
        return ()
    return (
        EnvVar(name="OLLAMA_FLASH_ATTENTION", value="1"),
        EnvVar(name="OLLAMA_KV_CACHE_TYPE", value=serving.kv_dtype),
    )


def _bring(serving: Serving) -> ContainerSpec:
    """Describe the container that puts the model into the store under its served name, without a GPU.

    It gets the user's variables too: a proxy matters here more than anywhere.
    """
    claim = (volumes.WEIGHTS,) if isinstance(serving.weights, ClaimWeights) else ()
    return ContainerSpec(
        name="bring-model",
        image=serving.image,
        command=("/bin/sh", "-c", _BRING),
        env=environment.merged(_bring_env(serving), serving.env),
        mounts=(*_STORE, *claim),
    )


def _bring_env(serving: Serving) -> tuple[EnvVar, ...]:
    return (
        *_STORE_ENV,
        EnvVar(name="OLLAMA_HOST", value="127.0.0.1:11434"),
        EnvVar(name="NVIDIA_VISIBLE_DEVICES", value="void"),
        _source(serving),
        EnvVar(name="GEMMA4_SERVED_AS", value=serving.served_model_name),
    )


def _source(serving: Serving) -> EnvVar:
    match serving.weights:
        case OllamaWeights(name=name, tag=tag):
            return EnvVar(name="GEMMA4_PULL", value=f"{name}:{tag}")
        case HuggingFaceWeights(repository=repository, file=file):
            return EnvVar(name="GEMMA4_PULL", value=f"hf.co/{repository}:{file or serving.quantization}")
        case ClaimWeights() as claim:
            return EnvVar(name="GEMMA4_FILE", value=volumes.claim_path(claim))


def _volumes(serving: Serving) -> tuple[Volume, ...]:
    """Return the store with the rest: a file of a claim is copied into it as well."""
    store = volumes.cache(serving.weights_bytes)
    own = volumes.volumes(serving)
    return own if store in own else (store, *own)
