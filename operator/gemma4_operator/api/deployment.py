"""Gemma4Deployment: what a team wants from Gemma 4.

A field stands here only when code acts on it; the rest of the published design enters with the code that brings it
to life. Its larger parts have modules of their own.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from gemma4_operator.api.autoscaling import MOST_REPLICAS, Autoscaling, MetricsSource
from gemma4_operator.api.cache import AccessMode, Cache, CacheClaim
from gemma4_operator.api.capabilities import Capabilities, Modality
from gemma4_operator.api.common import DEFAULT_SHOWN, ApiModel, Integer, LocalReference, SecretKey, Switch
from gemma4_operator.api.deployment_rules import DEFAULT_SERVED_NAME, NAME_RULE, SPEC_RULES
from gemma4_operator.api.engine import Engine, EngineChoice, EnvironmentVariable
from gemma4_operator.api.model import (
    Adapter,
    Checkpoint,
    ClaimCheckpoint,
    HuggingFaceCheckpoint,
    Model,
    OllamaCheckpoint,
    QuantizationChoice,
    VariantChoice,
)
from gemma4_operator.api.objectives import MinimumQuality, Objectives, OptimizeFor
from gemma4_operator.api.patch import PodTemplatePatch
from gemma4_operator.api.placement import Placement, TaintEffect, Toleration, TolerationOperator
from gemma4_operator.api.rules import Form, Unique
from gemma4_operator.api.update import Disruption, OnOperatorUpgrade, Update, UpdateStrategy
from gemma4_operator.api.workload import Workload

__all__ = [
    "KIND",
    "PLURAL",
    "AccessMode",
    "Adapter",
    "Autoscaling",
    "Cache",
    "CacheClaim",
    "Capabilities",
    "Checkpoint",
    "ClaimCheckpoint",
    "Disruption",
    "Endpoint",
    "Engine",
    "EngineChoice",
    "EnvironmentVariable",
    "Gemma4Deployment",
    "Gemma4DeploymentSpec",
    "HuggingFaceCheckpoint",
    "Metadata",
    "MetricsSource",
    "MinimumQuality",
    "Modality",
    "Model",
    "Objectives",
    "OllamaCheckpoint",
    "OnOperatorUpgrade",
    "OptimizeFor",
    "Placement",
    "QuantizationChoice",
    "Secrets",
    "ServiceType",
    "TaintEffect",
    "Toleration",
    "TolerationOperator",
    "Update",
    "UpdateStrategy",
    "VariantChoice",
    "Workload",
]

KIND = "Gemma4Deployment"
PLURAL = "gemma4deployments"


class Secrets(ApiModel):
    """Secrets that pods use; the operator only passes the references on."""

    hugging_face_token: SecretKey | None = None
    """The token that downloads from the Hugging Face Hub."""
    ngc_api_key: SecretKey | None = None
    """The key of NVIDIA's NGC, with which NIM downloads; only NIM uses it."""
    api_key: SecretKey | None = None
    """The key that clients must send; absent: whoever reaches the Service may use it."""
    image_pull_secrets: Annotated[tuple[LocalReference, ...], Field(max_length=16), Unique(by="name")] = ()
    """The Secrets that pull the images."""


class ServiceType(StrEnum):
    """How the Service is exposed."""

    CLUSTER_IP = "ClusterIP"
    NODE_PORT = "NodePort"
    LOAD_BALANCER = "LoadBalancer"


class Endpoint(ApiModel):
    """Where and under what name clients reach the model."""

    port: Annotated[Integer, Field(ge=1, le=65535)] = 8000
    """The port of the Service."""
    served_model_name: Annotated[
        str,
        Field(max_length=128),
        Form(
            "[A-Za-z0-9]([-._:/A-Za-z0-9]*[A-Za-z0-9])?",
            "must be a model's name for clients: letters, digits, '-', '_', '.', ':' and '/', such as 'gemma-4'",
        ),
    ] = DEFAULT_SERVED_NAME
    """The model name that clients send in requests."""
    service_type: ServiceType = ServiceType.CLUSTER_IP
    """How the Service is exposed."""


class Gemma4DeploymentSpec(ApiModel):
    """What a team wants: model, capabilities, load, objectives, engine, placement and count."""

    model: Model = Model()
    """Which member of the family, in which format, from where; absent: the planner chooses all of it."""
    capabilities: Capabilities = Capabilities()
    """What requests need of the model."""
    workload: Workload | None = None
    """The load that is expected; absent: nothing is known of it, and no number of replicas is worked out."""
    objectives: Objectives = Objectives()
    """What the planner aims at, and the limits that it keeps."""
    engine: Engine = Engine()
    """The inference server and what to add to its command."""
    placement: Placement = Placement()
    """Where pods may run, and how many GPUs each takes."""
    replicas: Annotated[Integer, Field(ge=0, le=MOST_REPLICAS, json_schema_extra={DEFAULT_SHOWN: True})] = 1
    """How many pods run; `status.plan.replicas` says how many the workload needs. Autoscalers may write it."""
    autoscaling: Autoscaling | None = None
    """Lets the operator choose how many pods run, in place of `replicas`; absent: whoever writes `replicas` does."""
    cache: Cache | None = None
    """Where downloaded weights are kept; absent: each pod downloads them anew."""
    secrets: Secrets = Secrets()
    """Secrets that pods use, all in the same namespace."""
    endpoint: Endpoint = Endpoint()
    """Where and under what name clients reach the model."""
    disruption: Disruption = Disruption()
    """How much voluntary disruption the replicas take."""
    update: Update = Update()
    """How changes reach running pods."""
    pod_template_patch: PodTemplatePatch = Field(default_factory=dict)
    """A partial pod template that is merged over the operator's as the last step."""
    suspend: Switch = False
    """Whether the operator leaves everything as it is, and only keeps the status fresh."""

    RULES = SPEC_RULES


class Metadata(ApiModel):
    """The one part of the metadata that has a rule; the API server judges the rest."""

    model_config = ConfigDict(extra="ignore")

    name: str
    """The deployment's name, which its Service bears as well."""


class Gemma4Deployment(ApiModel):
    """Gemma 4 served in this namespace: say which model, and the operator keeps pods and a Service that answer."""

    api_version: Literal["gemma4.dev/v1alpha1"]
    """The version of this resource."""
    kind: Literal["Gemma4Deployment"]
    """The kind of this resource."""
    metadata: Metadata
    """The usual metadata; the name must be one that a Service can have."""
    spec: Gemma4DeploymentSpec
    """What is wanted."""
    status: dict[str, Any] = Field(default_factory=dict)
    """What the operator observed; only the operator writes it, and nothing is concluded from it here."""

    RULES = (NAME_RULE,)
