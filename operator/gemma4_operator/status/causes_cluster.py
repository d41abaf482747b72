"""The causes that lie before the engine: nodes, volumes, policies, images, the kubelet.

One reason stands for one cause. Four of them (`Unschedulable`, `ImagePullFailed`, `ContainerConfigError`,
`ChildRejected`) stand for a cluster that says no more than that something failed.
"""

from collections.abc import Mapping

from gemma4_operator.status.meanings import FixableBy, Meaning, cause

_USER, _ADMIN, _OPERATOR, _WAIT = FixableBy.USER, FixableBy.CLUSTER_ADMIN, FixableBy.OPERATOR, FixableBy.WAIT

CLUSTER_CAUSES: Mapping[str, Meaning] = {
    "SchedulingGated": cause(
        "The scheduler does not look for a node before the pod's scheduling gates are gone.",
        "Wait for whoever removes the named gates, such as a queue; if nobody does, take them out of "
        "`spec.podTemplatePatch`, or of the webhook that sets them.",
        _ADMIN,
        retryable=True,
    ),
    "InsufficientGPU": cause(
        "No node has enough free GPUs, or none offers any.",
        "Free or add GPUs, or widen `spec.placement`; if nodes with GPUs offer none, look at the device plugin.",
        _ADMIN,
        retryable=True,
    ),
    "InsufficientNodeResources": cause(
        "The nodes lack CPU, memory, local storage or room for one more pod.",
        "Ask for less in `spec.podTemplatePatch`, or make room on the nodes.",
        _ADMIN,
        retryable=True,
    ),
    "UntoleratedTaint": cause(
        "Every node that fits otherwise has a taint that the pod does not tolerate.",
        "Tolerate the named taint in `spec.placement` or `spec.podTemplatePatch`, or remove the taint.",
        _USER,
        retryable=False,
    ),
    "NodeSelectorMismatch": cause(
        "No node has the labels that the pod asks for.",
        "Widen `spec.placement`, or label the nodes; labels of GPUs need NVIDIA's feature discovery.",
        _USER,
        retryable=False,
    ),
    "Unschedulable": cause(
        "No node can take a pod, for a cause of no other name.",
        "Read the scheduler's words in the message.",
        _ADMIN,
        retryable=True,
    ),
    "VolumeZoneConflict": cause(
        "The volume lies in a zone or on a node where the pod cannot run.",
        "Make the claim anew with a StorageClass that binds on first use (WaitForFirstConsumer), share the storage, or "
        "provide GPUs where the volume is.",
        _ADMIN,
        retryable=False,
    ),
    "VolumeClaimNotBound": cause(
        "A claim that the pod names is missing or has no volume yet.",
        "Create the claim, name a StorageClass that exists, or install a provisioner.",
        _ADMIN,
        retryable=True,
    ),
    "VolumeAttachFailed": cause(
        "A volume exists and cannot be attached or mounted on the node.",
        "If another node holds the volume, use ReadWriteMany storage or stop the other pod; otherwise look at the "
        "storage driver or the file server.",
        _ADMIN,
        retryable=True,
    ),
    "Preempted": cause(
        "The pod had to make room for one of higher priority.",
        "Wait until GPUs are free, or give the pods a higher PriorityClass.",
        _WAIT,
        retryable=True,
    ),
    "QuotaExceeded": cause(
        "A ResourceQuota or LimitRange of the namespace refuses the pod.",
        "Raise or free the quota, or ask for no more than it allows.",
        _ADMIN,
        retryable=False,
    ),
    "PodSecurityViolation": cause(
        "A security policy refuses the pod.",
        "Set the named fields in `spec.podTemplatePatch`, or let the namespace or the service account use a policy "
        "that permits them.",
        _ADMIN,
        retryable=False,
    ),
    "ChildRejected": cause(
        "The API server refuses an object that the operator wants to write, or the pods of its Deployment.",
        "Read the message: a quota, a policy or `spec.podTemplatePatch` is the usual cause.",
        _USER,
        retryable=False,
    ),
    "ImageNotFound": cause(
        "The image's name or tag does not exist or cannot be read.",
        "Correct `spec.engine.image`; tags of nightly builds go away, so name a release or a digest.",
        _USER,
        retryable=False,
    ),
    "ImagePullUnauthorized": cause(
        "The registry wants other credentials than it was given.",
        "Make a pull secret with a valid key and name it in `spec.secrets.imagePullSecrets`.",
        _USER,
        retryable=False,
    ),
    "ImageEntitlementRequired": cause(
        "The key is valid, and its organisation may not have this image.",
        "Accept the model's terms with the key's organisation, or use the key of one that has the subscription.",
        _USER,
        retryable=False,
    ),
    "ImagePullRateLimited": cause(
        "The registry limits pulls; the kubelet goes on trying.",
        "Wait for the limit to pass, or pull with an account or from a mirror.",
        _WAIT,
        retryable=True,
    ),
    "ImagePlatformMismatch": cause(
        "The image was built for another processor than the node's.",
        "Name an image for the node's architecture, or choose nodes of the image's.",
        _USER,
        retryable=False,
    ),
    "ImagePullFailed": cause(
        "A node cannot get the image and does not say why.",
        "Check the image's name and `spec.secrets.imagePullSecrets`, and read the pod's events.",
        _USER,
        retryable=True,
    ),
    "NodeDiskFull": cause(
        "The node's disk has no room to unpack the image.",
        "Free the node's disk or enlarge it; images with CUDA take 10 to 25 GB unpacked.",
        _ADMIN,
        retryable=True,
    ),
    "SecretOrConfigMissing": cause(
        "A Secret, ConfigMap or ServiceAccount that the pod names, or a key in it, does not exist.",
        "Create it in the pod's namespace, or correct the name or the key.",
        _USER,
        retryable=False,
    ),
    "ContainerConfigError": cause(
        "A container cannot be made, for a cause of no other name.",
        "Read the kubelet's words in the message.",
        _USER,
        retryable=True,
    ),
    "GPURuntimeMissing": cause(
        "The container has no GPU because NVIDIA's runtime is missing or not used.",
        "Install the container toolkit and the RuntimeClass, and name it in `spec.placement.runtimeClassName` where it "
        "is not the default.",
        _ADMIN,
        retryable=False,
    ),
    "GPUDriverIncompatible": cause(
        "The node's NVIDIA driver is missing, too old for the image, or does not match its libraries.",
        "Update or reload the driver, or use an image for an older CUDA.",
        _ADMIN,
        retryable=False,
    ),
    "KubeletRejectedPod": cause(
        "The chosen node's kubelet refused the pod; such a pod never runs.",
        "Delete the failed pod; if it comes again on one node, look at the node's device plugin.",
        _OPERATOR,
        retryable=True,
    ),
    "Evicted": cause(
        "The kubelet evicted the pod: the node ran low, or the pod broke its limit of local storage.",
        "Ask for what the pod uses in `resources.requests` (`memory`, `ephemeral-storage`) of its containers in "
        "`spec.podTemplatePatch`, and keep downloads on a volume with `spec.cache.claim`.",
        _USER,
        retryable=True,
    ),
    "ReadinessGateUnmet": cause(
        "All containers are ready, and a condition that others set keeps the pod from serving.",
        "Look at the controller that sets the named condition; if none does, take the gate out of "
        "`spec.podTemplatePatch`, or of the webhook that sets it.",
        _ADMIN,
        retryable=True,
    ),
    "NodeNotReady": cause(
        "The node is lost, not ready, shut down, cordoned or under a taint of the system.",
        "Bring the node back or remove it; the pod is replaced elsewhere when there is room.",
        _ADMIN,
        retryable=True,
    ),
}
