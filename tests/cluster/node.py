"""A real node on this machine: kubelet, containerd and kube-proxy, with pods that have processes and answer.

``with create_bridge() as bridge, Cluster.start(bind_address=bridge.gateway) as cluster,
RealNode.start(cluster=cluster, bridge=bridge) as node:`` is the whole use. After it, and also after the death of the
process that did it, nothing of the node is on the machine; ``real.cleaning`` says how. There is one real node at a
time on a machine; ``real.record`` says why. Its GPUs are a number, and there is no DNS server: pods call by address.
"""

import contextlib
import dataclasses
import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self, TypeVar

from tests.cluster import binaries, images, ports, process
from tests.cluster.cluster import Cluster
from tests.cluster.containerd import PRIVATE, Containerd
from tests.cluster.errors import ClusterError
from tests.cluster.process import Identity, Running
from tests.cluster.real import cgroups, cleaning, record, shell
from tests.cluster.real.agents import Agents
from tests.cluster.real.bridge import Bridge, adopt, create_bridge, require_root
from tests.cluster.real.cleaning import clean_leftovers
from tests.cluster.waiting import wait_for

__all__ = ["Bridge", "RealNode", "clean_leftovers", "create_bridge", "main"]

_READY_SECONDS = 60.0
T = TypeVar("T")


