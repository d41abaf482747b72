"""Every reason the operator gives, each with the sentence that documents it.

Conditions, events, metrics and docs/reference/reasons.md all draw from here, so a reason that is not listed cannot
be said. What each means stands in `meanings` (how things are), and in `causes_cluster` and
`causes_engine` (why a pod does not serve).
"""

from enum import StrEnum

from gemma4_operator.status.causes_cluster import CLUSTER_CAUSES
from gemma4_operator.status.causes_engine import ENGINE_CAUSES
from gemma4_operator.status.meanings import STATES, FixableBy, Meaning


class Reason(StrEnum):
    """A CamelCase reason; `sentence` says what it means and `advice` what to do."""

    PLANNED = "Planned"
    INVALID_SPEC = "InvalidSpec"
    NO_CHECKPOINT = "NoCheckpoint"
    ENGINE_REFUSES = "EngineRefuses"
    NO_GPUS = "NoGPUs"
    INFEASIBLE = "Infeasible"
    OVER_BUDGET = "OverBudget"
    CHILDREN_APPLIED = "ChildrenApplied"
    SCALED = "Scaled"
    NAME_CONFLICT = "NameConflict"
    CONTESTED = "Contested"
    SUSPENDED = "Suspended"
    READY = "Ready"
    SCALED_TO_ZERO = "ScaledToZero"
    AVAILABLE = "Available"
    TOO_FEW_SERVING = "TooFewServing"
    PROGRESSING = "Progressing"
    ROLLOUT_BLOCKED_NO_SPARE_GPU = "RolloutBlockedNoSpareGPU"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"

    SCHEDULING_GATED = "SchedulingGated"
    INSUFFICIENT_GPU = "InsufficientGPU"
    INSUFFICIENT_NODE_RESOURCES = "InsufficientNodeResources"
    UNTOLERATED_TAINT = "UntoleratedTaint"
    NODE_SELECTOR_MISMATCH = "NodeSelectorMismatch"
    UNSCHEDULABLE = "Unschedulable"
    VOLUME_ZONE_CONFLICT = "VolumeZoneConflict"
    VOLUME_CLAIM_NOT_BOUND = "VolumeClaimNotBound"
    VOLUME_ATTACH_FAILED = "VolumeAttachFailed"
    PREEMPTED = "Preempted"
    QUOTA_EXCEEDED = "QuotaExceeded"
    POD_SECURITY_VIOLATION = "PodSecurityViolation"
    CHILD_REJECTED = "ChildRejected"
    IMAGE_NOT_FOUND = "ImageNotFound"
    IMAGE_PULL_UNAUTHORIZED = "ImagePullUnauthorized"
    IMAGE_ENTITLEMENT_REQUIRED = "ImageEntitlementRequired"
    IMAGE_PULL_RATE_LIMITED = "ImagePullRateLimited"
    IMAGE_PLATFORM_MISMATCH = "ImagePlatformMismatch"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    NODE_DISK_FULL = "NodeDiskFull"
    SECRET_OR_CONFIG_MISSING = "SecretOrConfigMissing"
    CONTAINER_CONFIG_ERROR = "ContainerConfigError"
    GPU_RUNTIME_MISSING = "GPURuntimeMissing"
    GPU_DRIVER_INCOMPATIBLE = "GPUDriverIncompatible"
    KUBELET_REJECTED_POD = "KubeletRejectedPod"
    GPU_MEMORY_IN_USE = "GPUMemoryInUse"
    GPU_OUT_OF_MEMORY = "GPUOutOfMemory"
    KV_CACHE_TOO_SMALL = "KVCacheTooSmall"
    HARDWARE_UNSUPPORTED = "HardwareUnsupported"
    MODEL_UNSUPPORTED_BY_ENGINE = "ModelUnsupportedByEngine"
    CREDENTIALS_INVALID = "CredentialsInvalid"
    MODEL_ACCESS_DENIED = "ModelAccessDenied"
    MODEL_NOT_FOUND = "ModelNotFound"
    MODEL_FILES_MISSING = "ModelFilesMissing"
    MODEL_FILES_CORRUPT = "ModelFilesCorrupt"
    NO_COMPATIBLE_PROFILE = "NoCompatibleProfile"
    SHARED_MEMORY_TOO_SMALL = "SharedMemoryTooSmall"
    NCCL_FAILURE = "NCCLFailure"
    INVALID_ENGINE_CONFIG = "InvalidEngineConfig"
    PORT_IN_USE = "PortInUse"
    CACHE_NOT_WRITABLE = "CacheNotWritable"
    CACHE_DISK_FULL = "CacheDiskFull"
    EVICTED = "Evicted"
    HOST_OUT_OF_MEMORY = "HostOutOfMemory"
    PROBE_KILLED_DURING_START = "ProbeKilledDuringStart"
    PROBE_KILLED = "ProbeKilled"
    NOT_ANSWERING = "NotAnswering"
    READINESS_GATE_UNMET = "ReadinessGateUnmet"
    NODE_NOT_READY = "NodeNotReady"
    GPU_HARDWARE_FAULT = "GPUHardwareFault"
    DOWNLOAD_STALLED = "DownloadStalled"
    NETWORK_UNREACHABLE = "NetworkUnreachable"
    TLS_UNTRUSTED = "TLSUntrusted"
    DOWNLOAD_JOB_FAILED = "DownloadJobFailed"
    LIFECYCLE_HOOK_FAILED = "LifecycleHookFailed"
    ENGINE_CRASHED = "EngineCrashed"
    STILL_STARTING = "StillStarting"

    @property
    def sentence(self) -> str:
        """What the reason means."""
        return _MEANINGS[self].sentence

    @property
    def advice(self) -> str:
        """What a person does about it."""
        return _MEANINGS[self].advice

    @property
    def fixable_by(self) -> FixableBy | None:
        """Who can mend it; None for what is no cause of a failure."""
        return _MEANINGS[self].fixable_by

    @property
    def retryable(self) -> bool:
        """Whether a new attempt has a fair chance although nobody has changed anything."""
        return _MEANINGS[self].retryable


_MEANINGS: dict[Reason, Meaning] = {
    Reason(text): meaning for table in (STATES, CLUSTER_CAUSES, ENGINE_CAUSES) for text, meaning in table.items()
}
