# ruff: noqa: E501  -- lines of programs stand as they are printed
"""Before a pod runs: the scheduler and admission."""

from gemma4_operator.status.reasons import Reason
from tests.unit.status.failures import (
    Failure,
    event,
    failed,
    pending,
    refused,
)

SCHEDULING = {
    "DRA": pending(
        "0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, preemption: 0/2",
        reason=Reason.INSUFFICIENT_GPU,
    ),
    "AMD": pending(
        "0/2 nodes are available: 1 Insufficient memory, 2 Insufficient amd.com/gpu.",
        reason=Reason.INSUFFICIENT_GPU,
        mention=("2 Insufficient amd.com/gpu",),
    ),
    "time slices": pending(
        "0/2 nodes are available: 2 Insufficient nvidia.com/gpu.shared.", reason=Reason.INSUFFICIENT_GPU
    ),
    "too many pods": pending(
        "0/2 nodes are available: 2 Too many pods. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.",
        reason=Reason.INSUFFICIENT_NODE_RESOURCES,
    ),
    "old taint": pending(
        "0/3 nodes are available: 1 node(s) had taint {node-role.kubernetes.io/master: }, that the pod didn't tolerate, 2 node(s) had taint {nvidia.com/gpu: present}, that the pod didn't tolerate.",
        reason=Reason.UNTOLERATED_TAINT,
        mention=("nvidia.com/gpu",),
    ),
    "control plane and selector": pending(
        "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 node(s) didn't match Pod's node affinity/selector.",
        reason=Reason.NODE_SELECTOR_MISMATCH,
    ),
    "GPU node not ready beside others": pending(
        "0/3 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }, 2 node(s) didn't match Pod's node affinity/selector.",
        reason=Reason.NODE_NOT_READY,
        mention=("not-ready",),
    ),
    "cordoned": pending("0/1 nodes are available: 1 node(s) were unschedulable.", reason=Reason.NODE_NOT_READY),
    "GPUs before taints": pending(
        "0/4 nodes are available: 1 node(s) had untolerated taint {team: a}, 3 Insufficient nvidia.com/gpu.",
        reason=Reason.INSUFFICIENT_GPU,
    ),
    "affinity of pods": pending(
        "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.", reason=Reason.NODE_SELECTOR_MISMATCH
    ),
    "new volume wording": pending(
        "0/3 nodes are available: 3 node(s) didn't match PersistentVolume's node affinity.",
        reason=Reason.VOLUME_ZONE_CONFLICT,
    ),
    "unbound": pending(
        "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
        event(
            "ProvisioningFailed",
            'storageclass.storage.k8s.io "fast-nvme" not found',
            "PersistentVolumeClaim",
            "weights",
        ),
        reason=Reason.VOLUME_CLAIM_NOT_BOUND,
        mention=("fast-nvme", "weights"),
    ),
    "no static volume": pending(
        "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.",
        reason=Reason.VOLUME_CLAIM_NOT_BOUND,
    ),
    "volume of a zone and GPUs": pending(
        "0/5 nodes are available: 2 Insufficient nvidia.com/gpu, 3 node(s) had volume node affinity conflict.",
        reason=Reason.VOLUME_ZONE_CONFLICT,
    ),
    "a port of the host": pending(
        "0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports.",
        reason=Reason.PORT_IN_USE,
    ),
    "scale-up": pending(
        "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
        event("TriggeredScaleUp", "pod triggered scale-up: [{gpu-pool 0->1 (max: 4)}]"),
        reason=Reason.STILL_STARTING,
        mention=("gpu-pool",),
    ),
    "Karpenter": pending(
        "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
        event("Nominated", "Pod should schedule on: nodeclaim/gpu-x7k2p"),
        reason=Reason.STILL_STARTING,
    ),
    "no scale-up": pending(
        "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
        event("NotTriggerScaleUp", "pod didn't trigger scale-up: 1 max node group size reached"),
        reason=Reason.INSUFFICIENT_GPU,
    ),
    "scheduling gates": Failure(
        Reason.SCHEDULING_GATED,
        ("scheduling gates",),
        {
            "phase": "Pending",
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "SchedulingGated",
                    "message": "Scheduling is blocked due to non-empty scheduling gates",
                }
            ],
        },
    ),
    "unknown plug-in": pending(
        "0/3 nodes are available: 3 node(s) are reserved by the batch system.", reason=Reason.UNSCHEDULABLE
    ),
}

