"""Every reason the operator gives, each with the sentence that documents it.

Conditions, events, metrics and docs/reference/reasons.md all draw from here, so a reason that is not listed cannot
be said.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """A CamelCase reason; `sentence` says what it means and `advice` what to do."""

    PLANNED = "Planned"
    INVALID_SPEC = "InvalidSpec"
    NO_CHECKPOINT = "NoCheckpoint"
    ENGINE_REFUSES = "EngineRefuses"
    NO_GPUS = "NoGPUs"
    INFEASIBLE = "Infeasible"
    CHILDREN_APPLIED = "ChildrenApplied"
    NAME_CONFLICT = "NameConflict"
    CHILD_REJECTED = "ChildRejected"
    SUSPENDED = "Suspended"
    READY = "Ready"
    SCALED_TO_ZERO = "ScaledToZero"
    AVAILABLE = "Available"
    TOO_FEW_SERVING = "TooFewServing"
    PROGRESSING = "Progressing"
    LOADING = "Loading"
    UNSCHEDULABLE = "Unschedulable"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    CONTAINER_CONFIG_ERROR = "ContainerConfigError"
    OUT_OF_MEMORY = "OutOfMemory"
    CRASHING = "Crashing"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"

    @property
    def sentence(self) -> str:
        """What the reason means."""
        return _MEANINGS[self].sentence

    @property
    def advice(self) -> str:
        """What a person does about it."""
        return _MEANINGS[self].advice


@dataclass(frozen=True, slots=True)
class _Meaning:
    sentence: str
    advice: str


_NOTHING = "Nothing to do."
_MEANINGS = {
    Reason.PLANNED: _Meaning(
        "The spec has been turned into a plan; `status.plan` shows it.",
        _NOTHING,
    ),
    Reason.INVALID_SPEC: _Meaning(
        "The spec contradicts itself in a way that the API server's schema could not see.",
        "Change the named field; nothing is tried again until the spec changes.",
    ),
    Reason.NO_CHECKPOINT: _Meaning(
        "The catalogue knows no weights for this variant and quantization.",
        "Choose another quantization, or name the weights in `spec.model.checkpoint`.",
    ),
    Reason.ENGINE_REFUSES: _Meaning(
        "The engine cannot serve this model in this way.",
        "Choose another `spec.engine.type`, or change the named field.",
    ),
    Reason.NO_GPUS: _Meaning(
        "No node offers a GPU that the planner understands and the spec allows.",
        "Add a node with GPUs, label those there are, or allow more in `spec.placement`: new nodes are seen at once.",
    ),
    Reason.INFEASIBLE: _Meaning(
        "Nothing that the catalogue knows serves what is asked for on the GPUs there are.",
        "Take one of `status.plan.relaxations`, or add GPUs: new nodes are seen at once.",
    ),
    Reason.CHILDREN_APPLIED: _Meaning(
        "Objects were created, changed or repaired.",
        _NOTHING,
    ),
    Reason.NAME_CONFLICT: _Meaning(
        "An object of the name that is needed exists and does not belong to this Gemma4Deployment.",
        "Rename the Gemma4Deployment, or delete the other object.",
    ),
    Reason.CHILD_REJECTED: _Meaning(
        "The API server refuses an object that the operator wants to write, or the pods of its Deployment.",
        "Read the message: a quota, a policy or `spec.podTemplatePatch` is the usual cause.",
    ),
    Reason.SUSPENDED: _Meaning(
        "`spec.suspend` is true: the status is kept fresh, nothing else is changed.",
        "Set `spec.suspend` to false to let changes through.",
    ),
    Reason.READY: _Meaning(
        "Every replica of the current plan serves.",
        _NOTHING,
    ),
    Reason.SCALED_TO_ZERO: _Meaning(
        "`spec.replicas` is 0, so nothing serves.",
        "Raise `spec.replicas`.",
    ),
    Reason.AVAILABLE: _Meaning(
        "As many replicas serve as `spec.disruption` asks for.",
        _NOTHING,
    ),
    Reason.TOO_FEW_SERVING: _Meaning(
        "Fewer replicas serve than `spec.disruption` asks for.",
        "The Ready condition names the cause.",
    ),
    Reason.PROGRESSING: _Meaning(
        "Pods are being created or replaced.",
        "Wait.",
    ),
    Reason.LOADING: _Meaning(
        "The engine runs and loads the weights.",
        "Wait; large weights take minutes.",
    ),
    Reason.UNSCHEDULABLE: _Meaning(
        "No node can take a pod.",
        "Free or add GPUs, or widen `spec.placement`; the message says what was missing on how many nodes.",
    ),
    Reason.IMAGE_PULL_FAILED: _Meaning(
        "A node cannot get the engine's image.",
        "Check the image's name and `spec.secrets.imagePullSecrets`.",
    ),
    Reason.CONTAINER_CONFIG_ERROR: _Meaning(
        "A container cannot be made; usually a Secret or one of its keys is missing.",
        "Create what the message names.",
    ),
    Reason.OUT_OF_MEMORY: _Meaning(
        "The kernel ended the engine because the pod used more memory than its limit.",
        "Raise the memory limit in `spec.podTemplatePatch`, or choose a smaller model.",
    ),
    Reason.CRASHING: _Meaning(
        "The engine ends again and again.",
        "Read `kubectl logs --previous` of the named pod.",
    ),
    Reason.PROGRESS_DEADLINE_EXCEEDED: _Meaning(
        "The pods did not become ready in the time that the weights' size allows.",
        "Read the message and the pod's log.",
    ),
}
