"""vLLM: safetensors checkpoints on one or several GPUs of a node."""

from gemma4_operator.api.common import EngineType
from gemma4_operator.catalog.versions import version_of
from gemma4_operator.engines import arguments, budget, dialects, environment, first_answer, vllm_flags, volumes
from gemma4_operator.engines.base import (
    ClaimWeights,
    ContainerSpec,
    EnginePod,
    EnvVar,
    HuggingFaceWeights,
    OllamaWeights,
    Serving,
)

_HEALTH = "/health"
_DEFAULTS = (
    # vLLM's own 5 s are fewer than any proxy keeps a connection for its next request (nginx and AWS 60 s, Go 90 s,
    # Google's load balancers 600 s, Envoy an hour): it then sends one into a connection that is being closed, and its
    # client reads 502 (vllm#18472).
    EnvVar(name="VLLM_HTTP_TIMEOUT_KEEP_ALIVE", value="3660"),
)
"""What a user may set to something else."""


class VLLM:
    """The server of the vLLM project."""

    type = EngineType.VLLM
    image_marks = ("vllm-openai", "/vllm:")
    managed = vllm_flags.managed({**environment.HUB_TOKENS, "VLLM_API_KEY": "spec.secrets.apiKey"})

    def refuses(self, serving: Serving) -> str | None:
        """Return the one reason why vLLM cannot serve this."""
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
        return (
            _refuses_drafter(serving)
            or vllm_flags.refuses(serving, engine="VLLM")
            or arguments.clash(serving, self.managed)
            or environment.clash(serving, _env(serving), fields=self.managed.variables)
        )

    def remarks(self, serving: Serving) -> tuple[str, ...]:
        """Return nothing: what the plan says is what vLLM is told."""
        return ()

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
            env=environment.merged((*_env(serving), *_DEFAULTS), serving.env),
            port=serving.port,
            mounts=(*volumes.mounts(serving), volumes.SHARED_MEMORY),
            gpus=serving.gpus,
            startup_probe=budget.first_answer_probe(
                first_answer.of_vllm(port=serving.port, model=serving.served_model_name),
                seconds=seconds,
                answer_seconds=first_answer.VLLM_SECONDS,
            ),
            readiness_probe=budget.readiness_probe(_HEALTH),
            liveness_probe=budget.liveness_probe(_HEALTH),
            drain_seconds=budget.DRAIN_SECONDS,
        )
        return EnginePod(
            container=container,
            volumes=(*volumes.volumes(serving), volumes.shared_memory()),
            start_seconds=seconds,
            grace_seconds=budget.GRACE_SECONDS,
            dialects=(dialects.VLLM,),
        )


def _refuses_drafter(serving: Serving) -> str | None:
    if serving.drafter is None:
        return None
    if isinstance(serving.weights, ClaimWeights):
        return (
            "`spec.model.drafter` must be false with `spec.model.checkpoint.claim`: "
            "the drafter comes from the Hub, and with a claim nothing is looked up there."
        )
    version = version_of(serving.engine_version)
    if version and version < vllm_flags.DRAFTER_FROM:
        return (
            f"`spec.model.drafter` must be false with vLLM {serving.engine_version}, where it fails or gains nothing: "
            "take an image of 0.33.0 or newer."
        )
    return None


def _args(serving: Serving) -> tuple[str, ...]:
    return (
        *_model(serving),
        "--served-model-name", serving.served_model_name,
        *vllm_flags.levers(serving),
        *vllm_flags.capabilities(serving),
        *vllm_flags.adapters(serving),
        *vllm_flags.drafter(serving),
        *vllm_flags.drain(),
        "--host", "0.0.0.0",
        "--port", str(serving.port),
        *serving.extra_args,
    )  # fmt: skip


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
