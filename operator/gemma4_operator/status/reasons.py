"""Every reason the operator gives, each with the sentence that documents it.

Conditions, events, metrics and docs/reference/reasons.md all draw from here, so a reason that is not listed cannot
be said.
"""

from enum import StrEnum


class Reason(StrEnum):
    """A CamelCase reason; `sentence` says what it means and `advice` what to do."""

    sentence: str
    advice: str

    def __new__(cls, value: str, sentence: str, advice: str) -> "Reason":
        """Attach the documentation to the value."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        member.advice = advice
        return member

    # The plan
    PLANNED = "Planned", "The spec has been turned into a plan; `status.plan` shows it.", "Nothing to do."
    INVALID_SPEC = (
        "InvalidSpec",
        "The spec contradicts itself in a way that the API server's schema could not see.",
        "Change the named field; nothing is tried again until the spec changes.",
    )
    NO_CHECKPOINT = (
        "NoCheckpoint",
        "The catalogue knows no weights for this variant and quantization.",
        "Choose another quantization, or name the weights in `spec.model.checkpoint`.",
    )
    ENGINE_REFUSES = (
        "EngineRefuses",
        "The engine cannot serve this model in this way.",
        "Choose another `spec.engine.type`, or change the named field.",
    )

    # The children
    CHILDREN_APPLIED = "ChildrenApplied", "Objects were created, changed or repaired.", "Nothing to do."
    NAME_CONFLICT = (
        "NameConflict",
        "An object of the name that is needed exists and does not belong to this Gemma4Deployment.",
        "Rename the Gemma4Deployment, or delete the other object.",
    )
    CHILD_REJECTED = (
        "ChildRejected",
        "The API server refuses an object that the operator wants to write.",
        "Read the message: a quota, a policy or `spec.podTemplatePatch` is the usual cause.",
    )
    SUSPENDED = (
        "Suspended",
        "`spec.suspend` is true: the status is kept fresh, nothing else is changed.",
        "Set `spec.suspend` to false to let changes through.",
    )

    # The pods
    READY = "Ready", "Every replica of the current plan serves.", "Nothing to do."
    SCALED_TO_ZERO = "ScaledToZero", "`spec.replicas` is 0, so nothing serves.", "Raise `spec.replicas`."
    AVAILABLE = "Available", "As many replicas serve as `spec.disruption` asks for.", "Nothing to do."
    TOO_FEW_SERVING = (
        "TooFewServing",
        "Fewer replicas serve than `spec.disruption` asks for.",
        "The Ready condition names the cause.",
    )
    PROGRESSING = "Progressing", "Pods are being created or replaced.", "Wait."
    LOADING = "Loading", "The engine runs and loads the weights.", "Wait; large weights take minutes."
    UNSCHEDULABLE = (
        "Unschedulable",
        "No node can take a pod.",
        "Free or add GPUs, or widen `spec.placement`; the message says what was missing on how many nodes.",
    )
    IMAGE_PULL_FAILED = (
        "ImagePullFailed",
        "A node cannot get the engine's image.",
        "Check the image's name and `spec.secrets.imagePullSecrets`.",
    )
    CONTAINER_CONFIG_ERROR = (
        "ContainerConfigError",
        "A container cannot be made; usually a Secret or one of its keys is missing.",
        "Create what the message names.",
    )
    OUT_OF_MEMORY = (
        "OutOfMemory",
        "The kernel ended the engine because the pod used more memory than its limit.",
        "Raise the memory limit in `spec.podTemplatePatch`, or choose a smaller model.",
    )
    CRASHING = (
        "Crashing",
        "The engine ends again and again.",
        "Read `kubectl logs --previous` of the named pod.",
    )
    PROGRESS_DEADLINE_EXCEEDED = (
        "ProgressDeadlineExceeded",
        "The pods did not become ready in the time that the weights' size allows.",
        "Read the message and the pod's log.",
    )
