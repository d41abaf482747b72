"""GPU nodes without GPUs: KWOK plays the kubelet, by the project's own Stage files in ``stages``.

A pod on such a node starts, becomes ready ``fake.kwok.dev/ready-seconds`` (annotation, default 1) later, and is gone
at once when deleted, or ``fake.kwok.dev/stop-seconds`` later. With the label ``fake.kwok.dev/fault`` it fails as a real
kubelet would report it; taking the label off heals it, putting it on breaks a healthy pod. With the fault `Told` it
waits until the annotation `fake.kwok.dev/told` says, as JSON, what the kubelet reports; see `told_status`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cluster.controlplane import ControlPlane
from tests.cluster.process import Program

FAULT_LABEL = "fake.kwok.dev/fault"
FAULTS = ("NeverReady", "ImagePullBackOff", "OOMKilled", "GPUOutOfMemory", "InitFailed", "Told")
TOLD_ANNOTATION = "fake.kwok.dev/told"
TOLD_CONDITION = "fake.kwok.dev/Told"
READY_ANNOTATION = "fake.kwok.dev/ready-seconds"
STOP_ANNOTATION = "fake.kwok.dev/stop-seconds"
LOOPBACK_ANNOTATION = "fake.kwok.dev/loopback"
"""Puts a pod's address onto this machine, such as `127.9` for 127.9.0.5, where a test can answer for it."""
MANAGED_ANNOTATION = "kwok.x-k8s.io/node"

_STAGES = Path(__file__).parent / "stages"
_H100 = "NVIDIA-H100-80GB-HBM3"


def kwok(plane: ControlPlane, *, binary: Path) -> Program:
    """Returns the program that plays the kubelets of all fake nodes."""
    stages = [f"--config={path}" for path in sorted(_STAGES.glob("*.yaml"))]
    command = (
        str(binary),
        f"--kubeconfig={plane.layout.kubeconfig('kwok')}",
        f"--manage-nodes-with-annotation-selector={MANAGED_ANNOTATION}=fake",
        f"--cidr={plane.settings.pod_cidr}",
        "--node-ip=127.0.0.1",
        "--node-lease-duration-seconds=40",
        "-v=WARN",  # a line for each write is too much for a test with hundreds of pods
        *stages,
    )
    return Program(name="kwok", command=command, log=plane.layout.log("kwok"))


def fake_gpu_node(
    name: str,
    *,
    product: str = _H100,
    count: int = 8,
    memory_mib: int = 81559,
    family: str = "hopper",
    compute: tuple[int, int] = (9, 0),
    cuda_driver: tuple[int, int] = (13, 0),
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    taints: list[dict[str, str]] | None = None,
    resources: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Returns a Node as the NVIDIA device plugin and GPU feature discovery leave it behind.

    Args:
        name: The node's name.
        product: As in the label ``nvidia.com/gpu.product``.
        count: GPUs; with 0 the node has neither GPUs nor their labels.
        memory_mib: Memory of one GPU.
        family: The GPUs' architecture, in the spelling of GPU feature discovery.
        compute: Compute capability, major and minor.
        cuda_driver: The newest CUDA that the driver runs, major and minor.
        labels: Further labels, or other values for those made here.
        annotations: Further annotations.
        taints: The node's taints.
        resources: Further or other quantities in capacity and allocatable.
    """
    capacity = {"cpu": "96", "memory": "1Ti", "ephemeral-storage": "2Ti", "pods": "110"}
    found = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    if count:
        capacity["nvidia.com/gpu"] = str(count)
        found |= _gpu_labels(product, count, memory_mib, family, compute, cuda_driver)
    capacity |= resources or {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": found | dict(labels or {}),
            "annotations": {MANAGED_ANNOTATION: "fake", **(annotations or {})},
        },
        "spec": {"taints": taints} if taints else {},
        "status": {"capacity": capacity, "allocatable": dict(capacity)},
    }


def told_status(status: Mapping[str, Any]) -> str:
    """Returns the annotation by which a pod reports a status; its condition keeps it from being reported again."""
    told = {"type": TOLD_CONDITION, "status": "True"}
    return json.dumps({**status, "conditions": [*status.get("conditions", ()), told]})


def _gpu_labels(
    product: str, count: int, memory_mib: int, family: str, compute: tuple[int, int], cuda_driver: tuple[int, int]
) -> dict[str, str]:
    values = {
        "present": "true",
        "product": product,
        "count": str(count),
        "memory": str(memory_mib),
        "family": family,
        "compute.major": str(compute[0]),
        "compute.minor": str(compute[1]),
        "replicas": "1",
        "sharing-strategy": "none",
    }
    labels = {f"nvidia.com/gpu.{key}": value for key, value in values.items()}
    major, minor = cuda_driver
    return labels | {
        "nvidia.com/cuda.runtime-version.full": f"{major}.{minor}",
        "nvidia.com/cuda.runtime-version.major": str(major),
        "nvidia.com/cuda.runtime-version.minor": str(minor),
        "nvidia.com/mig.capable": "true" if compute >= (8, 0) else "false",
        "nvidia.com/mig.strategy": "single",
    }
