"""NVIDIA's NIM operator, measured on the same class of machine and control plane: something to compare with.

NVIDIA/k8s-nim-operator, commit f63f74d7, built from its own vendor folder; Kubernetes 1.36.3; one NIMService for each
Gemma4Deployment here, with five children each. Best of three runs (two with 1000).
"""

from collections.abc import Mapping
from dataclasses import dataclass

SOURCE = "NVIDIA/k8s-nim-operator at commit f63f74d7"
REQUESTS_EACH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Its figures with a number of NIMServices; a figure it was not asked for is None."""

    floor_seconds: float
    ready_seconds: float
    requests_until_ready: int
    requests_until_quiet: int
    cpu_until_ready_seconds: float
    cpu_until_quiet_seconds: float
    memory_mib: int
    restart_writes: int | None = None
    idle_cpu_share: float | None = None

    @property
    def ratio(self) -> float:
        """How many times as long as the floor."""
        return self.ready_seconds / self.floor_seconds


PEERS: Mapping[int, Peer] = {
    100: Peer(
        floor_seconds=4.3,
        ready_seconds=22.1,
        requests_until_ready=1602,
        requests_until_quiet=2102,
        cpu_until_ready_seconds=3.0,
        cpu_until_quiet_seconds=4.3,
        memory_mib=103,
    ),
    300: Peer(
        floor_seconds=11.2,
        ready_seconds=66.6,
        requests_until_ready=4813,
        requests_until_quiet=5452,
        cpu_until_ready_seconds=10.4,
        cpu_until_quiet_seconds=12.4,
        memory_mib=122,
    ),
    1000: Peer(
        floor_seconds=36.5,
        ready_seconds=229.0,
        requests_until_ready=16022,
        requests_until_quiet=16157,
        cpu_until_ready_seconds=48.7,
        cpu_until_quiet_seconds=49.4,
        memory_mib=194,
        restart_writes=2000,
        idle_cpu_share=0.002,
    ),
}

MEMORY_EMPTY_MIB = 72
REPAIRS: Mapping[str, str] = {
    "Service deleted": "0.02 s",
    "Deployment deleted": "0.07 s",
    "Deployment scaled to 0": "0.08 s",
    "Deployment's image changed": "not in 60 s",
    "Service's port changed": "not in 30 s",
}
