"""Why a container cannot be made: configuration, volumes, sandbox, GPU runtime, command."""

from typing import Final

from gemma4_operator.status.diagnosis import images
from gemma4_operator.status.diagnosis.rules import Diagnosis, Found, Rule, first, text_like
from gemma4_operator.status.evidence import EventView, Evidence
from gemma4_operator.status.pods import ContainerView
from gemma4_operator.status.reasons import Reason

_WAITING: Final = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError", "StartError"}
)
_NOT_STARTED: Final = frozenset({"StartError", "ContainerCannotRun"})
"""Reasons of a container whose process never ran (containerd and Docker)."""

MISSING: Final = Rule(
    Reason.SECRET_OR_CONFIG_MISSING,
    "the kubelet, of environment variables (kubelet_pods.go) and of volumes (volume/secret, configmap, projected)",
    text_like(
        r"(?:secrets?|configmaps?|serviceaccounts?)\b[^:;,]{0,80} not found|couldn't find key|couldn't find config key"
        r"|references? non-existent (?:secret|config)"
    ),
)
_CREATION: Final = (
    MISSING,
    Rule(
        Reason.POD_SECURITY_VIOLATION,
        "the kubelet's check of runAsNonRoot (kuberuntime/security_context.go)",
        text_like(r"image will run as root|runAsNonRoot|image has non-numeric user"),
    ),
    Rule(
        Reason.GPU_HARDWARE_FAULT,
        "NVIDIA's container toolkit and driver, of a GPU that does not answer",
        text_like(r"GPU is lost|fallen off the bus|\bXid\b|nvml error: (?:gpu|unknown error)|GPU requires reset"),
    ),
    Rule(
        Reason.GPU_DRIVER_INCOMPATIBLE,
        "nvidia-container-cli (libnvidia-container), of the node's driver",
        text_like(
            r"unsatisfied condition: (?:cuda|driver|brand)|driver not loaded|version mismatch|driver rpc error"
            r"|load library failed: lib(?:nvidia-ml|cuda)|insufficient for CUDA runtime|update your driver"
            r"|libnvidia-ml\.so[.\d]*: cannot open|no adapters were found"
        ),
    ),
    Rule(
        Reason.GPU_RUNTIME_MISSING,
        "containerd, CRI-O and Docker without NVIDIA's runtime, hook or CDI devices",
        text_like(
            r"no runtime for \S+ is configured|RuntimeHandler \S+ not supported|runtime ?class\S* \S+ not found"
            r"|failed to find runtime handler|unknown or invalid runtime name|runtime not found"
            r"|(?:exec: )?\"?(?:\S*/)?nvidia-(?:container|ctk)[\w-]*\"?: (?:stat [^:]{1,200}: )?"
            r"(?:executable file not found|no such file)"
            r"|could not select device driver|CDI devices?|nvidia-container-cli|nvidia-container-runtime|/dev/nvidia"
        ),
    ),
    Rule(
        Reason.HOST_OUT_OF_MEMORY,
        "runc, of a container whose first process was killed",
        text_like(r"OOM-?killed|memory limit too low|cannot allocate memory"),
    ),
    Rule(
        Reason.IMAGE_PLATFORM_MISMATCH,
        "the kernel's ENOEXEC as runc passes it on",
        text_like(r"exec format error"),
    ),
    Rule(
        Reason.NODE_DISK_FULL,
        "containerd's snapshots and the kubelet's directories",
        text_like(r"no space left on device"),
    ),
    Rule(
        Reason.VOLUME_ATTACH_FAILED,
        "the kubelet and runc, of a volume's directory",
        text_like(r"subPath|error mounting|failed to mkdir .{1,200}volumes|stale (?:NFS )?file handle|MountVolume"),
    ),
    Rule(
        Reason.INVALID_ENGINE_CONFIG,
        "runc, of a command that is not in the image or may not be run",
        text_like(
            r"executable file not found|exec:? .{0,300}(?:no such file|permission denied|is a directory)"
            r"|stat .{1,300}: no such file|no command specified|unable to start container process"
        ),
    ),
)
_VOLUME_EVENTS: Final = ("FailedAttachVolume", "FailedMount", "FailedMapVolume")
_VOLUMES: Final = (
    MISSING,
    Rule(
        Reason.VOLUME_CLAIM_NOT_BOUND,
        "the kubelet, of a claim",
        text_like(r"persistentvolumeclaims? \S+ (?:not found|is not bound)|PVC .{1,200} is not bound"),
    ),
    Rule(
        Reason.VOLUME_ATTACH_FAILED,
        "the controller of attachments and the kubelet's volume plug-ins, of one volume",
        text_like(r"Multi-Attach|MountVolume|MountDevice|WaitForAttach|AttachVolume|MapVolume|mount failed"),
        unless=text_like(r"not registered|failed to sync (?:secret|configmap) cache"),
    ),
    Rule(Reason.VOLUME_ATTACH_FAILED, "the kubelet's summary of all volumes", text_like(r"")),
)
_SANDBOX: Final = (
    *(rule for rule in _CREATION if rule.reason in {Reason.GPU_RUNTIME_MISSING, Reason.GPU_DRIVER_INCOMPATIBLE}),
    *images.RULES[:1],
    Rule(
        Reason.NODE_NOT_READY,
        "CNI plug-ins and the runtime: the node's network is not up",
        text_like(r"cni|network for (?:pod )?sandbox|networkPlugin|cgroup"),
        unless=text_like(r"sandbox image"),
    ),
)
_PAST_VOLUMES: Final = ("Pulling", "Pulled", "Created", "Started")
"""Events that come only once the volumes and the sandbox are there."""


