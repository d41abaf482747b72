"""The protocol between a plan and an inference server: what goes in, and the typed container that comes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gemma4_operator.api.common import EngineType, Quantization, Variant


@dataclass(frozen=True, slots=True, kw_only=True)
class HuggingFaceWeights:
    """A repository of the Hugging Face Hub at one revision; `file` is one GGUF file, None leaves it to the engine."""

    repository: str
    revision: str
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimWeights:
    """A path inside a PersistentVolumeClaim of the pod's namespace; empty: the claim's root."""

    claim_name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaWeights:
    """A model of Ollama's library."""

    name: str
    tag: str


Weights = HuggingFaceWeights | ClaimWeights | OllamaWeights


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSource:
    """One key of a Secret, for the kubelet to resolve."""

    name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """All that an engine needs to know to serve one model in one container.

    Attributes:
        kv_dtype: How cached keys and values are stored: bf16, fp8 or q8_0.
        host_cache_mib: What llama.cpp may keep prompts in on the host.
        memory_utilization_percent: What vLLM may take of a whole GPU.
        media: Which of Image, Audio and Video requests may carry beside text.
    """

    variant: Variant
    quantization: Quantization
    weights: Weights
    weights_bytes: int
    image: str
    context_tokens: int
    max_batched_tokens: int
    max_concurrent_requests: int
    kv_dtype: str
    host_cache_mib: int
    memory_utilization_percent: int
    media: frozenset[str]
    tool_calling: bool
    reasoning: bool
    gpus: int
    served_model_name: str
    port: int
    extra_args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    hugging_face_token: SecretSource | None = None
    api_key: SecretSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvVar:
    """One environment variable: a plain value, or a key of a Secret."""

    name: str
    value: str | None = None
    secret: SecretSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A volume inside a container."""

    volume: str
    path: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProbe:
    """A GET that must answer 2xx or 3xx; budget = period_seconds x failure_threshold."""

    path: str
    period_seconds: int
    failure_threshold: int
    timeout_seconds: int = 5
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """One container, in the engine's own terms."""

    name: str
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[EnvVar, ...] = ()
    port: int | None = None
    mounts: tuple[Mount, ...] = ()
    gpus: int = 0
    startup_probe: HttpProbe | None = None
    readiness_probe: HttpProbe | None = None
    liveness_probe: HttpProbe | None = None
    drain_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScratchVolume:
    """An emptyDir; `in_memory` counts against the pod's memory, as /dev/shm must."""

    name: str
    in_memory: bool = False
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimVolume:
    """A PersistentVolumeClaim."""

    name: str
    claim_name: str
    read_only: bool = True


Volume = ScratchVolume | ClaimVolume


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePod:
    """What the pod must hold for one engine: its container, what runs before it, and the volumes of both.

    `start_seconds` is the longest a healthy pod may take from its start until it serves; `grace_seconds` the longest
    from the request to end until it is killed, draining included.
    """

    container: ContainerSpec
    init_containers: tuple[ContainerSpec, ...] = ()
    volumes: tuple[Volume, ...] = ()
    start_seconds: int
    grace_seconds: int


class Engine(Protocol):
    """One inference server."""

    @property
    def type(self) -> EngineType:
        """The name by which a user asks for it."""

    def refuses(self, serving: Serving) -> str | None:
        """Return the one reason why it cannot serve this, as a sentence a user can act on; None: it can."""

    def pod(self, serving: Serving) -> EnginePod:
        """Describe the pod that serves this."""


Registry = Mapping[EngineType, Engine]
