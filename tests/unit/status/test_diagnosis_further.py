# ruff: noqa: E501  -- lines of programs stand as they are printed
"""Causes in other words than the field cases: other versions, other programs, other kubelets."""

from typing import Any

import pytest

from gemma4_operator.status.diagnosis.cause import find_cause
from gemma4_operator.status.evidence import gather
from gemma4_operator.status.reasons import Reason
from tests.unit.status.failures import (
    Failure,
    crash,
    event,
    failed,
    image,
    job,
    pending,
    refused,
    running,
    unmade,
    unprepared,
)

_TAIL = (
    "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}"
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

IMAGES = {
    "Docker Hub scope": image(
        'failed to pull and unpack image "docker.io/vllm/private:1": failed to resolve reference "docker.io/vllm/private:1": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
        Reason.IMAGE_PULL_UNAUTHORIZED,
        "insufficient_scope",
    ),
    "tag gone": image(
        'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/vllm/vllm-openai:v0.32.0": failed to resolve reference "docker.io/vllm/vllm-openai:v0.32.0": docker.io/vllm/vllm-openai:v0.32.0: not found',
        Reason.IMAGE_NOT_FOUND,
        "not found",
        by="event",
    ),
    "bad name": image(
        'Failed to apply default image tag "vllm/vllm-openai:": couldn\'t parse image name "vllm/vllm-openai:": invalid reference format',
        Reason.IMAGE_NOT_FOUND,
        waiting="InvalidImageName",
    ),
    "never": image(
        'Container image "vllm/vllm-openai:v0.32.0" is not present with pull policy of Never',
        Reason.IMAGE_NOT_FOUND,
        waiting="ErrImageNeverPull",
    ),
    "NGC payment": image(
        'failed to resolve reference "nvcr.io/nim/google/gemma-4-31b-it:2.1.5": unexpected status from HEAD request to https://nvcr.io/v2/nim/google/gemma-4-31b-it/manifests/2.1.5: 402 Payment Required',
        Reason.IMAGE_ENTITLEMENT_REQUIRED,
        "402",
    ),
    "NGC denied": image(
        'failed to resolve reference "nvcr.io/nim/google/gemma:1": unexpected status code 403: {"errors": [{"code": "DENIED", "message": "Access Denied"}]}',
        Reason.IMAGE_ENTITLEMENT_REQUIRED,
    ),
    "GHCR": image(
        "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=repository%3Aggml-org%2Fllama.cpp%3Apull&service=ghcr.io: 403 Forbidden",
        Reason.IMAGE_PULL_UNAUTHORIZED,
        "403",
    ),
    "CRI-O unauthorized": image(
        "reading manifest latest in registry.example.com/a/b: unauthorized: authentication required",
        Reason.IMAGE_PULL_UNAUTHORIZED,
    ),
    "CRI-O manifest": image(
        "reading manifest v9 in registry.example.com/a/b: manifest unknown", Reason.IMAGE_NOT_FOUND
    ),
    "ECR": image(
        'failed to resolve reference "1.dkr.ecr.eu-west-1.amazonaws.com/vllm:1": pulling from host 1.dkr.ecr.eu-west-1.amazonaws.com failed with status code [manifests 1]: 401 Unauthorized: no basic auth credentials',
        Reason.IMAGE_PULL_UNAUTHORIZED,
        by="event",
    ),
    "kubelet's own limit": image("pull QPS exceeded", Reason.IMAGE_PULL_RATE_LIMITED),
    "quay 429": image("reading manifest: toomanyrequests: too many requests", Reason.IMAGE_PULL_RATE_LIMITED),
    "platform": image(
        'failed to pull and unpack image "docker.io/vllm/vllm-openai:v0.32.0": no match for platform in manifest: not found',
        Reason.IMAGE_PLATFORM_MISMATCH,
        by="event",
    ),
    "platform, Docker": image(
        "no matching manifest for linux/arm64/v8 in the manifest list entries", Reason.IMAGE_PLATFORM_MISMATCH, "arm64"
    ),
    "disk": image(
        "failed to extract layer sha256:0a: write /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/88/fs/usr/lib/libcublas.so: no space left on device",
        Reason.NODE_DISK_FULL,
        by="event",
    ),
    "timeout": image(
        'failed to do request: Head "https://registry-1.docker.io/v2/vllm/vllm-openai/manifests/v0.32.0": dial tcp 34.1.2.3:443: i/o timeout',
        Reason.NETWORK_UNREACHABLE,
        "registry-1.docker.io",
    ),
    "refused": image(
        'failed to do request: Head "https://registry.example.com/v2/x/manifests/1": dial tcp 10.0.0.5:443: connect: connection refused',
        Reason.NETWORK_UNREACHABLE,
    ),
    "certificate expired": image(
        'failed to do request: Head "https://r.example.com/v2/": tls: failed to verify certificate: x509: certificate has expired or is not yet valid',
        Reason.TLS_UNTRUSTED,
    ),
    "says nothing": image(
        'Back-off pulling image "vllm/vllm-openai:v0.32.0"', Reason.IMAGE_PULL_FAILED, waiting="ImagePullBackOff"
    ),
    "digits in a tag mean nothing": image(
        'failed to resolve reference "registry.example.com/vllm-403:v1.401": registry.example.com/vllm-403:v1.401: not found',
        Reason.IMAGE_NOT_FOUND,
    ),
}

CREATION = {
    "secret": unmade(
        'secret "hf-token" not found', Reason.SECRET_OR_CONFIG_MISSING, "hf-token", waiting="CreateContainerConfigError"
    ),
    "config map": unmade(
        'configmap "templates" not found',
        Reason.SECRET_OR_CONFIG_MISSING,
        "templates",
        waiting="CreateContainerConfigError",
    ),
    "root": unmade(
        "container has runAsNonRoot and image will run as root (pod: chat-1, container: engine)",
        Reason.POD_SECURITY_VIOLATION,
        waiting="CreateContainerConfigError",
    ),
    "CDI": unmade(
        "failed to generate spec: failed to inject CDI devices: unresolvable CDI devices nvidia.com/gpu=0",
        Reason.GPU_RUNTIME_MISSING,
    ),
    "no driver": unmade(
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: error running prestart hook #0: exit status 1, stdout: , stderr: Auto-detected mode as 'legacy' nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1: cannot open shared object file: no such file or directory: unknown",
        Reason.GPU_DRIVER_INCOMPATIBLE,
        "libnvidia-ml",
        waiting="RunContainerError",
    ),
    "driver mismatch": unmade(
        "nvidia-container-cli: initialization error: nvml error: driver/library version mismatch: unknown",
        Reason.GPU_DRIVER_INCOMPATIBLE,
        waiting="RunContainerError",
    ),
    "hook missing": unmade(
        'OCI runtime create failed: unable to retrieve OCI runtime error: exec: "nvidia-container-runtime-hook": executable file not found in $PATH: unknown',
        Reason.GPU_RUNTIME_MISSING,
        waiting="RunContainerError",
    ),
    "command": unmade(
        'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "vllm serve": executable file not found in $PATH: unknown',
        Reason.INVALID_ENGINE_CONFIG,
        "vllm serve",
        waiting="RunContainerError",
    ),
    "no command": unmade("no command specified", Reason.INVALID_ENGINE_CONFIG),
    "memory of init": unmade(
        "container init was OOM-killed (memory limit too low?): unknown",
        Reason.HOST_OUT_OF_MEMORY,
        waiting="RunContainerError",
    ),
    "volume secret": unprepared(
        "FailedMount",
        'MountVolume.SetUp failed for volume "token" : secret "ngc-api" not found',
        Reason.SECRET_OR_CONFIG_MISSING,
        "ngc-api",
    ),
    "volume key": unprepared(
        "FailedMount",
        'MountVolume.SetUp failed for volume "token" : references non-existent secret key: HF_TOKEN',
        Reason.SECRET_OR_CONFIG_MISSING,
        "HF_TOKEN",
    ),
    "CSI": unprepared(
        "FailedMount",
        'MountVolume.MountDevice failed for volume "pvc-1" : kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name ebs.csi.aws.com not found in the list of registered CSI drivers',
        Reason.VOLUME_ATTACH_FAILED,
        "ebs.csi.aws.com",
    ),
    "timed out": unprepared(
        "FailedMount",
        "Unable to attach or mount volumes: unmounted volumes=[cache], unattached volumes=[], failed to process volumes=[]: timed out waiting for the condition",
        Reason.VOLUME_ATTACH_FAILED,
        "cache",
    ),
    "attach": unprepared(
        "FailedAttachVolume",
        'AttachVolume.Attach failed for volume "pvc-2" : rpc error: code = Internal desc = Could not attach volume "vol-0a" to node "i-0b": attachment of disk failed, expected device to be attached but was busy',
        Reason.VOLUME_ATTACH_FAILED,
        "pvc-2",
    ),
    "sandbox runtime class": unprepared(
        "FailedCreatePodSandBox",
        'Failed to create pod sandbox: rpc error: code = Unknown desc = RuntimeHandler "nvidia" not supported',
        Reason.GPU_RUNTIME_MISSING,
    ),
    "network of the node": unprepared(
        "FailedCreatePodSandBox",
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "0a": plugin type="calico" failed (add): stat /var/lib/calico/nodename: no such file or directory',
        Reason.NODE_NOT_READY,
    ),
    "pulling": unprepared("Pulling", 'Pulling image "vllm/vllm-openai:v0.32.0"', Reason.STILL_STARTING, "vllm-openai"),
}

MEMORY = {
    "tokens": crash(
        Reason.KV_CACHE_TOO_SMALL,
        "ValueError: The model's max seq len (131072) is larger than the maximum number of tokens that can be stored in KV cache (45328). Try increasing `gpu_memory_utilization` or decreasing `max_model_len` when initializing the engine.",
        mention=("131072", "45328"),
    ),
    "GiB": crash(
        Reason.KV_CACHE_TOO_SMALL,
        "ERROR 11-20 [core.py:842] ValueError: To serve at least one request with the models's max seq len (262144), (20.00 GiB KV cache is needed, which is larger than the available KV cache memory (8.41 GiB). Based on the available memory, the estimated maximum model length is 110224.",
        _TAIL,
        mention=("20.00 GiB", "8.41 GiB"),
    ),
    "llama.cpp cache": crash(
        Reason.KV_CACHE_TOO_SMALL,
        "load_tensors:        CUDA0 model buffer size = 17021.31 MiB",
        "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 40960.00 MiB on device 0: cudaMalloc failed: out of memory",
        "alloc_tensor_range: failed to allocate CUDA0 buffer of size 42949672960",
        "llama_init_from_model: failed to initialize the context: failed to allocate buffer for kv cache",
        mention=("kv cache", "40960.00 MiB"),
    ),
    "llama.cpp compute": crash(
        Reason.GPU_OUT_OF_MEMORY,
        "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 2048.00 MiB on device 0: cudaMalloc failed: out of memory",
        "graph_reserve: failed to allocate compute buffers",
        "llama_init_from_model: failed to initialize the context: failed to allocate compute pp buffers",
    ),
    "sampler": crash(
        Reason.GPU_OUT_OF_MEMORY,
        "RuntimeError: CUDA out of memory occurred when warming up sampler with 1024 dummy requests. Please try lowering `max_num_seqs` or `gpu_memory_utilization` when initializing the engine.",
        _TAIL,
        mention=("max_num_seqs",),
    ),
    "old torch": crash(
        Reason.GPU_OUT_OF_MEMORY,
        "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 448.00 MiB. GPU 0 has a total capacity of 23.68 GiB of which 208.94 MiB is free. Including non-PyTorch memory, this process has 23.47 GiB memory in use.",
    ),
    "others hold the GPU": crash(
        Reason.GPU_MEMORY_IN_USE,
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB of which 1.10 GiB is free. Process 4242 has 70.20 GiB memory in use. Including non-PyTorch memory, this process has 7.80 GiB memory in use.",
    ),
    "profiling": crash(
        Reason.GPU_MEMORY_IN_USE,
        "AssertionError: Error in memory profiling. Initial free memory 30.1 GiB, current free memory 40.2 GiB. This happens when other processes sharing the same container release GPU memory while vLLM is profiling during initialization.",
    ),
    "Ollama": running(
        Reason.HOST_OUT_OF_MEMORY,
        'time=2026-09-01T03:12:40.118Z level=INFO source=sched.go:470 msg="Load failed" error="model requires more system memory (31.2 GiB) than is available (14.9 GiB)"',
        mention=("31.2 GiB", "14.9 GiB"),
    ),
    "ggml host": crash(
        Reason.HOST_OUT_OF_MEMORY,
        "ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 19327352832",
        "llama_model_load: error loading model: unable to allocate CPU buffer",
    ),
    "vLLM child": crash(
        Reason.HOST_OUT_OF_MEMORY,
        "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore_DP0': -9}",
    ),
    "OOMKilled now": Failure(
        Reason.HOST_OUT_OF_MEMORY,
        ("OOMKilled",),
        {
            "phase": "Failed",
            "containerStatuses": [
                {"name": "engine", "ready": False, "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
            ],
        },
    ),
    "shm": crash(
        Reason.SHARED_MEMORY_TOO_SMALL,
        "RuntimeError: unable to write to file </torch_271_123_0>: No space left on device (28)",
        code=1,
    ),
    "bus error": crash(
        Reason.SHARED_MEMORY_TOO_SMALL,
        "ERROR: Unexpected bus error encountered in worker. This might be caused by insufficient shared memory (shm).",
    ),
    "SIGBUS": crash(Reason.SHARED_MEMORY_TOO_SMALL, code=135),
}

DEVICES = {
    "too old": crash(
        Reason.GPU_DRIVER_INCOMPATIBLE,
        "RuntimeError: The NVIDIA driver on your system is too old (found version 12040). Please update your GPU driver",
        mention=("12040",),
    ),
    "insufficient": crash(
        Reason.GPU_DRIVER_INCOMPATIBLE,
        "ggml_cuda_init: failed to initialize CUDA: CUDA driver version is insufficient for CUDA runtime version",
        "CUDA error: CUDA driver version is insufficient for CUDA runtime version",
    ),
    "804": crash(
        Reason.GPU_DRIVER_INCOMPATIBLE,
        "RuntimeError: Unexpected error from cudaGetDeviceCount(). Error 804: forward compatibility was attempted on non supported HW",
    ),
    "PTX": crash(
        Reason.GPU_DRIVER_INCOMPATIBLE,
        "torch.AcceleratorError: CUDA error: the provided PTX was compiled with an unsupported toolchain.",
    ),
    "no driver in the container": crash(
        Reason.GPU_RUNTIME_MISSING,
        "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver from http://www.nvidia.com/Download/index.aspx",
    ),
    "libcuda": crash(
        Reason.GPU_RUNTIME_MISSING,
        "/app/llama-server: error while loading shared libraries: libcuda.so.1: cannot open shared object file: No such file or directory",
        code=127,
    ),
    "no GPUs": crash(Reason.GPU_RUNTIME_MISSING, "RuntimeError: No CUDA GPUs are available"),
    "sm_121": crash(
        Reason.HARDWARE_UNSUPPORTED,
        "torch.AcceleratorError: CUDA error: no kernel image is available for execution on the device",
    ),
    "ggml arch": crash(
        Reason.HARDWARE_UNSUPPORTED,
        "ggml-cuda.cu:71: ERROR: CUDA kernel mul_mat_q has no device code compatible with CUDA arch 520. ggml-cuda.cu was compiled for: 750,800,860",
    ),
    "triton": crash(
        Reason.HARDWARE_UNSUPPORTED,
        "ValueError(\"type fp8e4nv not supported in this architecture. The supported fp8 dtypes are ('fp8e4b15', 'fp8e5')\")",
    ),
    "AVX": crash(Reason.HARDWARE_UNSUPPORTED, "Illegal instruction (core dumped)", code=132),
    "SIGILL": crash(Reason.HARDWARE_UNSUPPORTED, code=132, mention=("SIGILL",)),
    "ptxas": crash(Reason.HARDWARE_UNSUPPORTED, "ptxas fatal   : Value 'sm_121a' is not defined for option 'gpu-name'"),
    "Xid 79": crash(Reason.GPU_HARDWARE_FAULT, "NVRM: Xid (PCI:0000:3b:00): 79, pid=1234, GPU has fallen off the bus."),
    "ECC": crash(
        Reason.GPU_HARDWARE_FAULT,
        "torch.AcceleratorError: CUDA error: uncorrectable ECC error encountered",
        "NCCL error: unhandled cuda error",
        mention=("ECC",),
    ),
    "NCCL": crash(
        Reason.NCCL_FAILURE,
        "RuntimeError: NCCL error: unhandled system error (run with NCCL_DEBUG=INFO for details)",
        _TAIL,
    ),
    "peer": crash(
        Reason.NCCL_FAILURE,
        "torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:3356, internal error - please report this issue to the NCCL developers, NCCL version 2.27.5",
    ),
}

MODELS = {
    "Gated and known": crash(
        Reason.MODEL_ACCESS_DENIED,
        "huggingface_hub.errors.GatedRepoError: 403 Client Error. (Request ID: Root=1)",
        "Cannot access gated repo for url https://huggingface.co/google/gemma-4-31B-it/resolve/main/config.json.",
        "Access to model google/gemma-4-31B-it is restricted and you are not in the authorized list. Visit https://huggingface.co/google/gemma-4-31B-it to ask for access.",
        mention=("google/gemma-4-31B-it",),
    ),
    "fine-grained": job(
        Reason.MODEL_ACCESS_DENIED,
        "huggingface_hub.errors.HfHubHTTPError: 403 Forbidden: Please enable access to public gated repositories in your fine-grained token settings to view this repository..",
    ),
    "bad token": job(
        Reason.CREDENTIALS_INVALID,
        "huggingface_hub.errors.HfHubHTTPError: 401 Client Error: Unauthorized for url: https://huggingface.co/api/models/google/gemma-4-E2B-it/revision/main",
        "Invalid credentials in Authorization header",
    ),
    "newline in the token": job(
        Reason.CREDENTIALS_INVALID, "httpx.LocalProtocolError: Illegal header value b'Bearer hf_abcDEF123456\\n'"
    ),
    "NGC key": crash(
        Reason.CREDENTIALS_INVALID,
        "ERROR 2026-05-11 09:12:03 nim_sdk.py:338] NGC_API_KEY is not set. Please provide an API key.",
    ),
    "llama.cpp 401": crash(
        Reason.CREDENTIALS_INVALID,
        "common_download_file_single_online: HEAD failed, status: 401",
        "error: failed to download model from Hugging Face",
    ),
    "revision": crash(
        Reason.MODEL_NOT_FOUND,
        "huggingface_hub.errors.RevisionNotFoundError: 404 Client Error. (Request ID: Root=1)",
        "Revision Not Found for url: https://huggingface.co/google/gemma-4-31B-it/resolve/v9/config.json.",
    ),
    "Ollama": crash(Reason.MODEL_NOT_FOUND, "pulling manifest", "Error: pull model manifest: file does not exist"),
    "llama.cpp 404": crash(
        Reason.MODEL_NOT_FOUND,
        'error from HF API (https://huggingface.co/v2/ggml-org/gemma-4-x/manifests/latest), response code: 404, data: {"error":"Repository not found"}',
    ),
    "GGUF missing": crash(
        Reason.MODEL_FILES_MISSING,
        "gguf_init_from_file: failed to open GGUF file '/models/gemma.gguf' (No such file or directory)",
        "llama_model_load: error loading model: llama_model_loader: failed to load model from /models/gemma.gguf",
        mention=("/models/gemma.gguf",),
    ),
    "no weights": crash(
        Reason.MODEL_FILES_MISSING,
        "RuntimeError: Cannot find any model weights with `/models/gemma-4-E4B-it`",
        mention=("/models/gemma-4-E4B-it",),
    ),
    "path as a name": crash(
        Reason.MODEL_FILES_MISSING,
        "huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/models/gemma-4'. Use `repo_type` argument if needed.",
    ),
    "offline": crash(
        Reason.MODEL_FILES_MISSING,
        "huggingface_hub.errors.OfflineModeIsEnabled: Cannot reach https://huggingface.co/api/models/google/gemma-4-E2B-it: offline mode is enabled. To disable it, please unset the `HF_HUB_OFFLINE` environment variable.",
    ),
    "digest": crash(
        Reason.MODEL_FILES_CORRUPT,
        "Error: digest mismatch, file must be downloaded again: want sha256:aa, got sha256:bb",
    ),
    "incomplete": crash(
        Reason.MODEL_FILES_CORRUPT,
        "safetensors_rust.SafetensorError: Error while deserializing header: incomplete metadata, file not fully covered",
        _TAIL,
    ),
    "magic": crash(
        Reason.MODEL_FILES_CORRUPT,
        "gguf_init_from_file_impl: invalid magic characters: 'vers', expected 'GGUF'",
        "llama_model_load: error loading model: llama_model_loader: failed to load model from /models/x.gguf",
    ),
    "consistency": job(
        Reason.MODEL_FILES_CORRUPT,
        "OSError: Consistency check failed: file should be of size 4969988176 but has size 1073741824 (model-00001-of-00002.safetensors).",
    ),
    "transformers": crash(
        Reason.MODEL_UNSUPPORTED_BY_ENGINE,
        "ValueError: The checkpoint you are trying to load has model type `gemma4` but Transformers does not recognize this architecture. This could be because of an issue with the checkpoint, or because your version of Transformers is out of date.",
        mention=("gemma4",),
    ),
    "vLLM": crash(
        Reason.MODEL_UNSUPPORTED_BY_ENGINE,
        "ValueError: Model architectures ['Gemma4ForConditionalGeneration'] are not supported for now. Supported architectures: dict_keys(['AquilaModel'])",
    ),
    "pydantic": crash(
        Reason.MODEL_UNSUPPORTED_BY_ENGINE,
        "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig",
        "  Value error, The checkpoint you are trying to load has model type `gemma4_unified` but Transformers does not recognize this architecture.",
    ),
    "tensors": crash(
        Reason.MODEL_UNSUPPORTED_BY_ENGINE,
        "llama_model_load: error loading model: done_getting_tensors: wrong number of tensors; expected 1247, got 1100",
    ),
    "projector": crash(
        Reason.MODEL_UNSUPPORTED_BY_ENGINE,
        "clip_init: failed to load model '/models/mmproj.gguf': load_hparams: unknown projector type: gemma4v",
    ),
    "NIM profile id": crash(
        Reason.NO_COMPATIBLE_PROFILE,
        "ERROR 2026-08-31 10:02:41 utils.py:21] Profile 'abc123' is not found in the manifest. Please check NIM_MODEL_PROFILE.",
    ),
    "NIM incompatible": crash(
        Reason.NO_COMPATIBLE_PROFILE, "ValueError: No compatible profiles found for the detected GPUs"
    ),
}

SEEN = {
    "device handle": crash(
        Reason.GPU_HARDWARE_FAULT, "Unable to determine the device handle for GPU0000:3B:00.0: Unknown Error"
    ),
    "fp8e4nv": crash(
        Reason.HARDWARE_UNSUPPORTED, "AssertionError: fp8e4nv data type is not supported on CUDA arch < 89"
    ),
    "reduction": crash(
        Reason.NCCL_FAILURE, "Failed: Cuda error /workspace/csrc/custom_all_reduce.cuh:368 'invalid argument'"
    ),
    "variable of llama.cpp": crash(
        Reason.INVALID_ENGINE_CONFIG,
        'error while handling environment variable "LLAMA_ARG_CTX_SIZE": stoi',
        mention=("LLAMA_ARG_CTX_SIZE",),
    ),
    "a Service's variable": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "ValueError: VLLM_PORT 'tcp://10.96.0.1:8000' appears to be a URI. This may be caused by a Kubernetes service discovery issue,check the warning in: https://docs.vllm.ai",
        mention=("VLLM_PORT",),
    ),
    "remote code": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "ValueError: The repository /models/x contains custom code which must be executed to correctly load the model. Please pass the argument `trust_remote_code=True` to allow custom code to be run.",
    ),
    "cache folder": crash(
        Reason.CACHE_NOT_WRITABLE,
        "There was a problem when trying to write in your cache folder (/.cache/huggingface/hub). You should set the environment variable TRANSFORMERS_CACHE to a writable directory.",
    ),
    "probe, its killing forgotten": Failure(
        Reason.PROBE_KILLED_DURING_START,
        ("Liveness",),
        crash(Reason.ENGINE_CRASHED, code=137).status,
        (event("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 503"),),
    ),
    "readiness kills nobody": Failure(
        Reason.ENGINE_CRASHED,
        (),
        crash(Reason.ENGINE_CRASHED, code=137).status,
        (event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),),
    ),
    "illegal access": crash(
        Reason.ENGINE_CRASHED,
        "torch.AcceleratorError: CUDA error: an illegal memory access was encountered",
        "CUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect.",
        "For debugging consider passing CUDA_LAUNCH_BLOCKING=1",
        "Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.",
    ),
    "assertion": crash(
        Reason.ENGINE_CRASHED,
        "/app/ggml/src/ggml.c:3200: GGML_ASSERT(ggml_can_mul_mat(a, b)) failed",
        code=134,
        mention=("GGML_ASSERT", "SIGABRT"),
    ),
    "a job's own error": job(Reason.DOWNLOAD_JOB_FAILED, "Exception: something else", mention=("something else",)),
    "a job killed for memory": Failure(
        Reason.HOST_OUT_OF_MEMORY,
        (),
        {
            "phase": "Failed",
            "containerStatuses": [
                {"name": "download", "ready": False, "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
            ],
        },
        (event("BackoffLimitExceeded", "Job has reached the specified backoff limit", "Job", "weights"),),
    ),
    "NIM in JSON": crash(
        Reason.NETWORK_UNREACHABLE,
        '{"level": "None", "time": "None", "message": "[09-25 19:03:45.989 ERROR nim_sdk::hub::repo rust/nim-sdk/src/hub/repo.rs:119] error sending request for url (https://api.ngc.nvidia.com/v2/org/nim/team/meta/models/x/files)", "exc_info": "None"}',
        '{"level": "ERROR", "message": "", "exc_info": "Traceback (most recent call last):\\n  File \\"/opt/nim/llm/launch.py\\", line 99, in <module>\\n    main()\\nException: error"}',
        mention=("api.ngc.nvidia.com",),
    ),
    "NIM's profiles": crash(
        Reason.NO_COMPATIBLE_PROFILE,
        "Error: Not all of the provided profiles are supported.",
        "Unknown profiles provided: {'default'}",
    ),
    "the last line of a traceback in JSON": crash(
        Reason.CREDENTIALS_INVALID,
        '{"level": "ERROR", "message": "", "exc_info": "Traceback (most recent call last):\\n  File \\"/opt/nim/a.py\\", line 99\\nException: Authentication Error"}',
    ),
    "llama.cpp's new log": crash(
        Reason.MODEL_NOT_FOUND,
        "0.00.073.098 E get_repo_commit: error: GET failed (404): Sorry, we can't find the page you are looking for.",
        "0.00.073.107 W get_repo_files: failed to resolve commit for unsloth/gemma-4-E4B-it-GGUF",
        "0.00.074.625 E llama_model_load_from_file_impl: exactly one out metadata, path_model, and file must be defined",
        mention=("404",),
    ),
    "Ollama 403": crash(Reason.MODEL_ACCESS_DENIED, "pulling manifest", "Error: 403:"),
    "Ollama EOF": crash(Reason.NETWORK_UNREACHABLE, "pulling manifest", "Error: max retries exceeded: unexpected EOF"),
    "NCCL's segment": crash(
        Reason.SHARED_MEMORY_TOO_SMALL,
        "node-12:15015:15202 [0] misc/shmutils.cc:129 NCCL WARN Error while creating shared memory segment /dev/shm/nccl-roxxN4 (size 33030528)",
        "ncclSystemError: System call (e.g. socket, malloc) or external library call failed or device error.",
    ),
    "driver release": crash(
        Reason.GPU_DRIVER_INCOMPATIBLE,
        "ERROR: This container was built for NVIDIA Driver Release 570.86 or later, but version 535.104.05 was detected and compatibility mode is UNAVAILABLE.",
    ),
    "silence in minutes": running(
        Reason.DOWNLOAD_STALLED,
        "model.safetensors:  31%|###  | 5.1G/16.4G [01:09<02:33, 73MB/s]",
        "[no output for 45 min]",
    ),
    "an Xid of the node": running(
        Reason.GPU_HARDWARE_FAULT,
        events=(
            event("XidError", "NVRM: Xid (PCI:0000:3b:00): 79, pid=77, GPU has fallen off the bus.", "Node", "gpu-7"),
        ),
        mention=("gpu-7",),
    ),
    "an eviction outlives its pod": Failure(
        Reason.EVICTED,
        ("ephemeral-storage",),
        None,
        (event("Evicted", "The node was low on resource: ephemeral-storage."),),
    ),
    "old words of a rejection": failed(
        "UnexpectedAdmissionError",
        "Pod Allocate failed due to requested number of devices unavailable for nvidia.com/gpu. Requested:1, Available: 0, which is unexpected",
        Reason.KUBELET_REJECTED_POD,
    ),
    "plug-in without NVML": failed(
        "UnexpectedAdmissionError",
        "Allocate failed due to device plugin GetPreferredAllocation rpc failed with err: rpc error: code = Unknown desc = error getting list of preferred allocation devices: unable to get device link information: error calling nvml.Init: Unknown Error, which is unexpected",
        Reason.KUBELET_REJECTED_POD,
    ),
}

