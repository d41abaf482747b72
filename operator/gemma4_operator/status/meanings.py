"""What a reason carries: a sentence, an advice, and for the cause of a failure who can mend it and whether time does.

The meanings are keyed by the reason's text, so that `reasons` can draw on them without a circle of imports.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class FixableBy(StrEnum):
    """Who can mend a cause."""

    USER = "User"
    """Edits the custom resource, or the Secrets, claims and accounts that it names."""
    CLUSTER_ADMIN = "ClusterAdmin"
    """Changes nodes, quotas, policies, storage or the network."""
    OPERATOR = "Operator"
    """A program can act alone: delete a dead pod, download again, give more time."""
    WAIT = "Wait"
    """Nobody needs to act."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one reason means and what a person does about it.

    Attributes:
        fixable_by: None for a reason that is a state, not the cause of a failure.
        retryable: Whether a new attempt has a fair chance although nobody has changed anything.
    """

    sentence: str
    advice: str
    fixable_by: FixableBy | None = None
    retryable: bool = False


def cause(sentence: str, advice: str, fixable_by: FixableBy, *, retryable: bool) -> Meaning:
    """Return what the cause of a failure means; none leaves open who mends it."""
    return Meaning(sentence, advice, fixable_by, retryable)


_NOTHING = "Nothing to do."

STATES: Mapping[str, Meaning] = {
    "Planned": Meaning(
        "The spec has been turned into a plan; `status.plan` shows it.",
        _NOTHING,
    ),
    "InvalidSpec": Meaning(
        "The spec contradicts itself, or the catalogue, in a way that the API server's schema could not see.",
        "Change the named field; nothing is tried again until the spec changes.",
    ),
    "NoCheckpoint": Meaning(
        "The catalogue knows no weights for this variant and quantization.",
        "Choose another quantization, or name the weights in `spec.model.checkpoint`.",
    ),
    "EngineRefuses": Meaning(
        "The engine cannot serve this model in this way.",
        "Choose another `spec.engine.type`, or change the named field.",
    ),
    "NoGPUs": Meaning(
        "No node offers a GPU that the planner understands and the spec allows.",
        "Add a node with GPUs, label those there are, or allow more in `spec.placement`: new nodes are seen at once.",
    ),
    "Infeasible": Meaning(
        "Nothing that the catalogue knows serves what is asked for on the GPUs there are.",
        "Take one of `status.plan.relaxations`, or add GPUs: new nodes are seen at once.",
    ),
    "OverBudget": Meaning(
        "`spec.replicas` take more GPUs or money than the spec allows; what runs stays as it is.",
        "Lower `spec.replicas`, or raise the limit that the message names.",
    ),
    "ChildrenApplied": Meaning(
        "Objects were created, changed or repaired.",
        _NOTHING,
    ),
    "Scaled": Meaning(
        "The operator's autoscaler has decided on another number of replicas; the message says why.",
        _NOTHING,
    ),
    "NameConflict": Meaning(
        "An object of the name that is needed exists and does not belong to this Gemma4Deployment.",
        "Rename the Gemma4Deployment, or delete the other object.",
    ),
    "Contested": Meaning(
        "Another writer undoes each repair of an object that the operator keeps; it is repaired less and less often.",
        "Let one of the two decide: take the named fields out of what the other writes, or set them in this resource.",
    ),
    "Suspended": Meaning(
        "`spec.suspend` is true: the status is kept fresh, nothing else is changed.",
        "Set `spec.suspend` to false to let changes through.",
    ),
    "Ready": Meaning(
        "Every replica of the current plan serves.",
        _NOTHING,
    ),
    "ScaledToZero": Meaning(
        "No replica is wanted, so nothing serves.",
        "Raise `spec.replicas`. With `spec.autoscaling`, wake it by the annotation `gemma4.dev/asked-at`, or raise "
        "`minReplicas`.",
    ),
    "Available": Meaning(
        "As many replicas serve as `spec.disruption` asks for.",
        _NOTHING,
    ),
    "TooFewServing": Meaning(
        "Fewer replicas serve than `spec.disruption` asks for.",
        "The Ready condition names the cause.",
    ),
    "Progressing": Meaning(
        "Pods are being created or replaced.",
        "Wait.",
    ),
    "RolloutBlockedNoSpareGPU": Meaning(
        "New pods wait for a free GPU, and the old ones go on serving until they have one.",
        "Free or add a GPU of this kind, lower `spec.disruption.minAvailablePercent`, or set `spec.update.strategy` to "
        "'Recreate' to let an old pod go first.",
    ),
    "ProgressDeadlineExceeded": Meaning(
        "The pods did not become ready in the time that the weights' size allows.",
        "Read the message and the pod's log.",
    ),
}
"""The reasons that tell how things are."""