ADMISSION = {
    "quota": refused(
        'pods "chat-5d8c-x" is forbidden: exceeded quota: gpu-quota, requested: requests.nvidia.com/gpu=2, used: requests.nvidia.com/gpu=7, limited: requests.nvidia.com/gpu=8',
        Reason.QUOTA_EXCEEDED,
        "gpu-quota",
        "nvidia.com/gpu=2",
    ),
    "quota wants limits": refused(
        'pods "chat-5d8c-x" is forbidden: failed quota: compute: must specify limits.cpu for: engine',
        Reason.QUOTA_EXCEEDED,
        "limits.cpu",
    ),
    "limit range": refused(
        'pods "x" is forbidden: [maximum memory usage per Pod is 64Gi, but limit is 100Gi, minimum cpu usage per Container is 1, but request is 100m]',
        Reason.QUOTA_EXCEEDED,
        "64Gi",
    ),
    "SCC": refused(
        'pods "chat-5d8c-" is forbidden: unable to validate against any security context constraint: [provider "anyuid": Forbidden: not usable by user or serviceaccount, spec.volumes[0]: Invalid value: "hostPath"]',
        Reason.POD_SECURITY_VIOLATION,
        "security context constraint",
    ),
    "Kyverno": refused(
        'admission webhook "validate.kyverno.svc-fail" denied the request: policy Pod/team/chat for resource violation: require-run-as-nonroot',
        Reason.POD_SECURITY_VIOLATION,
        "require-run-as-nonroot",
    ),
    "service account": refused(
        'pods "x" is forbidden: error looking up service account team/llm: serviceaccount "llm" not found',
        Reason.SECRET_OR_CONFIG_MISSING,
        "llm",
    ),
    "runtime class": refused(
        'pods "x" is forbidden: pod rejected: RuntimeClass "nvidia" not found', Reason.GPU_RUNTIME_MISSING, "nvidia"
    ),
    "claim": Failure(
        Reason.VOLUME_CLAIM_NOT_BOUND,
        ("weights",),
        None,
        (
            event(
                "FailedBinding",
                "no persistent volumes available for this claim and no storage class is set",
                "PersistentVolumeClaim",
                "weights",
            ),
        ),
    ),
    "job past its deadline": Failure(
        Reason.DOWNLOAD_JOB_FAILED,
        ("weights",),
        None,
        (event("DeadlineExceeded", "Job was active longer than specified deadline", "Job", "weights"),),
    ),
    "out of GPUs": failed(
        "OutOfnvidia.com/gpu",
        "Pod was rejected: Node didn't have enough resource: nvidia.com/gpu, requested: 1, used: 8, capacity: 8",
        Reason.KUBELET_REJECTED_POD,
        "nvidia.com/gpu",
    ),
    "affinity lost": failed(
        "NodeAffinity",
        "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
        Reason.KUBELET_REJECTED_POD,
    ),
    "no healthy device": failed(
        "UnexpectedAdmissionError",
        "Allocate failed due to no healthy devices present; cannot allocate unhealthy devices nvidia.com/gpu, which is unexpected",
        Reason.KUBELET_REJECTED_POD,
    ),
    "topology": failed(
        "TopologyAffinityError", "Resources cannot be allocated with Topology locality", Reason.KUBELET_REJECTED_POD
    ),
    "evicted for memory": failed(
        "Evicted",
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 60Mi. Container engine was using 40Gi, request is 0, has larger consumption of memory. ",
        Reason.EVICTED,
        "memory",
    ),
    "shutdown": failed(
        "Terminated", "Pod was terminated in response to imminent node shutdown.", Reason.NODE_NOT_READY, "shutdown"
    ),
    "lost": failed(
        "NodeLost", "Node gpu-7 which was running pod chat-1 is unresponsive", Reason.NODE_NOT_READY, "gpu-7"
    ),
}