CONFIGS = {
    "llama.cpp": crash(
        Reason.INVALID_ENGINE_CONFIG, "error: invalid argument: --flash-attn-foo", mention=("--flash-attn-foo",)
    ),
    "choice": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "vllm serve: error: argument --kv-cache-dtype: invalid choice: 'fp4' (choose from 'auto', 'bfloat16', 'fp8')",
        mention=("--kv-cache-dtype",),
        code=2,
    ),
    "context": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "  Value error, User-specified max_model_len (300000) is greater than the derived max_model_len (max_position_embeddings=262144 or model_max_length=None in model's config.json).",
        mention=("300000", "262144"),
    ),
    "heads": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "ValueError: Total number of attention heads (10) must be divisible by tensor parallel size (4).",
    ),
    "batched": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "ValueError: Chunked MM input disabled but max_tokens_per_mm_item (2496) is larger than max_num_batched_tokens (2048). Please increase max_num_batched_tokens.",
        _TAIL,
        mention=("max_num_batched_tokens",),
    ),
    "parser": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "KeyError: 'invalid tool call parser: gemma5 (chose from { gemma4,hermes })'",
        mention=("gemma5",),
    ),
    "Ollama flag": crash(Reason.INVALID_ENGINE_CONFIG, "Error: unknown flag: --port", mention=("--port",)),
    "shell": crash(Reason.INVALID_ENGINE_CONFIG, "sh: 1: vllm: not found", code=127),
    "quantization": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "ValueError: Quantization method specified in the model config (compressed-tensors) does not match the quantization method specified in the `quantization` argument (fp8).",
    ),
    "world": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "ValueError: World size (4) is larger than the number of available GPUs (1) in this node.",
    ),
    "Ollama port": crash(
        Reason.PORT_IN_USE, "Error: listen tcp 0.0.0.0:11434: bind: address already in use", mention=("11434",)
    ),
    "llama.cpp port": crash(
        Reason.PORT_IN_USE, "start: couldn't bind HTTP server socket, hostname: 0.0.0.0, port: 8080", mention=("8080",)
    ),
}

