"""The status of a Gemma4Deployment: what was planned, what runs, and where it answers.

Texts here are open, not enums: an operator may be newer than the CRD, and must still be able to say what it did.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gemma4_operator.api.rules import Unique
from gemma4_operator.api.status_model import Count, Line, Sentence, StatusModel, Word
from gemma4_operator.api.status_plan import PlanStatus

__all__ = [
    "AutoscalingStatus",
    "Condition",
    "ConditionStatus",
    "ConditionType",
    "EndpointStatus",
    "FailureStatus",
    "Gemma4DeploymentStatus",
    "ObservedStatus",
    "PlanStatus",
]


class ConditionType(StrEnum):
    """The conditions of a Gemma4Deployment."""

    PLANNED = "Planned"
    AVAILABLE = "Available"
    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(StatusModel):
    """One condition, in the shape that all of Kubernetes uses."""

    type: Annotated[str, Field(max_length=316)]
    """What the condition is about: Planned, Available, Ready; Reconciling and Stalled are there only while true."""
    status: ConditionStatus
    """Whether it holds."""
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    """The cause in one CamelCase word, for programs."""
    message: Sentence
    """The cause in a sentence, for people."""
    last_transition_time: Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]
    """When the status last changed: UTC, in whole seconds, such as 2026-11-25T12:00:00Z."""
    observed_generation: Count | None = None
    """The generation of the spec that was judged."""


class FailureStatus(StatusModel):
    """A cause that kept pods from serving, as it was told."""

    reason: Word
    """The cause in one CamelCase word."""
    message: Sentence
    """The cause in a sentence."""
    time: Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]
    """When it was first seen, if it has gone on since; UTC, in whole seconds."""


class ObservedStatus(StatusModel):
    """What pods of the current plan have shown, beside `plan.predicted`."""

    template: Word
    """The hash of the pod template that it is true of."""
    load_seconds: Count | None = None
    """How long the first pod that served took from its container's start, downloads included."""
    kv_cache_tokens: Count | None = None
    """How many tokens the cache of one replica holds at once, as vLLM says; absent: the engine does not say."""
    predicted_kv_cache_tokens: Count | None = None
    """And as many as the plan expects."""


class AutoscalingStatus(StatusModel):
    """What the operator's autoscaler decided last, why, and what it has learned."""

    desired_replicas: Count | None = None
    """How many pods should run now."""
    reason: Word | None = None
    """Why so many, in one CamelCase word."""
    message: Sentence | None = None
    """Why so many, in a sentence."""
    last_scale_time: Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})] | None = None
    """When the number last changed; UTC, in whole seconds."""
    limited_by: Word | None = None
    """Which field keeps the number below what is needed, such as spec.autoscaling.maxReplicas; absent: none does."""
    boot_seconds: Count | None = None
    """How long a pod takes from its making until it serves, as seen here."""
    speed_percent: Count | None = None
    """How fast the engines are, of what the plan expects of them: 100 is as planned."""
    caution_percent: Count | None = None
    """How much slower pods are taken to be still, because requests were late although all were there: 100 is not, 110 a
    tenth. It eases once they are in time."""
    imbalance_percent: Count | None = None
    """How requests reach the pods: 0 where a router looks for the emptier one, 100 by chance, as a Service has it."""
    requests_per_minute: Count | None = None
    """How many requests come now."""
    expected_requests_per_minute: Count | None = None
    """How many will when a pod that is made now serves."""
    peak_requests_per_minute: Count | None = None
    """The most that came within an hour, in requests of today's size."""
    peak_load_percent: Count | None = None
    """The same as load: how much of one pod's time it takes, as planned; 250 is the work of two and a half pods."""
    forecast_percent: Count | None = None
    """How much of what is forecast is provided for, as an hour of comparing has shown to be enough."""
    jump_replicas: Count | None = None
    """How many pods stay because traffic jumped within an hour, faster than a pod comes, to what they serve."""
    lost_permille: Count | None = None
    """For how many thousandths of their time pods that had served were lost in the last hours. One that was told to go,
    by a rollout or a drain, is not lost."""


class EndpointStatus(StatusModel):
    """Where clients reach the model."""

    url: Line
    """The base URL of the OpenAI-compatible API inside the cluster."""
    model: Line
    """The model name that requests must carry."""


class Gemma4DeploymentStatus(StatusModel):
    """What the operator observed and decided."""

    observed_generation: Annotated[int, Field(ge=-1)] | None = None
    """The generation of the spec that this status is about; -1 until the operator has seen the resource."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16), Unique(by="type")] = ()
    """What is true of the deployment now."""
    plan: PlanStatus | None = None
    """What was chosen for it, and why."""
    replicas: Count | None = None
    """How many pods exist."""
    ready_replicas: Count | None = None
    """How many pods answer requests."""
    updated_replicas: Count | None = None
    """How many pods run the current plan."""
    serving: Word | None = None
    """Ready pods out of wanted ones in one text, such as `2/2`."""
    selector: Annotated[str, Field(max_length=1024)] | None = None
    """The label selector of the pods, for autoscalers."""
    endpoint: EndpointStatus | None = None
    """Where clients reach the model."""
    autoscaling: AutoscalingStatus | None = None
    """What the operator's autoscaler does; absent without `spec.autoscaling`."""
    observed: ObservedStatus | None = None
    """What pods of the current plan have shown."""
    last_failure: FailureStatus | None = None
    """What last kept pods from serving; it stays when they serve again."""
