"""The plan inside the status: what was chosen, what it needs and costs, what it lost to, and what would help.

Everything is optional: a plan that serves nothing has only `alternatives` and `relaxations`, and one that an older
operator wrote has fewer fields.
"""

from typing import Annotated

from pydantic import Field

from gemma4_operator.api.status_model import Count, Line, Sentence, StatusModel, Word


class MemoryStatus(StatusModel):
    """The memory of one GPU in MiB; of several, each holds the same."""

    weights_mib: Count | None = None
    """The weights."""
    kv_cache_mib: Count | None = None
    """The keys and values of all tokens that are being worked on."""
    activations_mib: Count | None = None
    """What one batch needs while it is computed."""
    other_mib: Count | None = None
    """The rest: CUDA's own memory, its graphs, the encoders' buffers."""
    total_mib: Count | None = None
    """All of them together."""
    capacity_mib: Count | None = None
    """What the GPU has."""


class PredictedStatus(StatusModel):
    """What the planner expects of one replica."""

    time_to_first_token_milliseconds: Count | None = None
    """How long a usual prompt waits for the first token."""
    time_per_output_token_microseconds: Count | None = None
    """How long each further token takes."""
    requests_per_minute_per_replica: Count | None = None
    """How many usual requests one replica can take in a minute within the objectives."""
    load_seconds: Count | None = None
    """How long the engine takes to load the weights."""
    step_microseconds: Count | None = None
    """How long one decode step takes, whatever its sequences."""
    sequence_nanoseconds: Count | None = None
    """What each usual sequence adds to a step."""
    prompt_token_nanoseconds: Count | None = None
    """What each prompt token adds to the step that reads it."""


class LicenceStatus(StatusModel):
    """What is used under which licence."""

    of: Line
    """What the licence is for: the checkpoint or the image."""
    name: Word
    """Its SPDX identifier, or its name."""


class AlternativeStatus(StatusModel):
    """Another way to serve, and the one reason why it was not taken."""

    variant: Word
    """The member of the family."""
    quantization: Word
    """The format of the weights."""
    engine: Word
    """The inference server."""
    gpu_product: Line | None = None
    """The GPU product; absent: it lost on any."""
    gpus_per_replica: Count | None = None
    """How many GPUs each replica would take; absent: it lost with any number."""
    hourly_cost: Word | None = None
    """What all replicas would cost in an hour; absent: it was not worked out."""
    lost_because: Line
    """The reason in one sentence."""


class RelaxationStatus(StatusModel):
    """A change of the spec with which there would be a plan."""

    field: Line
    """The field to change, such as `spec.objectives.maximumHourlyCost`."""
    value: Line | None = None
    """The nearest value with which it works; absent: it works without the field."""
    message: Sentence
    """The change, and what it leads to, in one sentence."""


class NodeLabelStatus(StatusModel):
    """A label that a node must bear."""

    name: Line
    """The label's key."""
    value: Line
    """The label's value."""


class PlanStatus(StatusModel):
    """The choices made for this deployment, and why."""

    variant: Word | None = None
    """The member of the family; absent, like all choices, while nothing can serve what is asked for."""
    quantization: Word | None = None
    """The format of the weights."""
    checkpoint: Line | None = None
    """Where the weights come from, in one line."""
    weights_bytes: Count | None = None
    """How large the weights are in bytes."""
    engine: Word | None = None
    """The inference server."""
    engine_version: Word | None = None
    """The inference server's version; empty if it is not known, as for an image of your own."""
    image: Line | None = None
    """The image of the engine's container."""
    gpus_per_replica: Count | None = None
    """How many GPUs each replica takes."""
    gpu_product: Line | None = None
    """The GPU that the pods are bound to; of a slice, with its profile."""
    gpu_resource: Line | None = None
    """The resource by which containers ask for it."""
    node_labels: Annotated[tuple[NodeLabelStatus, ...], Field(max_length=8)] | None = None
    """The labels by which pods find a node that has it."""
    gpu: Line | None = None
    """Count and product of each replica's GPUs in one text, such as `1x NVIDIA-L40S`."""
    context_tokens: Count | None = None
    """The longest context that is served."""
    max_batched_tokens: Count | None = None
    """How many tokens the engine works on at once."""
    max_concurrent_requests: Count | None = None
    """How many requests one replica works on at once; further ones wait in the engine."""
    kv_cache_dtype: Word | None = None
    """The number format of the keys and values, such as bf16 or fp8."""
    host_cache_mib: Count | None = None
    """How much of the host's memory llama.cpp may keep prompts in."""
    tries: Count | None = None
    """How many plans of this spec found too little GPU memory before; each leaves more of it free. Absent: none."""
    host_memory_mib: Count | None = None
    """What each container asks of its node's memory, beside /dev/shm; with unified memory, the GPU's part as well."""
    memory_utilization_percent: Count | None = None
    """How much of a whole GPU's memory vLLM may take."""
    replicas: Count | None = None
    """How many replicas `spec.workload` needs within the objectives; without a workload, what the spec ran."""
    memory: MemoryStatus | None = None
    """What fills the memory of each GPU."""
    predicted: PredictedStatus | None = None
    """What to expect of one replica."""
    hourly_cost_per_replica: Word | None = None
    """What one replica costs in an hour, such as `1.55`."""
    hourly_cost: Word | None = None
    """What all replicas together cost in an hour."""
    currency: Word | None = None
    """The currency of the costs, as the price table names it."""
    quality: Word | None = None
    """The quality of answers in one word: Basic, Standard, High or Highest."""
    licences: Annotated[tuple[LicenceStatus, ...], Field(max_length=8)] | None = None
    """The licences of what is used."""
    hash: Word | None = None
    """A short text that changes when a choice changes."""
    why: Sentence | None = None
    """The reason for these choices in one sentence."""
    notes: Annotated[tuple[Line, ...], Field(max_length=8)] | None = None
    """What had to be assumed, and what is worth knowing."""
    alternatives: Annotated[tuple[AlternativeStatus, ...], Field(max_length=5)] | None = None
    """The nearest ways that were not taken, each with its reason."""
    relaxations: Annotated[tuple[RelaxationStatus, ...], Field(max_length=8)] | None = None
    """The smallest changes of the spec with which there would be a plan; only while there is none."""