DOWNLOADS = {
    "Go": crash(
        Reason.CACHE_NOT_WRITABLE,
        "Error: could not create directory mkdir /.ollama: permission denied",
        mention=("/.ollama",),
    ),
    "read-only": crash(
        Reason.CACHE_NOT_WRITABLE,
        "OSError: [Errno 30] Read-only file system: '/models/.cache'",
        mention=("/models/.cache",),
    ),
    "Rust": job(
        Reason.CACHE_DISK_FULL,
        "RuntimeError: Data processing error: CAS service error : IO Error: No space left on device (os error 28)",
    ),
    "quota of the disk": job(
        Reason.CACHE_DISK_FULL, "OSError: [Errno 122] Disk quota exceeded: '/cache/hub/blobs/aa.incomplete'"
    ),
    "DNS of Go": crash(
        Reason.NETWORK_UNREACHABLE,
        'Error: pull model manifest: Get "https://registry.ollama.ai/v2/library/gemma4/manifests/e2b": dial tcp: lookup registry.ollama.ai on 10.96.0.10:53: no such host',
        mention=("registry.ollama.ai",),
    ),
    "timeout": job(
        Reason.NETWORK_UNREACHABLE,
        "requests.exceptions.ConnectTimeout: HTTPSConnectionPool(host='huggingface.co', port=443): Max retries exceeded with url: /api/models (Caused by ConnectTimeoutError)",
    ),
    "hub and cache": crash(
        Reason.NETWORK_UNREACHABLE,
        "OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in the cached files.",
        "Check your internet connection or see how to run the library in offline mode at 'https://huggingface.co/docs/transformers/installation#offline-mode'.",
    ),
    "curl": crash(Reason.NETWORK_UNREACHABLE, "curl: (6) Could not resolve host: huggingface.co"),
    "Rust DNS": crash(
        Reason.NETWORK_UNREACHABLE,
        "error sending request for url (https://api.ngc.nvidia.com/v2/org): client error (Connect): dns error: failed to lookup address information: Name or service not known",
    ),
    "TLS": job(
        Reason.TLS_UNTRUSTED,
        "requests.exceptions.SSLError: (MaxRetryError(\"HTTPSConnectionPool(host='huggingface.co', port=443): Max retries exceeded with url: /api (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate in certificate chain (_ssl.c:1000)')))\"))",
    ),
    "TLS of Go": crash(
        Reason.TLS_UNTRUSTED,
        'Error: pull model manifest: Get "https://registry.ollama.ai/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    ),
    "nothing known": job(
        Reason.DOWNLOAD_JOB_FAILED,
        "Fetching 14 files:  43%|####3     | 6/14 [04:12<05:36, 42.11s/it]",
        mention=("weights",),
    ),
    "stalled": running(
        Reason.DOWNLOAD_STALLED,
        "pulling manifest",
        "pulling 799587243b19:  61% 81 GB/132 GB",
        "[no further output for 3600 s]",
        mention=("61%",),
    ),
    "stalled NIM": running(
        Reason.DOWNLOAD_STALLED,
        'INFO 2026-11-20 08:04:40 tokio.rs:916] "model-00001-of-00002.safetensors": 31.20 GiB of 46.37 GiB',
        "[no further output for 1800 s]",
    ),
    "silence of vLLM": running(
        Reason.STILL_STARTING,
        "(EngineCore pid=2) INFO 11-20 08:00 [gpu_model_runner.py:4000] Starting to load model google/gemma-4-31B-it...",
        "[no further output for 900 s]",
        mention=("prints nothing while it downloads", "gemma-4-31B-it"),
    ),
    "silence of llama.cpp": running(
        Reason.STILL_STARTING,
        "common_download_file_single_online: downloading from https://huggingface.co/x/resolve/main/a.gguf to /cache/a.gguf (etag:1)...",
        "[no further output for 900 s]",
        mention=("prints nothing while it downloads",),
    ),
    "a pause is no stall": running(
        Reason.STILL_STARTING,
        "Fetching 3 files:  67%|######6   | 2/3 [06:12<03:06, 186.20s/it]",
        "[no further output for 40 s]",
    ),
    "a retry that went well": running(
        Reason.STILL_STARTING,
        "WARNING Connection reset by peer, retrying",
        "model.safetensors:  31%|###  | 5.1G/16.4G [01:09<02:33, 73MB/s]",
        mention=("31%",),
    ),
}


def _after_days(status: Any) -> Any:
    """A status whose container ran for five days before it ended."""
    (container,) = status["containerStatuses"]
    container["lastState"]["terminated"] |= {"startedAt": "2026-11-20T08:00:00Z", "finishedAt": "2026-11-25T08:00:00Z"}
    return status


ENDS = {
    "startup probe": Failure(
        Reason.PROBE_KILLED_DURING_START,
        ("startup probe",),
        crash(Reason.ENGINE_CRASHED, code=137).status,
        (
            event("Killing", "Container engine failed startup probe, will be restarted"),
            event("Unhealthy", "Startup probe failed: HTTP probe failed with statuscode: 503"),
        ),
    ),
    "liveness probe after days": Failure(
        Reason.PROBE_KILLED,
        ("liveness probe", "5 days"),
        _after_days(crash(Reason.ENGINE_CRASHED, code=137).status),
        (event("Killing", "Container engine failed liveness probe, will be restarted"),),
    ),
    "hook, and nothing of an end": Failure(
        Reason.LIFECYCLE_HOOK_FAILED,
        ("container 'engine'", "exited with 1"),
        unmade(
            "command 'ollama pull x' exited with 1", Reason.LIFECYCLE_HOOK_FAILED, waiting="PostStartHookError"
        ).status,
    ),
    "its own end after a probe": Failure(
        Reason.GPU_OUT_OF_MEMORY,
        (),
        crash(Reason.ENGINE_CRASHED, code=1).status,
        (event("Killing", "Container engine failed startup probe, will be restarted"),),
        ("torch.OutOfMemoryError: CUDA out of memory.",),
    ),
    "hook": Failure(
        Reason.LIFECYCLE_HOOK_FAILED,
        ("PostStart",),
        crash(Reason.ENGINE_CRASHED, code=137).status,
        (
            event(
                "FailedPostStartHook",
                'Exec lifecycle hook ([/bin/sh -c ollama pull x]) for Container "engine" in Pod "chat-1" failed - error: command \'/bin/sh -c ollama pull x\' exited with 1',
            ),
        ),
    ),
    "hook with a cause": Failure(
        Reason.CACHE_DISK_FULL,
        (),
        crash(Reason.ENGINE_CRASHED, code=137).status,
        (event("FailedPostStartHook", "PostStartHook failed"),),
        ("write /models/blobs/x: no space left on device",),
    ),
    "segfault": crash(
        Reason.ENGINE_CRASHED, "!!!!!!! Segfault encountered !!!!!!!", code=139, mention=("139", "SIGSEGV")
    ),
    "killed by nobody known": crash(Reason.ENGINE_CRASHED, code=137, mention=("137",)),
    "exec format": crash(
        Reason.IMAGE_PLATFORM_MISMATCH, "exec /usr/bin/python3: exec format error", code=255, mention=("vllm-openai",)
    ),
    "node went": running(Reason.NODE_NOT_READY, events=(event("NodeNotReady", "Node is not ready"),)),
    "taint manager": Failure(
        Reason.NODE_NOT_READY,
        (),
        {
            "phase": "Failed",
            "conditions": [
                {
                    "type": "DisruptionTarget",
                    "status": "True",
                    "reason": "DeletionByTaintManager",
                    "message": "Taint manager: deleting due to NoExecute taint",
                }
            ],
        },
    ),
    "loads": running(
        Reason.STILL_STARTING,
        "(EngineCore pid=271) INFO 11-20 [gpu_model_runner.py:4210] Starting to load model google/gemma-4-31B-it...",
        "Loading safetensors checkpoint shards:  10% Completed | 1/10 [00:10<01:30, 10.0s/it]",
        mention=("10%",),
    ),
}

SIBLINGS = (
    crash(
        Reason.GPU_MEMORY_IN_USE,
        "ValueError: Free memory on device (5.2/15.74 GiB) on startup is less than desired GPU memory utilization (0.9, 14.17 GiB).",
    ),
    crash(
        Reason.GPU_OUT_OF_MEMORY,
        "CUDA error: out of memory",
        "  current device: 0, in function alloc at ggml-cuda.cu:500",
    ),
    running(
        Reason.GPU_OUT_OF_MEMORY,
        'time=2026 level=ERROR source=sched.go:456 msg="error loading llama server" error="llama runner process has terminated: cudaMalloc failed: out of memory"',
    ),
    crash(
        Reason.GPU_OUT_OF_MEMORY, "[TensorRT-LLM][ERROR] CUDA runtime error in ::cudaMallocAsync(ptr, n): out of memory"
    ),
    crash(
        Reason.KV_CACHE_TOO_SMALL,
        "llama_init_from_model: failed to initialize the context: failed to allocate buffer for kv cache",
    ),
    crash(Reason.HARDWARE_UNSUPPORTED, "ValueError: Unsupported GPU: compute capability 7.0 is below the required 7.5"),
    crash(Reason.HARDWARE_UNSUPPORTED, "NotImplementedError: FlashInfer requires SM90 or newer for this kernel"),
    crash(
        Reason.HARDWARE_UNSUPPORTED,
        "NVIDIA GB10 with CUDA capability sm_121 is not compatible with the current PyTorch installation.",
        "RuntimeError: CUDA error: no kernel image is available for execution on the device",
    ),
    crash(
        Reason.MODEL_UNSUPPORTED_BY_ENGINE,
        "Error: unable to load model: /root/.ollama/models/blobs/sha256-abc",
        "llama_model_load: error loading model: unknown model architecture: 'gemma4'",
    ),
    running(
        Reason.MODEL_UNSUPPORTED_BY_ENGINE,
        'time=x level=INFO source=sched.go msg="Load failed" error="error loading model architecture: unknown model architecture: \'gemma4\'"',
    ),
    crash(
        Reason.CREDENTIALS_INVALID,
        "OSError: You are trying to access a gated repo.",
        "Make sure to have access to it at https://huggingface.co/google/gemma-4-31B-it.",
        "401 Client Error. (Request ID: Root=1)",
    ),
    crash(
        Reason.CREDENTIALS_INVALID,
        "Error: HTTP status client error (401 Unauthorized) for url (https://api.ngc.nvidia.com/v2/org/nim)",
    ),
    crash(
        Reason.MODEL_ACCESS_DENIED,
        "Error: HTTP status client error (403 Forbidden) for url (https://api.ngc.nvidia.com/v2/org/nim)",
    ),
    crash(
        Reason.MODEL_NOT_FOUND,
        "ERROR nim_sdk.py:338] Download failed after 1 attempts. Last exception: Resource not found: model google/gemma-x version 1 does not exist",
    ),
    crash(
        Reason.MODEL_NOT_FOUND,
        "OSError: google/gemma-9 is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'",
    ),
    crash(
        Reason.MODEL_FILES_MISSING,
        "FileNotFoundError: [Errno 2] No such file or directory: '/model-store/gemma/config.json'",
    ),
    crash(Reason.MODEL_FILES_MISSING, "Error: model 'gemma4:31b' not found"),
    crash(
        Reason.MODEL_FILES_MISSING,
        "OSError: Error no file named pytorch_model.bin, model.safetensors found in directory /models/g.",
    ),
    crash(
        Reason.MODEL_FILES_CORRUPT,
        "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
        "OSError: It looks like the config file at '/models/g/config.json' is not a valid JSON file.",
    ),
    crash(Reason.SHARED_MEMORY_TOO_SMALL, "OSError: [Errno 28] No space left on device: '/dev/shm/psm_1a2b'"),
    crash(
        Reason.SHARED_MEMORY_TOO_SMALL,
        "RuntimeError: DataLoader worker (pid 99) is killed by signal: Bus error. It is possible that dataloader's workers are out of shared memory.",
    ),
    crash(
        Reason.NCCL_FAILURE,
        "[rank0]:[E1120 ProcessGroupNCCL.cpp:632] [Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=1, OpType=ALLREDUCE)",
    ),
    crash(
        Reason.NCCL_FAILURE,
        "RuntimeError: Unexpected error from cudaGetDeviceCount(). Error 802: system not yet initialized",
    ),
    crash(Reason.INVALID_ENGINE_CONFIG, "Error: invalid value for OLLAMA_NUM_PARALLEL"),
    crash(Reason.INVALID_ENGINE_CONFIG, "llama-server: error: the following arguments are required: --model"),
    crash(Reason.INVALID_ENGINE_CONFIG, "TypeError: invalid reasoning parser: gemma9"),
    crash(Reason.INVALID_ENGINE_CONFIG, "jinja2.exceptions.TemplateSyntaxError: unexpected '}'"),
    crash(Reason.PORT_IN_USE, "OSError: [Errno 98] Address already in use"),
    crash(Reason.CACHE_NOT_WRITABLE, "mkdir: cannot create directory '/model-store/hub': Permission denied"),
    crash(Reason.CACHE_NOT_WRITABLE, "Error: mkdir /root/.ollama: read-only file system"),
    crash(
        Reason.CACHE_DISK_FULL, "common_download_file_single: error: failed to write to file: No space left on device"
    ),
    crash(
        Reason.HOST_OUT_OF_MEMORY,
        "RuntimeError: [enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 1073741824 bytes.",
    ),
    crash(Reason.HOST_OUT_OF_MEMORY, "llama_mmap: mmap failed: Cannot allocate memory"),
    job(Reason.NETWORK_UNREACHABLE, "httpx.ConnectError: [Errno 111] Connection refused"),
    job(Reason.NETWORK_UNREACHABLE, "httpx.ReadTimeout: The read operation timed out"),
    job(Reason.NETWORK_UNREACHABLE, "wget: bad address 'huggingface.co'"),
    job(
        Reason.NETWORK_UNREACHABLE,
        "ConnectionError: (ProtocolError('Connection aborted.', RemoteDisconnected('Remote end closed connection without response')))",
    ),
    job(
        Reason.NETWORK_UNREACHABLE,
        "requests.exceptions.ProxyError: Cannot connect to proxy. Tunnel connection failed: 503",
    ),
    job(Reason.TLS_UNTRUSTED, "curl: (60) SSL certificate problem: unable to get local issuer certificate"),
    job(Reason.TLS_UNTRUSTED, "error sending request: invalid peer certificate: UnknownIssuer"),
    unmade(
        'Error response from daemon: could not select device driver "nvidia" with capabilities: [[gpu]]',
        Reason.GPU_RUNTIME_MISSING,
    ),
    unmade(
        "failed to create containerd task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: error running hook: nvidia-container-cli: device error: 0: unknown device",
        Reason.GPU_RUNTIME_MISSING,
    ),
    unmade("exec /bin/sh: exec format error", Reason.IMAGE_PLATFORM_MISMATCH, waiting="RunContainerError"),
    unmade('failed to reserve container name "x": name "x" is reserved for "abc"', Reason.CONTAINER_CONFIG_ERROR),
    image(
        "rpc error: code = Unknown desc = Error response from daemon: manifest for vllm/vllm-openai:v9 not found: manifest unknown: manifest unknown",
        Reason.IMAGE_NOT_FOUND,
        by="e",
    ),
    image("rpc error: code = DeadlineExceeded desc = context deadline exceeded", Reason.NETWORK_UNREACHABLE, by="e"),
    image(
        'failed to resolve reference "ghcr.io/x/y:1": unexpected status from HEAD request to https://ghcr.io/v2/x/y/manifests/1: 500 Internal Server Error',
        Reason.NETWORK_UNREACHABLE,
    ),
    image(
        'Error response from daemon: Head "https://nvcr.io/v2/a/b/manifests/1": denied: {"errors": [{"code": "DENIED", "message": "Access Denied"}]}',
        Reason.IMAGE_ENTITLEMENT_REQUIRED,
        by="e",
    ),
    image(
        'image "x" platform linux/amd64 does not match the specified platform linux/arm64',
        Reason.IMAGE_PLATFORM_MISMATCH,
    ),
    failed("Evicted", "Pod was rejected: The node had condition: [DiskPressure]. ", Reason.EVICTED),
    failed("Preempting", "Preempted in order to admit critical pod", Reason.PREEMPTED),
    failed("NodeShutdown", "Pod was rejected as the node is shutting down.", Reason.NODE_NOT_READY),
    failed(
        "OutOfcpu",
        "Pod was rejected: Node didn't have enough resource: cpu, requested: 8000",
        Reason.KUBELET_REJECTED_POD,
    ),
    running(
        Reason.DOWNLOAD_STALLED,
        "(EngineCore pid=2) INFO 11-20 08:00 [gpu_model_runner.py:4000] Starting to load model google/gemma-4-31B-it...",
        "[no further output for 3600 s]",
    ),
    running(
        Reason.STILL_STARTING,
        "(EngineCore pid=2) INFO 11-20 08:00 [gpu_model_runner.py:4000] Model loading took 17 GiB",
        "Capturing CUDA graphs (decode, FULL):  40%|####      | 14/35 [00:03<00:04]",
    ),
    running(Reason.STILL_STARTING),
    running(
        Reason.STILL_STARTING,
        "load_tensors: loading model tensors, this can take a while... (mmap = true, direct_io = false)",
    ),
    pending("no nodes available to schedule pods", reason=Reason.INSUFFICIENT_NODE_RESOURCES),
    pending(
        '0/1 nodes are available: persistentvolumeclaim "x" is being deleted.', reason=Reason.VOLUME_CLAIM_NOT_BOUND
    ),
    pending("0/3 nodes are available: 3 node(s) exceed max volume count.", reason=Reason.VOLUME_ATTACH_FAILED),
    pending(
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {node.kubernetes.io/unschedulable: }.",
        reason=Reason.INSUFFICIENT_NODE_RESOURCES,
    ),
    pending(
        "0/2 nodes are available: 2 node(s) had untolerated taint(s). preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
        reason=Reason.UNTOLERATED_TAINT,
    ),
)

CASES: dict[str, Failure] = {
    f"{group}: {name}": case
    for group, cases in {
        "scheduling": SCHEDULING,
        "admission": ADMISSION,
        "image": IMAGES,
        "creation": CREATION,
        "memory": MEMORY,
        "device": DEVICES,
        "model": MODELS,
        "setting": CONFIGS,
        "seen": SEEN,
        "download": DOWNLOADS,
        "end": ENDS,
    }.items()
    for name, case in cases.items()
} | {f"sibling {number}": case for number, case in enumerate(SIBLINGS)}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_cause_in_other_words(case: Failure) -> None:
    cause = find_cause(gather(case.pod, case.events, case.log))
    assert cause is not None
    assert (cause.reason, cause.message) == (case.reason, cause.message)
    assert [word for word in case.mention if word.lower() not in cause.message.lower()] == []


def test_there_are_many() -> None:
    assert len(CASES) > 150
