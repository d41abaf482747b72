"""The causes that show once a container runs: memory, model, configuration, storage, network.

One reason stands for one cause; `EngineCrashed` stands for an engine that ends and names none.
"""

from collections.abc import Mapping

from gemma4_operator.status.meanings import FixableBy, Meaning, cause

_USER, _ADMIN, _OPERATOR, _WAIT = FixableBy.USER, FixableBy.CLUSTER_ADMIN, FixableBy.OPERATOR, FixableBy.WAIT

ENGINE_CAUSES: Mapping[str, Meaning] = {
    "GPUMemoryInUse": cause(
        "Something else holds memory of the GPU, so the engine does not start.",
        "Find the other process on the GPU and end it. Where others use it on purpose, let the device plugin offer the "
        "GPU as a shared one and set `spec.placement.allowSharedGPUs`: plans then leave them their part.",
        _USER,
        retryable=True,
    ),
    "GPUOutOfMemory": cause(
        "The weights or working buffers do not fit the GPU's memory.",
        "Choose a smaller `spec.model.quantization`, lower `spec.capabilities.contextTokens`, or take more or larger "
        "GPUs with `spec.placement.gpusPerReplica` or `gpuProducts`.",
        _USER,
        retryable=False,
    ),
    "KVCacheTooSmall": cause(
        "The weights fit, and what is left cannot hold the cache of one request of full length.",
        "Lower `spec.capabilities.contextTokens`, choose a smaller `spec.model.quantization`, or take more or larger "
        "GPUs with `spec.placement.gpusPerReplica` or `gpuProducts`.",
        _USER,
        retryable=False,
    ),
    "HardwareUnsupported": cause(
        "The GPU or the processor cannot run the number format or the build.",
        "Choose a quantization and a data type that the GPU supports, or another node.",
        _USER,
        retryable=False,
    ),
    "ModelUnsupportedByEngine": cause(
        "This version of the engine does not know the model.",
        "Use a newer image, or another engine.",
        _USER,
        retryable=False,
    ),
    "CredentialsInvalid": cause(
        "The model hub does not accept the key or token, or there is none.",
        "Put a valid key into the Secret of `spec.secrets`; NGC's begin with nvapi-, Hugging Face's with hf_.",
        _USER,
        retryable=False,
    ),
    "ModelAccessDenied": cause(
        "The account is known and may not have this model.",
        "Accept the model's terms with this account, or use a key of one that has access.",
        _USER,
        retryable=False,
    ),
    "ModelNotFound": cause(
        "The hub has no model, revision or file of that name.",
        "Correct the name or the revision in `spec.model.checkpoint`.",
        _USER,
        retryable=False,
    ),
    "ModelFilesMissing": cause(
        "The files are not where the engine looks, in a path or in its cache.",
        "Bring the files to the path that the engine reads, or correct the path.",
        _USER,
        retryable=False,
    ),
    "ModelFilesCorrupt": cause(
        "A file of the weights is cut off or damaged, or only a pointer to the real one.",
        "Delete the damaged file and download it again; compare its size or checksum.",
        _OPERATOR,
        retryable=True,
    ),
    "NoCompatibleProfile": cause(
        "The NIM has no profile for these GPUs, or not the one that is asked for.",
        "List the profiles of the image and name one that is compatible, or use other GPUs.",
        _USER,
        retryable=False,
    ),
    "SharedMemoryTooSmall": cause(
        "/dev/shm is too small for the workers of an engine on several GPUs.",
        "Mount an emptyDir in memory at /dev/shm, the volume `shm` in `spec.podTemplatePatch`: 16 to 32 GiB for NIM, "
        "a few GiB for vLLM.",
        _USER,
        retryable=False,
    ),
    "NCCLFailure": cause(
        "The GPUs cannot talk to each other.",
        "Check driver, NVLink, fabric manager and IOMMU; try without peer-to-peer (NCCL_P2P_DISABLE=1).",
        _ADMIN,
        retryable=False,
    ),
    "InvalidEngineConfig": cause(
        "An argument, variable, template or command of the engine is wrong for this model or version.",
        "Correct what the message names.",
        _USER,
        retryable=False,
    ),
    "PortInUse": cause(
        "The engine's port is taken.",
        "Choose another port; on the host's network only one server per node can have it.",
        _USER,
        retryable=False,
    ),
    "CacheNotWritable": cause(
        "The container's user may not write where the engine keeps its files.",
        "Set fsGroup or mount a volume that can be written; a cache must not be read-only.",
        _USER,
        retryable=False,
    ),
    "CacheDiskFull": cause(
        "The volume for the model's files is full.",
        "Enlarge `spec.cache.claim.size` to 1.2 times the weights or more, or clear the claim; without `spec.cache` "
        "the files lie on the node's disk: free some of it, or set `spec.cache.claim`.",
        _USER,
        retryable=False,
    ),
    "HostOutOfMemory": cause(
        "Main memory, not the GPU's, was too small for the engine.",
        "Raise `resources.limits.memory` where `spec.podTemplatePatch` or a LimitRange sets it; where nothing does, "
        "the node was full: raise `resources.requests.memory` there, or choose a smaller `spec.model.quantization`.",
        _USER,
        retryable=False,
    ),
    "ProbeKilledDuringStart": cause(
        "The kubelet killed the container because a probe failed while it was still starting.",
        "Give the startup probe the time that the weights' size needs, more on slow storage: its `failureThreshold` in "
        "`spec.podTemplatePatch`.",
        _OPERATOR,
        retryable=True,
    ),
    "ProbeKilled": cause(
        "The kubelet killed a container that had started, because it no longer answered its liveness probe.",
        "It is started again. Read `kubectl logs --previous` of the named pod for why it hung; if it hangs again, take "
        "another version of the engine, or fewer requests at once.",
        _USER,
        retryable=True,
    ),
    "NotAnswering": cause(
        "A container has started and does not answer its readiness probe, so its pod gets no requests.",
        "Read the container's log. An engine is started again once its liveness probe has failed for minutes; if that "
        "one passes, delete the pod, or correct the readiness probe if `spec.podTemplatePatch` set it.",
        _USER,
        retryable=True,
    ),
    "GPUHardwareFault": cause(
        "The GPU itself failed.",
        "Cordon the node, reset the GPU or reboot; replace the GPU if the fault returns.",
        _ADMIN,
        retryable=False,
    ),
    "DownloadStalled": cause(
        "A download makes no progress, and prints no error.",
        "Start the download again, it resumes; switch off the accelerated transfer if it stalls again.",
        _OPERATOR,
        retryable=True,
    ),
    "NetworkUnreachable": cause(
        "The registry or the model hub cannot be reached.",
        "Check DNS, rules for outgoing traffic and the proxy, or use a mirror.",
        _ADMIN,
        retryable=True,
    ),
    "TLSUntrusted": cause(
        "A certificate on the way is not trusted.",
        "Give the pod, or the node's container runtime, the certificate of the authority.",
        _ADMIN,
        retryable=False,
    ),
    "DownloadJobFailed": cause(
        "The download's Job has given up, and nothing more is known.",
        "Read the log of its last pod; raise the deadline for large weights, then start the Job again.",
        _USER,
        retryable=False,
    ),
    "LifecycleHookFailed": cause(
        "A hook after the start failed, and the kubelet killed the container.",
        "Let the hook wait for the server, or do its work in an init container.",
        _USER,
        retryable=True,
    ),
    "EngineCrashed": cause(
        "The engine ended, and its last lines name no known cause.",
        "Read `kubectl logs --previous` of the named pod.",
        _USER,
        retryable=True,
    ),
    "StillStarting": cause(
        "No failure: the image, the weights or the nodes are on their way.",
        "Wait; large weights take minutes.",
        _WAIT,
        retryable=True,
    ),
}
