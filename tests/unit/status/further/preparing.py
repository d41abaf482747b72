# ruff: noqa: E501  -- lines of programs stand as they are printed
"""A pod that has a node: its image, its volumes and its containers."""

from gemma4_operator.status.reasons import Reason
from tests.unit.status.failures import (
    image,
    unmade,
    unprepared,
)

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