def cannot_be_made(evidence: Evidence) -> Diagnosis | None:
    """Return why a container cannot be created or started."""
    containers = sorted(evidence.pod.containers if evidence.pod else (), key=lambda item: (not item.init, item.name))
    for container in containers:
        said, why = _said(container)
        if not why:
            continue
        events = [event.message for event in evidence.told("Failed", "FailedCreatePodContainer", kind="Pod")]
        lines = [said, *events]
        found = first(_CREATION, lines)
        reason = found.reason if found else Reason.CONTAINER_CONFIG_ERROR
        words = found.quote if found else said or (events[0] if events else "")
        detail = f": {words.rstrip('.')}." if words else "."
        return Diagnosis(reason=reason, message=f"container '{container.name}' cannot be made, {why}{detail}")
    return None


def _said(container: ContainerView) -> tuple[str, str]:
    """Return what is said of a container that cannot be made, and the kubelet's word for it; empty for others."""
    if container.waiting in _WAITING:
        return container.message, container.waiting
    ended = container.ended
    # A process that cannot be started ends with 128 (containerd, CRI-O) or 127 (Docker), and without a log.
    if ended is not None and (ended.reason in _NOT_STARTED or "OCI runtime" in ended.message):
        return ended.message, ended.reason or "StartError"
    return "", ""


def cannot_be_prepared(evidence: Evidence) -> Diagnosis | None:
    """Return why volumes or the sandbox of a pod are not ready; what was overcome since does not count."""
    pod = evidence.pod
    if pod is None or pod.sandboxed is True or pod.running:
        return None
    if pod.sandboxed is None and evidence.told(*_PAST_VOLUMES):
        return None
    volumes = evidence.told(*_VOLUME_EVENTS)
    found = first(_VOLUMES, [event.message for event in volumes])
    if found is not None:
        return _prepared(found, volumes[found.index])
    sandboxes = evidence.told("FailedCreatePodSandBox", "FailedCreatePodSandbox")
    lines = [event.message for event in sandboxes]
    found = first(_SANDBOX, lines) or first(images.RULES, [line for line in lines if "sandbox image" in line])
    if found is not None:
        return Diagnosis(reason=found.reason, message=f"The pod's sandbox cannot be made: {found.quote}")
    if lines:
        return Diagnosis(reason=Reason.CONTAINER_CONFIG_ERROR, message=f"The pod's sandbox cannot be made: {lines[0]}")
    return None


def _prepared(found: Found, event: EventView) -> Diagnosis:
    return Diagnosis(reason=found.reason, message=f"{event.reason}: {found.quote}")
