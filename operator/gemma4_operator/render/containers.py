"""Containers and volumes of an engine as plain data, and what a container asks of its node."""

import math
from collections.abc import Iterable
from typing import Any

from gemma4_operator.engines.base import (
    CacheVolume,
    ClaimVolume,
    ContainerSpec,
    EnvVar,
    ExecProbe,
    HttpProbe,
    ScratchVolume,
    Volume,
)
from gemma4_operator.planner.cache_room import SHARE

PORT_NAME = "http"

_CPU_REQUEST = "500m"
_BESIDE_DOWNLOADS_BYTES = 2 * 2**30
"""Of the node's disk: what is compiled, logs, a drafter or a projector of small weights."""


def requests(*, host_memory_mib: int, volumes: Iterable[Volume], cache_claim: str | None) -> dict[str, str]:
    """Return what a container asks of its node: CPU, memory as the plan says, and disk for what is downloaded to it.

    All volumes that live in memory are part of it. Without a limit, as for memory: what is asked for is an estimate,
    and an estimate should send a pod to a node with room, and evict none.
    """
    given = tuple(volumes)
    in_memory = sum(
        volume.size_bytes or 0 for volume in given if isinstance(volume, ScratchVolume) and volume.in_memory
    )
    downloads = sum(volume.holds_bytes for volume in given if isinstance(volume, CacheVolume))
    on_disk = math.ceil(SHARE * downloads) + _BESIDE_DOWNLOADS_BYTES if downloads and cache_claim is None else 0
    return {
        "cpu": _CPU_REQUEST,
        "memory": _mebibytes(host_memory_mib * 2**20 + in_memory),
        **({"ephemeral-storage": _mebibytes(on_disk)} if on_disk else {}),
    }


def plain(container: ContainerSpec, resources: dict[str, str], *, gpu: str) -> dict[str, Any]:
    """Return a container as its template reads it; `gpu` is the resource by which its GPUs are asked for."""
    gpus = {gpu: str(container.gpus)} if container.gpus else {}
    return {
        "name": container.name,
        "image": container.image,
        "command": list(container.command),
        "args": list(container.args),
        "env": [_variable(variable) for variable in container.env],
        "ports": _ports(container),
        "requests": {**resources, **gpus},
        "limits": gpus,
        "mounts": [
            {
                "name": mount.volume,
                "mountPath": mount.path,
                **({"subPath": mount.sub_path} if mount.sub_path else {}),
                **({"readOnly": True} if mount.read_only else {}),
            }
            for mount in container.mounts
        ],
        "read_only_root": container.read_only_root,
        "startup_probe": _probe(container.startup_probe),
        "readiness_probe": _probe(container.readiness_probe),
        "liveness_probe": _probe(container.liveness_probe),
        "lifecycle": _lifecycle(container),
    }


def plain_volume(volume: Volume, *, cache_claim: str | None) -> dict[str, Any]:
    """Return a volume as a pod has it; without a claim, what is downloaded goes with the pod."""
    match volume:
        case ScratchVolume(in_memory=in_memory, size_bytes=size_bytes):
            medium = {"medium": "Memory"} if in_memory else {}
            size = {"sizeLimit": _mebibytes(size_bytes)} if size_bytes is not None else {}
            return {"name": volume.name, "emptyDir": {**medium, **size}}
        case CacheVolume() if cache_claim is not None:
            return {"name": volume.name, "persistentVolumeClaim": {"claimName": cache_claim}}
        case CacheVolume():
            return {"name": volume.name, "emptyDir": {}}
        case ClaimVolume(claim_name=claim_name, read_only=read_only):
            access = {"readOnly": True} if read_only else {}
            return {"name": volume.name, "persistentVolumeClaim": {"claimName": claim_name, **access}}


def _variable(variable: EnvVar) -> dict[str, Any]:
    if variable.secret is None:
        return {"name": variable.name, "value": variable.value}
    reference = {"name": variable.secret.name, "key": variable.secret.key}
    return {"name": variable.name, "valueFrom": {"secretKeyRef": reference}}


def _ports(container: ContainerSpec) -> list[dict[str, Any]]:
    if container.port is None:
        return []
    return [{"name": PORT_NAME, "containerPort": container.port, "protocol": "TCP"}]


def _probe(probe: HttpProbe | ExecProbe | None) -> dict[str, Any] | None:
    if probe is None:
        return None
    return {
        **_asking(probe),
        "periodSeconds": probe.period_seconds,
        "failureThreshold": probe.failure_threshold,
        "timeoutSeconds": probe.timeout_seconds,
    }


def _asking(probe: HttpProbe | ExecProbe) -> dict[str, Any]:
    match probe:
        case ExecProbe(command=command):
            return {"exec": {"command": list(command)}}
        case HttpProbe(path=path, headers=headers):
            told = [{"name": name, "value": value} for name, value in headers]
            return {"httpGet": {"path": path, "port": PORT_NAME, "httpHeaders": told}}


def _lifecycle(container: ContainerSpec) -> dict[str, Any] | None:
    if container.drain_command:
        return {"preStop": {"exec": {"command": list(container.drain_command)}}}
    return {"preStop": {"sleep": {"seconds": container.drain_seconds}}} if container.drain_seconds else None


def _mebibytes(number: int) -> str:
    return f"{-(-number // 2**20)}Mi"
