"""The plan: every choice the operator made for one Gemma4Deployment, as one frozen value; or why there is none.

Figures are in the units in which they are told, so that a plan read back from a status is the plan that was written.
"""

from dataclasses import dataclass

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.engines.base import Weights

INVALID_SPEC = "InvalidSpec"
"""The spec contradicts what the catalogue knows of its weights."""
NO_CHECKPOINT = "NoCheckpoint"
"""The catalogue knows no weights, and the spec names none."""
ENGINE_REFUSES = "EngineRefuses"
"""The engine cannot serve what was asked for."""
NO_GPUS = "NoGPUs"
"""No node offers a GPU that the planner understands and the spec allows."""
INFEASIBLE = "Infeasible"
"""Nothing that the catalogue knows serves this on these nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMemory:
    """The budget of one GPU, in MiB."""

    weights_mib: int
    kv_cache_mib: int
    activations_mib: int
    other_mib: int
    total_mib: int
    capacity_mib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What the plan expects of one replica.

    Attributes:
        step_microseconds: Of a decode step, whatever its sequences; 0, as the next two: an older operator did not say.
        sequence_nanoseconds: What each usual sequence adds to it, and `prompt_token_nanoseconds` each prompt token.
    """

    time_to_first_token_milliseconds: int
    time_per_output_token_microseconds: int
    requests_per_minute_per_replica: int
    load_seconds: int
    step_microseconds: int = 0
    sequence_nanoseconds: int = 0
    prompt_token_nanoseconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """Terms that come with a part of the plan."""

    of: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """A way that lost; `hourly_cost` is empty where it was not worked out."""

    variant: Variant
    quantization: Quantization
    engine: EngineType
    gpu_product: str
    gpus_per_replica: int
    hourly_cost: str
    lost_because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """A change of one field that makes the rest feasible; `field` is its path below the resource."""

    field: str
    value: object
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One feasible way to serve what the spec asks for.

    Attributes:
        gpu_product: As a person knows the GPU, slices with their profile; empty: any, where nothing is known.
        gpu_resource: What a container asks for.
        node_labels: What a node must bear for pods to find the GPU, label and value.
        kv_dtype: As the engine's flag has it.
        host_cache_mib: What llama.cpp may keep prompts in on the host.
        host_memory_mib: What a container asks of its node's memory.
        memory_utilization_percent: What vLLM may take of a whole GPU, of which others may have a part.
        max_concurrent_requests: What one replica takes at once.
        replicas: How many the workload needs; without a workload, what the spec runs.
        tries: How many plans of this spec found too little of the GPU's memory before.
        hash: Of all that shaped it in the spec; as long as it is the same, a running plan stays.
    """

    variant: Variant
    quantization: Quantization
    weights: Weights
    weights_bytes: int
    engine: EngineType
    engine_version: str
    image: str
    gpu_product: str
    gpu_resource: str
    node_labels: tuple[tuple[str, str], ...]
    gpus_per_replica: int
    context_tokens: int
    max_batched_tokens: int
    max_concurrent_requests: int
    kv_dtype: str
    host_cache_mib: int
    host_memory_mib: int
    memory_utilization_percent: int
    memory: PlanMemory
    predicted: Predicted
    replicas: int
    hourly_cost_per_replica: str
    hourly_cost: str
    currency: str
    quality: str
    licences: tuple[Licence, ...]
    hash: str
    why: str
    notes: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why no plan exists: a constant of this module, a sentence with a way out, and the smallest changes that help."""

    reason: str
    message: str
    relaxations: tuple[Relaxation, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
