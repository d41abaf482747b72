"""Pods that were never made, were refused by a kubelet, or were ended by Kubernetes itself."""

from typing import Final

from gemma4_operator.status.diagnosis.rules import QUOTE_LIMIT, Diagnosis, Rule, first, quote, text_like
from gemma4_operator.status.evidence import EventView, Evidence
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.redact import shorten

_REFUSALS: Final = (
    Rule(
        Reason.QUOTA_EXCEEDED,
        "admission plug-ins ResourceQuota and LimitRanger",
        text_like(
            r"exceeded quota|failed quota|insufficient quota|(?:maximum|minimum) \S+ usage per"
            r"|(?:limit to request|max\w* limit/request) ratio"
        ),
    ),
    Rule(
        Reason.GPU_RUNTIME_MISSING,
        "admission plug-in RuntimeClass",
        text_like(r"RuntimeClass \S+ not found|runtimeclass\S* \S+ not found"),
    ),
    Rule(
        Reason.SECRET_OR_CONFIG_MISSING,
        "admission plug-in ServiceAccount",
        text_like(r"serviceaccount \S+ not found|service account \S+ (?:was )?not found"),
    ),
    Rule(
        Reason.POD_SECURITY_VIOLATION,
        "admission plug-ins PodSecurity, PodSecurityPolicy and OpenShift's SCC; policy webhooks (Kyverno, Gatekeeper)",
        text_like(
            r"violates PodSecurity|security ?context ?constraint|PodSecurityPolicy|unable to admit pod"
            r"|denied the request|denied request"
        ),
    ),
    Rule(
        Reason.NETWORK_UNREACHABLE,
        "the API server, of a webhook that does not answer",
        text_like(r"failed calling webhook|failed to call webhook"),
    ),
    Rule(
        Reason.INVALID_ENGINE_CONFIG,
        "validation of the API server, and admission plug-in Priority",
        text_like(r"is invalid: |Invalid value|no PriorityClass with name"),
    ),
)
_CLAIM_REASONS: Final = ("ProvisioningFailed", "FailedBinding", "ClaimMisbound", "ClaimLost", "VolumeMismatch")
_JOB_REASONS: Final = ("BackoffLimitExceeded", "DeadlineExceeded", "PodFailurePolicy", "FailedIndexes")

_LOST_GPU: Final = text_like(
    r"GPU is lost|fallen off the bus|\bXid\b|uncorrectable|\bECC\b|GPU requires reset|requires? (?:a )?reboot"
)
_LOST_NODE_REASONS: Final = frozenset({"nodelost", "terminated", "shutdown", "nodeshutdown"})
_GONE: Final = {"preempted": Reason.PREEMPTED, "evicted": Reason.EVICTED}
_REJECTIONS: Final = frozenset(
    {
        "unexpectedadmissionerror",
        "topologyaffinityerror",
        "nodeaffinity",
        "nodeports",
        "nodename",
        "podosnotsupported",
        "podosselectornodelabeldoesnotmatch",
        "invalidnodeinfo",
        "apparmor",
        "sysctlforbidden",
    }
)
"""Reasons with which a kubelet refuses a pod (kubernetes/pkg/kubelet/lifecycle); `OutOf...` for resources besides."""


def refusal(said: str) -> Diagnosis:
    """Return why the API server refuses a pod, from its answer as a controller passes it on."""
    found = first(_REFUSALS, [said])
    reason = Reason.CHILD_REJECTED if found is None else found.reason
    return Diagnosis(reason=reason, message=f"Pods are refused: {shorten(said, QUOTE_LIMIT + 180).rstrip('.')}.")


def never_made(evidence: Evidence) -> Diagnosis | None:
    """Return why there is no pod: from its controller, from its claim, from what took it away."""
    if evidence.pod is not None:
        return None
    for event in evidence.told("FailedCreate"):
        told = refusal(event.message)
        return Diagnosis(reason=told.reason, message=f"{event.subject}: {told.message}")
    for event in evidence.told(*_CLAIM_REASONS):
        return _of(Reason.VOLUME_CLAIM_NOT_BOUND, event)
    for event in evidence.events:
        # What took a pod away that is gone by now; its event outlives it by an hour.
        reason = event.reason.lower()
        if event.kind != "Node" and reason in _GONE:
            return _of(_GONE[reason], event)
        if reason in _REJECTIONS or (event.kind == "Pod" and reason.startswith("outof")):
            lost = _LOST_GPU.search(event.message) is not None
            return _of(Reason.GPU_HARDWARE_FAULT if lost else Reason.KUBELET_REJECTED_POD, event)
    return None


def job_failed(evidence: Evidence) -> Diagnosis | None:
    """Return that a Job has given up; anything else that is known says more."""
    for event in evidence.told(*_JOB_REASONS, kind="Job"):
        told = _of(Reason.DOWNLOAD_JOB_FAILED, event)
        last = f" Its last line: {quote(evidence.log[-1], limit=300)}" if evidence.log else ""
        return Diagnosis(reason=told.reason, message=told.message + last)
    if evidence.pod is not None and evidence.pod.reason == "DeadlineExceeded":
        return Diagnosis(reason=Reason.DOWNLOAD_JOB_FAILED, message=f"DeadlineExceeded: {_short(evidence.pod.message)}")
    return None


def ended_by_kubernetes(evidence: Evidence) -> Diagnosis | None:
    """Return why Kubernetes itself refused or ended the pod: its own reason, or the condition DisruptionTarget."""
    pod = evidence.pod
    if pod is None:
        return None
    reason, said = pod.reason.lower(), f"{pod.reason}: {_short(pod.message)}"
    if reason == "evicted":
        return Diagnosis(reason=Reason.EVICTED, message=said)
    if reason in {"preempting", "preempted"}:
        return Diagnosis(reason=Reason.PREEMPTED, message=said)
    if reason in _REJECTIONS or reason.startswith("outof"):
        lost = _LOST_GPU.search(pod.message) is not None
        return Diagnosis(reason=Reason.GPU_HARDWARE_FAULT if lost else Reason.KUBELET_REJECTED_POD, message=said)
    if reason in _LOST_NODE_REASONS:
        return Diagnosis(reason=Reason.NODE_NOT_READY, message=said)
    return _disrupted(evidence) if pod.disruption is not None else None


def _disrupted(evidence: Evidence) -> Diagnosis | None:
    assert evidence.pod is not None
    assert evidence.pod.disruption is not None
    reason, said = evidence.pod.disruption
    if reason == "PreemptionByScheduler":
        for event in evidence.told("Preempted"):
            return Diagnosis(reason=Reason.PREEMPTED, message=f"{_short(event.message)} {_short(said)}")
        return Diagnosis(reason=Reason.PREEMPTED, message=f"Preempted: {_short(said)}")
    if reason == "TerminationByKubelet":
        shutdown = text_like(r"shutdown|shutting down").search(said)
        cause = Reason.NODE_NOT_READY if shutdown else Reason.EVICTED
        return Diagnosis(reason=cause, message=f"{reason}: {_short(said)}")
    if reason in {"DeletionByTaintManager", "DeletionByPodGC", "DeletionByDeviceTaintManager", "EvictionByEvictionAPI"}:
        return Diagnosis(reason=Reason.NODE_NOT_READY, message=f"{reason}: {_short(said)}")
    return None


def _of(reason: Reason, event: EventView) -> Diagnosis:
    return Diagnosis(reason=reason, message=f"{event.subject}: {event.reason}: {_short(event.message)}")


def _short(said: str) -> str:
    return f"{shorten(said, QUOTE_LIMIT).rstrip('.')}."