class RealNode:
    """A node that is Ready, with the pause image and whatever ``import_image`` brings."""

    def __init__(self, *, name: str, cluster: Cluster, bridge: Bridge, directory: Path, cgroup: str) -> None:
        self.name = name
        self.directory = directory
        self.bridge = bridge
        self._owns_bridge = False
        self._cluster = cluster
        self._cgroup = cgroup
        self._running: list[Running] = []
        self._reservations: list[ports.Reservation] = []
        self._containerd = Containerd(
            directory=directory,
            bridge=bridge.name,
            subnet=bridge.subnet,
            gateway=bridge.gateway,
            entrance=cgroups.entrance(cgroup),
        )

    @classmethod
    def start(
        cls,
        *,
        cluster: Cluster,
        name: str = "real-0",
        gpus: int = 1,
        root: Path | None = None,
        bridge: Bridge | None = None,
        guarded: bool = True,
    ) -> Self:
        """Returns once the node is Ready and has its GPUs.

        Args:
            cluster: What it joins. Its API server must listen on the bridge if pods are to call it.
            name: The node's name.
            gpus: How many ``nvidia.com/gpu`` it says to have.
            root: Where the node's folder is made, and removed at the end; without it, in the system's temporary one.
            bridge: From ``create_bridge``, if it was needed earlier; else the node makes and removes its own.
            guarded: Whether the node must end with this process. Only a person's node lives on.
        """
        require_root()
        archive = images.pause()
        programs = binaries.locate("kubelet", "kube-proxy")
        used = bridge or create_bridge(guarded=guarded)
        try:
            node = cls._prepare(cluster=cluster, name=name, root=root, bridge=used)
        except BaseException:
            if bridge is None:
                used.close()
            raise
        node._owns_bridge = bridge is None
        try:
            node._bring_up(programs, archive=archive, gpus=gpus, guarded=guarded)
        except BaseException:
            node.stop()
            raise
        return node

    @classmethod
    def attach(cls) -> Self:
        """Returns the node that another process of this person has started to stay."""
        found = record.read() if os.geteuid() == 0 else None
        if found is None or not found.node:
            raise ClusterError("There is no real node: start one with 'python -m tests.cluster node', as root.")
        node = cls(
            name=found.node,
            cluster=Cluster.attach(Path(found.cluster)),
            bridge=adopt(found),
            directory=Path(found.directory),
            cgroup=found.cgroup,
        )
        node._owns_bridge = True
        return node

    @classmethod
    def _prepare(cls, *, cluster: Cluster, name: str, root: Path | None, bridge: Bridge) -> Self:
        cgroup = f"gemma4-{name}-{secrets.token_hex(3)}"
        with record.locked():
            mine = record.read()
            if mine is None or mine.bridge != bridge.name or mine.node:
                raise ClusterError(f"The bridge {bridge.name} is gone or has a node already: make another one.")
            if cleaning.foreign_proxy():
                raise ClusterError("This machine is a Kubernetes node already: its kube-proxy and ours would fight.")
            directory = Path(tempfile.mkdtemp(prefix=f"gemma4-{name}-", dir=root))
            absent = tuple(place for place in PRIVATE if not Path(place).exists())
            mine = dataclasses.replace(
                mine,
                node=name,
                cluster=str(cluster.directory),
                directory=str(directory),
                cgroup=cgroup,
                proxy=True,
                made_directories=absent,
                sysctls=cleaning.sysctls(),
            )
            record.write(mine)
            for place in absent:
                Path(place).mkdir(parents=True)
            cgroups.create(cgroup)
        return cls(name=name, cluster=cluster, bridge=bridge, directory=directory, cgroup=cgroup)

    def _bring_up(self, programs: dict[str, Path], *, archive: Path, gpus: int, guarded: bool) -> None:
        self._run(self._containerd.program(), guarded=guarded)
        wait_for(self._while_running(self._containerd.ready), 30, "containerd", interval_seconds=0.05)
        self._remember_containerd()
        self.import_image(archive)
        self._reservations = ports.reserve(3, address=self.bridge.gateway)
        numbers = [reservation.port for reservation in self._reservations]
        agents = Agents(
            node=self.name,
            directory=self.directory,
            kubeconfig=self._cluster.kubeconfig,
            gateway=self.bridge.gateway,
            cgroup=self._cgroup,
            entrance=cgroups.entrance(self._cgroup),
            binaries=programs,
            kubelet_port=numbers[0],
            proxy_port=numbers[1],
            proxy_metrics_port=numbers[2],
            gpus=gpus,
        )
        shell.run("nft", agents.firewall())
        self._route_services()
        self._run(agents.kubelet(self._containerd), guarded=guarded)
        self._run(agents.proxy(), guarded=guarded)
        wait_for(self._while_running(self._give_gpus(gpus)), _READY_SECONDS, f"kubelet to register node {self.name}")
        wait_for(self._while_running(self._ready), _READY_SECONDS, self._why_not_ready)

    def _route_services(self) -> None:
        # kube-proxy's rules come after the kernel has chosen a way, and a machine without a network has none to choose.
        # The route goes with the bridge; a second node on the same bridge finds it there.
        cidrs = self._cluster.get("servicecidr", "kubernetes")["spec"]["cidrs"]
        shell.run("ip", "route", "add", cidrs[0], "dev", self.bridge.name, check=False)

    def _run(self, program: process.Program, *, guarded: bool) -> None:
        self._running.append(process.start(program, guarded=guarded))

    def _while_running(self, predicate: Callable[[], T]) -> Callable[[], T]:
        def ask() -> T:
            for program in self._running:
                program.require()
            return predicate()

        return ask

    def _remember_containerd(self) -> None:
        with record.locked():
            mine = record.read()
            if mine and mine.cgroup == self._cgroup:
                pid = int(self._containerd.pid_file.read_text())
                record.write(dataclasses.replace(mine, containerd=Identity.of(pid)))

    def _give_gpus(self, gpus: int) -> Callable[[], bool]:
        # Written once: kubelet keeps what it does not know, as long as it is not started again.
        quantities = {"nvidia.com/gpu": str(gpus)} if gpus else {}
        patch = json.dumps({"status": {"capacity": quantities, "allocatable": quantities}})

        def give() -> bool:
            command = ("patch", "node", self.name, "--subresource=status", "--type=merge", "-p", patch)
            return self._cluster.kubectl(*command, check=False).returncode == 0

        return give

    def _conditions(self) -> dict[str, str]:
        conditions = self._cluster.get("node", self.name)["status"].get("conditions", [])
        return {one["type"]: f"{one['status']} {one.get('message', '')}" for one in conditions}

    def _ready(self) -> bool:
        return self._conditions().get("Ready", "").startswith("True")

    def _why_not_ready(self) -> str:
        return f"node {self.name} to be Ready; it says: {self._conditions().get('Ready', 'nothing yet')}"

    def import_image(self, archive: Path) -> None:
        """Makes the images of an OCI archive known to the node; pods must not say ``imagePullPolicy: Always``."""
        self._containerd.import_image(archive)

    def images(self) -> list[str]:
        """Returns the names of the images that the node has."""
        return self._containerd.ctr("images", "list", "--quiet").split()

    def stop(self) -> None:
        """Ends the node with all its pods, and removes what it has put on this machine and into the cluster."""
        with record.locked():
            mine = record.read()
            if mine and mine.cgroup == self._cgroup:
                cleaning.remove_node(mine)
        for program in self._running:
            program.kill()
        self._running.clear()
        for reservation in self._reservations:
            reservation.release()
        self._reservations.clear()
        # Else its pods would be "Running" there for minutes; an API server that has ended does not mind.
        with contextlib.suppress(subprocess.TimeoutExpired):
            command = ("delete", "node", self.name, "--ignore-not-found", "--wait=false", "--request-timeout=5s")
            self._cluster.kubectl(*command, check=False, timeout_seconds=10)
        if self._owns_bridge:
            self.bridge.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def main(arguments: Sequence[str]) -> int:
    """``python -m tests.cluster node``: a real node for a person, which stays until told to go."""
    from tests.cluster.real import command

    return command.main(arguments)
