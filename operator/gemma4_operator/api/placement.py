"""Where pods may run: GPU products, GPUs per replica, node labels, tolerations."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gemma4_operator.api.common import LABEL_KEY, LABEL_VALUE, ApiModel, Integer, LabelKey, LabelValue, Name, Switch
from gemma4_operator.api.rules import Keys, Rule, RuleReason, Unique


class TolerationOperator(StrEnum):
    """How a toleration compares."""

    EQUAL = "Equal"
    EXISTS = "Exists"


class TaintEffect(StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Toleration(ApiModel):
    """A taint the pods accept, as in a Pod."""

    key: LabelKey | None = None
    """The taint's key; absent, with the operator Exists: every taint."""
    operator: TolerationOperator = TolerationOperator.EQUAL
    """Whether the taint's value must be equal, or the taint only has to exist."""
    value: LabelValue | None = None
    """The taint's value, for the operator Equal."""
    effect: TaintEffect | None = None
    """The effect to tolerate; absent: all effects."""
    toleration_seconds: Annotated[Integer, Field(ge=0, le=2**31 - 1)] | None = None
    """How long a pod may stay after a NoExecute taint appears; absent: for ever."""

    RULES = (
        Rule(
            field=".value",
            message="must be absent with `operator` 'Exists', which ignores values",
            cel="self.?operator.orValue('Equal') == 'Equal' || self.?value.orValue('') == ''",
            holds=lambda it: it.operator is TolerationOperator.EQUAL or not it.value,
            reason=RuleReason.FORBIDDEN,
        ),
        Rule(
            field=".operator",
            message="must be 'Exists' without a `key`, which then tolerates every taint",
            cel="has(self.key) || self.?operator.orValue('Equal') == 'Exists'",
            holds=lambda it: it.key is not None or it.operator is TolerationOperator.EXISTS,
        ),
        Rule(
            field=".effect",
            message="must be 'NoExecute' with `tolerationSeconds`",
            cel="!has(self.tolerationSeconds) || self.?effect.orValue('') == 'NoExecute'",
            holds=lambda it: it.toleration_seconds is None or it.effect is TaintEffect.NO_EXECUTE,
        ),
    )


class Placement(ApiModel):
    """Where pods may run, and how many GPUs each takes."""

    gpu_products: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=63), LABEL_VALUE], ...],
        Field(max_length=32),
        Unique(),
    ] = ()
    """The GPU products that may be used, as values of the node label nvidia.com/gpu.product; empty: any."""
    gpus_per_replica: Annotated[Integer, Field(ge=1, le=16)] | None = None
    """How many GPUs of one node each replica takes; absent: the planner chooses."""
    maximum_gpus: Annotated[Integer, Field(ge=1, le=10_000)] | None = None
    """The most GPUs that all replicas together may take; a rollout that must add a pod first goes one pod beyond it."""
    allow_shared_gpus: Switch = False
    """Whether MIG slices and time-sliced GPUs may be used too."""
    node_selector: Annotated[dict[str, LabelValue], Field(max_length=32), Keys(LABEL_KEY)] = Field(default_factory=dict)
    """The labels a node must have."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=32)] = ()
    """The taints the pods accept."""
    runtime_class_name: Name | None = None
    """The RuntimeClass of the pods, such as nvidia; absent: the cluster's default."""

    RULES = (
        Rule(
            field=".maximumGPUs",
            message="must be at least `gpusPerReplica`: else not even one replica may run",
            cel="!has(self.maximumGPUs) || !has(self.gpusPerReplica) || self.gpusPerReplica <= self.maximumGPUs",
            holds=lambda it: (it.gpus_per_replica or 1) <= (it.maximum_gpus or it.gpus_per_replica or 1),
        ),
    )
