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
    """A path inside a PersistentVolumeClaim of the pod's namespace; empty: the claim's root.

    `projector_path` is the GGUF file through which llama.cpp sees and hears.
    """

    claim_name: str
    path: str
    projector_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaWeights:
    """A model of Ollama's library."""

    name: str
    tag: str


Weights = HuggingFaceWeights | ClaimWeights | OllamaWeights


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A LoRA adapter in a folder of a claim, served under its own name."""

    name: str
    claim_name: str
    path: str
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafter:
    """A small model that proposes so many tokens at once for the large one to check."""

    repository: str
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSource:
    """One key of a Secret, for the kubelet to resolve."""

    name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """All that an engine needs to know to serve one model in one container.

    Attributes:
        query_heads: Of the variant; so is `known_media`, which of Image, Audio and Video it takes.
        engine_version: As the image's tag has it; empty: not known.
        kv_dtype: How cached keys and values are stored: bf16, fp8 or q8_0.
        kv_cache_bytes: What vLLM may keep of them on each GPU.
        host_cache_mib: What llama.cpp may keep prompts in on the host.
        memory_utilization_percent: What vLLM may take of a whole GPU.
        answer_seconds: What a usual request is expected to take from its arrival to its last token.
        media: Which of Image, Audio and Video requests may carry beside text.
    """

    variant: Variant
    query_heads: int
    known_media: frozenset[str]
    quantization: Quantization
    weights: Weights
    weights_bytes: int
    image: str
    engine_version: str
    context_tokens: int
    max_batched_tokens: int
    max_concurrent_requests: int
    kv_dtype: str
    kv_cache_bytes: int
    host_cache_mib: int
    memory_utilization_percent: int
    answer_seconds: int
    media: frozenset[str]
    tool_calling: bool
    reasoning: bool
    gpus: int
    served_model_name: str
    port: int
    adapters: tuple[Adapter, ...] = ()
    drafter: Drafter | None = None
    extra_args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    hugging_face_token: SecretSource | None = None
    ngc_api_key: SecretSource | None = None
    api_key: SecretSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvVar:
    """One environment variable: a plain value, or a key of a Secret."""

    name: str
    value: str | None = None
    secret: SecretSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A volume inside a container, or only a folder of it."""

    volume: str
    path: str
    read_only: bool = False
    sub_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProbe:
    """A GET that must answer 2xx or 3xx; budget = period_seconds x failure_threshold."""

    path: str
    period_seconds: int
    failure_threshold: int
    timeout_seconds: int = 5
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecProbe:
    """A command in the container that must end with status 0, within its own timeout."""

    command: tuple[str, ...]
    period_seconds: int
    failure_threshold: int
    timeout_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The names under which an engine publishes what a scaler and a person on call need.

    What not every engine publishes is a tuple: an engine that has renamed it has several names, the newest first, of
    which the first that is there counts; one that does not publish it has none.

    Attributes:
        path: Of the exposition, on the container's port.
        running: Requests that are worked on; `waiting` those that are not yet.
        cache_usage: The share of the cache in use, 0 to 1.
        prompt_tokens: All that were read so far; `generation_tokens` all that were written; both only grow.
        cached_tokens: Those that were found in the prefix cache, and need not be read.
        prompt_includes_cached: Whether they are counted among `prompt_tokens` too.
        finished: Requests that were answered so far; vLLM leaves out those whose clients went away before.
        cache_config: A series whose labels say how the cache is made, `num_gpu_blocks` among them; empty: none.
        first_token_seconds: A histogram; so is `output_token_seconds`, of the time from one token to the next.
    """

    path: str
    running: str
    waiting: str
    cache_usage: tuple[str, ...] = ()
    prompt_tokens: str
    generation_tokens: str
    cached_tokens: tuple[str, ...] = ()
    prompt_includes_cached: bool = True
    finished: tuple[str, ...] = ()
    first_token_seconds: tuple[str, ...] = ()
    output_token_seconds: tuple[str, ...] = ()
    cache_config: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who an image must run as, where it is not any user; `group` owns its volumes."""

    user: int
    group: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """One container, in the engine's own terms.

    Attributes:
        startup_probe: Once it has succeeded the others begin; so it may ask for more than they do, a first answer.
        drain_seconds: How long the container goes on unchanged once it must end.
        drain_command: What waits instead, and ends as soon as nothing is in work.
        read_only_root: Whether it writes to its volumes alone, as it should.
    """

    name: str
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[EnvVar, ...] = ()
    port: int | None = None
    mounts: tuple[Mount, ...] = ()
    gpus: int = 0
    startup_probe: HttpProbe | ExecProbe | None = None
    readiness_probe: HttpProbe | None = None
    liveness_probe: HttpProbe | None = None
    drain_seconds: int = 0
    drain_command: tuple[str, ...] = ()
    read_only_root: bool = True


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheVolume:
    """What is downloaded and worth keeping; where it is kept is the user's choice and no matter to an engine.

    `holds_bytes` is what an engine puts there; 0: nothing that a disk would notice.
    """

    name: str
    holds_bytes: int


Volume = ScratchVolume | ClaimVolume | CacheVolume


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePod:
    """What the pod must hold for one engine: its container, what runs before it, and the volumes of both.

    `start_seconds` is the longest a healthy pod may take from its start until it serves; `grace_seconds` the longest
    from the request to end until it is killed, draining included. Without a `user`, it may be any but root. `dialects`
    are those in which it may speak of itself, tried in their order; none: it does not.
    """

    container: ContainerSpec
    init_containers: tuple[ContainerSpec, ...] = ()
    volumes: tuple[Volume, ...] = ()
    start_seconds: int
    grace_seconds: int
    user: User | None = None
    dialects: tuple[Dialect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """What the user may not say in arguments and variables.

    Attributes:
        flags: Each with the field of the spec that says it, or by which the plan does; so are `variables`.
        barred: Flags with which Gemma 4 must not run, each with why.
    """

    flags: Mapping[str, str]
    barred: Mapping[str, str]
    variables: Mapping[str, str]


class Engine(Protocol):
    """One inference server."""

    @property
    def type(self) -> EngineType:
        """The name by which a user asks for it."""

    @property
    def image_marks(self) -> tuple[str, ...]:
        """What in an image's name says that it is this engine's."""

    @property
    def managed(self) -> Managed:
        """What the user may not say in arguments and variables, beside the variables that the pod sets anyway."""

    def refuses(self, serving: Serving) -> str | None:
        """Return the one reason why it cannot serve this, as a sentence a user can act on; None: it can."""

    def remarks(self, serving: Serving) -> tuple[str, ...]:
        """Return what a person should know of serving this here, as sentences for the plan's notes."""

    def pod(self, serving: Serving) -> EnginePod:
        """Describe the pod that serves this; asked only for what is not refused."""


Registry = Mapping[EngineType, Engine]
