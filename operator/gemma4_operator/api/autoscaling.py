"""How many replicas the operator itself may run, and how patiently it lets them go."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gemma4_operator.api.common import ApiModel, Integer
from gemma4_operator.api.rules import Rule

MOST_REPLICAS = 1000
"""Of one resource, whoever decides."""
DEFAULT_MINIMUM = 1


class MetricsSource(StrEnum):
    """Who tells what the engines do."""

    PODS = "Pods"
    """The engines themselves: the operator asks each pod."""
    PROMETHEUS = "Prometheus"
    """A Prometheus that scrapes them: the operator asks it."""


class Autoscaling(ApiModel):
    """Between which bounds the operator chooses how many replicas run, in place of `replicas`."""

    min_replicas: Annotated[Integer, Field(ge=0, le=MOST_REPLICAS)] = DEFAULT_MINIMUM
    """The fewest that run; with 0 none does while nothing is asked."""
    max_replicas: Annotated[Integer, Field(ge=1, le=MOST_REPLICAS)]
    """The most that run."""
    idle_seconds: Annotated[Integer, Field(ge=1, le=604_800)] = 600
    """How long nothing must have been asked before the last replica goes; only with `minReplicas` 0."""
    scale_down_stabilization_seconds: Annotated[Integer, Field(ge=0, le=3600)] | None = None
    """How far back is looked before replicas go: as many stay as were needed at any moment since; absent: as long as a
    new replica takes to serve, and at least 100 s."""
    metrics_source: MetricsSource = MetricsSource.PODS
    """Who is asked what the engines do: the pods themselves, or a Prometheus that scrapes them."""

    RULES = (
        Rule(
            field=".minReplicas",
            message=f"must be at most `maxReplicas`; where it is absent: {DEFAULT_MINIMUM}",
            cel=f"self.?minReplicas.orValue({DEFAULT_MINIMUM}) <= self.maxReplicas",
            holds=lambda it: it.min_replicas <= it.max_replicas,
        ),
    )
