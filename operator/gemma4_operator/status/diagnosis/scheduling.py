"""Why no node takes a pod, from the scheduler's own sentence.

The sentence is `0/N nodes are available: COUNT REASON, COUNT REASON. preemption: ...` (FitError.Error in
kubernetes/pkg/scheduler/framework/types.go); the reasons are constants of its plug-ins. The condition PodScheduled is
read, not the events, which may be old.
"""

import re
from datetime import timedelta
from typing import Final

from gemma4_operator.status.diagnosis.rules import QUOTE_LIMIT, Diagnosis, Rule, first, text_like
from gemma4_operator.status.evidence import Evidence
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.redact import shorten

NODE_SECONDS: Final = 900.0
"""After which a node that was asked for comes no more; cluster-autoscaler and Karpenter give it up then as well."""
COMING: Final = "A node is being added"
_PREEMPTION: Final = re.compile(r"[.,]?\s*(?:no new claims to deallocate,?\s*)?preemption:.*$", re.DOTALL)
_HEAD: Final = re.compile(r"^.*?\d+/\d+ nodes are available:?\s*", re.DOTALL)
_PARTS: Final = re.compile(r",\s*(?=\d+ |pod |persistentvolumeclaim)")
_CONTROL_PLANE: Final = re.compile(r"taints?\(?s?\)? \{node-role\.kubernetes\.io/(?:control-plane|master)\b")

RULES: Final = (
    Rule(
        Reason.VOLUME_ZONE_CONFLICT,
        "plug-ins VolumeBinding and VolumeZone; the second wording is that of 1.35",
        text_like(
            r"volume node affinity conflict|didn't match PersistentVolume's node affinity|no available volume zone"
        ),
    ),
    Rule(
        Reason.VOLUME_CLAIM_NOT_BOUND,
        "plug-in VolumeBinding: a claim that is missing, unbound, or finds no volume",
        text_like(
            r"persistentvolumeclaims? \S+ (?:not found|is being deleted)|unbound (?:immediate )?PersistentVolumeClaim"
            r"|didn't find available persistent volumes|bound to non-existent|did not have enough free storage"
            r"|persistentvolumeclaim"
        ),
        unless=text_like(r"ReadWriteOncePod"),
    ),
    Rule(
        Reason.VOLUME_ATTACH_FAILED,
        "plug-ins VolumeRestrictions and NodeVolumeLimits",
        text_like(r"ReadWriteOncePod|no available disk|exceed max volume count"),
    ),
    Rule(
        Reason.INSUFFICIENT_GPU,
        "plug-in NodeResourcesFit for a GPU or a slice of one; plug-in DynamicResources for a device",
        text_like(
            r"insufficient [\w.-]+/(?:gpu|mig-|shared|vgpu|mps)[\w.-]*|insufficient [\w.-]*gpu[\w./-]*"
            r"|cannot allocate all claims|resourceclaim|device ?class"
        ),
    ),
    Rule(
        Reason.INSUFFICIENT_NODE_RESOURCES,
        "plug-in NodeResourcesFit, and a cluster without nodes",
        text_like(r"insufficient [\w.-]+|too many pods|no nodes available to schedule"),
    ),
    Rule(
        Reason.PORT_IN_USE,
        "plug-in NodePorts",
        text_like(r"didn't have free ports"),
    ),
    Rule(
        Reason.UNTOLERATED_TAINT,
        "plug-in TaintToleration; the second wording is that of 1.19 and before, the third names no taint",
        text_like(r"untolerated taint\(?s?\)?|that the pod didn't tolerate"),
        unless=re.compile(r"\{node(?:\.cloudprovider)?\.kubernetes\.io/|\{ToBeDeletedByClusterAutoscaler"),
    ),
    Rule(
        Reason.NODE_NOT_READY,
        "taints of the system (kubernetes.io/docs/reference/labels-annotations-taints) and cordoned nodes",
        text_like(
            r"were unschedulable|were not ready|\{node(?:\.cloudprovider)?\.kubernetes\.io/|ToBeDeletedBy"
            r"|had (?:disk|memory|pid) pressure|out of disk"
        ),
    ),
    Rule(
        Reason.NODE_SELECTOR_MISMATCH,
        "plug-ins NodeAffinity, NodeName, InterPodAffinity and PodTopologySpread",
        text_like(
            r"didn't match|didn't satisfy|did not match|node affinity|node selector|topology spread|anti-affinity"
        ),
    ),
)


def unscheduled(evidence: Evidence) -> Diagnosis | None:
    """Return why a pod has no node, or that a node is being made for it."""
    pod = evidence.pod
    if pod is None or pod.scheduled is True or pod.containers:
        return None
    if pod.gated:
        names = ", ".join(f"'{name}'" for name in pod.scheduling_gates)
        named = f" ({names})" if names else ""
        return Diagnosis(
            reason=Reason.SCHEDULING_GATED, message=f"no node is looked for as long as it has scheduling gates{named}."
        )
    told = evidence.told("FailedScheduling", kind="Pod") or evidence.told("FailedScheduling")
    said = pod.unschedulable or (told[0].message if told and not evidence.told("Scheduled") else "")
    if not said:
        return None
    if coming := node_coming(evidence):
        return Diagnosis(reason=Reason.STILL_STARTING, message=f"{COMING}: {coming}. So far: {_short(said)}")
    return explain(said, evidence)


def node_coming(evidence: Evidence) -> str:
    """Return what a scaler of nodes says while it adds one (cluster-autoscaler, Karpenter, GKE); empty: it does not."""
    for event in evidence.events:
        # Events come newest first: what failed or was given up after the start of it counts more.
        if event.reason in {"NotTriggerScaleUp", "FailedScaleUp", "ScaleUpTimedOut", "ScaleUpFailed"}:
            return ""
        if event.reason in {"TriggeredScaleUp", "Nominated", "NodeClaimCreated", "ProvisioningRequested"}:
            is_late = evidence.read_at is not None and evidence.read_at - event.at > timedelta(seconds=NODE_SECONDS)
            return "" if is_late else shorten(event.message or event.reason, QUOTE_LIMIT // 2).rstrip(".")
    return ""


def explain(said: str, evidence: Evidence) -> Diagnosis:
    """Return what a sentence of the scheduler means; events about the claim say more than it does."""
    parts = [part for part in _PARTS.split(_HEAD.sub("", _PREEMPTION.sub("", said))) if part]
    # Nobody wants the engine on a control plane, so its taint is not what keeps the pod away.
    concerned = [part for part in parts if not _CONTROL_PLANE.search(part)] or parts
    found = first(RULES, concerned)
    message = _short(said)
    if found is None:
        return Diagnosis(reason=Reason.UNSCHEDULABLE, message=message)
    if found.reason is Reason.VOLUME_CLAIM_NOT_BOUND:
        claims = evidence.told("ProvisioningFailed", "FailedBinding", "ClaimMisbound", "ExternalProvisioning")
        if claims:
            message += f" {claims[0].subject}: {shorten(claims[0].message, QUOTE_LIMIT // 2)}"
    return Diagnosis(reason=found.reason, message=message)


def _short(said: str) -> str:
    """Return the sentence without what it says of preemption, which is the same in every one."""
    return f"{shorten(_PREEMPTION.sub('', said), QUOTE_LIMIT).rstrip('.')}."
