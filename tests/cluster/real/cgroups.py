"""One cgroup for all that a node runs: by it every process is found again, whoever its parent has become.

containerd's shims detach from containerd, and containers outlive their shims. None of them can leave the cgroup, so
its list of processes is complete where a list of remembered pids is not.
"""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.errors import ClusterError

_DAEMONS = "daemons"


@dataclass(frozen=True)
class Hierarchy:
    """A mounted cgroup tree: version 1 has one for each controller, version 2 one for all."""

    mount: Path
    unified: bool


def hierarchies(mountinfo: str | None = None) -> list[Hierarchy]:
    """Returns all trees of this machine, a unified one first."""
    text = Path("/proc/self/mountinfo").read_text() if mountinfo is None else mountinfo
    found: dict[Path, Hierarchy] = {}
    for line in text.splitlines():
        fields, _, rest = line.partition(" - ")
        kind = rest.split()[0]
        if kind in ("cgroup", "cgroup2"):
            mount = Path(fields.split()[4])
            found[mount] = Hierarchy(mount=mount, unified=kind == "cgroup2")
    return sorted(found.values(), key=lambda tree: (not tree.unified, tree.mount))


def create(name: str) -> None:
    """Makes the cgroup in every hierarchy; kubelet insists that the one it is given exists."""
    trees = hierarchies()
    if not trees:
        raise ClusterError("A real node needs cgroups, and this machine has none mounted under /sys/fs/cgroup.")
    for tree in trees:
        # Version 2 hands controllers down only where it is told to; a controller in use elsewhere is refused.
        if tree.unified:
            _delegate(tree.mount)
        (tree.mount / name / _DAEMONS).mkdir(parents=True, exist_ok=True)
        if tree.unified:
            _delegate(tree.mount / name)
        for file in ("cpuset.cpus", "cpuset.mems"):
            inherited = tree.mount / file
            if not tree.unified and inherited.exists():
                (tree.mount / name / file).write_text(inherited.read_text())


def _delegate(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for controller in (folder / "cgroup.controllers").read_text().split():
            with contextlib.suppress(OSError):
                (folder / "cgroup.subtree_control").write_text(f"+{controller}")


def entrance(name: str) -> Path:
    """Returns the file to which a process writes its pid to be counted; one hierarchy is enough for that."""
    return hierarchies()[0].mount / name / _DAEMONS / "cgroup.procs"


def pids(name: str) -> set[int]:
    """Returns all processes of the cgroup and of those below it."""
    found: set[int] = set()
    for tree in hierarchies():
        for folder, _, _ in os.walk(tree.mount / name):
            with contextlib.suppress(OSError):
                found.update(int(pid) for pid in (Path(folder) / "cgroup.procs").read_text().split())
    return found


def kill_all(name: str, *, timeout_seconds: float = 60.0) -> None:
    """Returns when no process is left. Asked again and again, because a dying runtime may still start one."""
    deadline = time.monotonic() + timeout_seconds
    while left := pids(name):
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise ClusterError(f"Processes {sorted(left)} of the real node do not die: see what holds them in /proc.")
        time.sleep(0.02)


def remove(name: str, *, timeout_seconds: float = 60.0) -> None:
    """Removes the empty cgroup; the kernel needs a moment after the last process has gone."""
    deadline = time.monotonic() + timeout_seconds
    for tree in hierarchies():
        while (tree.mount / name).exists():
            for folder, _, _ in os.walk(tree.mount / name, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
            if time.monotonic() > deadline:
                raise ClusterError(f"The cgroup {tree.mount / name} cannot be removed: it is still in use.")
            time.sleep(0.01)
