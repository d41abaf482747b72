"""Ends a real node so that the machine is as it was before, whether its runner asks for it or has been killed.

All is done from outside, by force, and from the record alone: whoever runs it needs nothing from the runner. The order
matters. Processes go first; with the last of them their private mount namespace goes, and with that every mount and
network namespace of every pod. Only then are folders removed, when nothing of the host can be mounted in them.

As a program (``python -m tests.cluster.real.cleaning PID START_TICKS``) it is the watchdog of one runner.
"""

import contextlib
import dataclasses
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.process import Identity
from tests.cluster.real import cgroups, record, shell
from tests.cluster.real.record import Record

_CHECKOUT = Path(__file__).parents[3]
# What kubelet sets for its own good, and the bridge plugin for forwarding.
SYSCTLS = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "net/ipv4/ip_forward",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
_PROXY_TABLES = (("ip", "kube-proxy"), ("ip6", "kube-proxy"))
FIREWALL = "gemma4-kubelet"
"""The nftables table that shuts kubelet's door."""


def clean_leftovers(*, cluster: Path | None = None) -> str | None:
    """Removes the real node that nobody needs any more, and says which.

    Args:
        cluster: The folder of a cluster that has ended or is about to: its node goes even if it still runs.
    """
    if os.geteuid() or not (record.FOLDER / "node.json").exists():
        return None
    with record.locked():
        left = record.read()
        if left is None or not (left.leftover() or (cluster and left.cluster == str(cluster.absolute()))):
            return None
        remove_all(left)
        return left.node or left.bridge


def remove_all(left: Record) -> None:
    """Removes node and bridge; the lock is held by the caller."""
    remove_node(left)
    shell.run("ip", "link", "delete", left.bridge, check=False)
    record.forget()


def remove_node(left: Record) -> Record:
    """Removes the node from its bridge, which stays; returns what is left to remember."""
    if left.cgroup:
        cgroups.kill_all(left.cgroup)
        cgroups.remove(left.cgroup)
    _await_gone(interfaces(bridge=left.bridge))
    if left.proxy:
        for family, table in (*_PROXY_TABLES, ("ip", FIREWALL)):
            shell.run("nft", "delete", "table", family, table, check=False)
    if left.directory:
        _remove_directory(Path(left.directory))
    for made in reversed(left.made_directories):
        with contextlib.suppress(OSError):  # somebody else uses it by now
            os.rmdir(made)
    for key, value in left.sysctls.items():
        with contextlib.suppress(OSError):
            Path("/proc/sys", key).write_text(value)
    bare = dataclasses.replace(
        left,
        cgroup="",
        node="",
        cluster="",
        directory="",
        containerd=None,
        proxy=False,
        made_directories=(),
        sysctls={},
    )
    record.write(bare)
    return bare


def sysctls() -> dict[str, str]:
    """Returns the values to come back to."""
    values = {}
    for key in SYSCTLS:
        with contextlib.suppress(OSError):
            values[key] = Path("/proc/sys", key).read_text().strip()
    return values


def foreign_proxy() -> bool:
    """Says whether another kube-proxy has its rules on this machine."""
    tables = json.loads(shell.run("nft", "-j", "list", "tables"))["nftables"]
    return any(
        (entry["table"]["family"], entry["table"]["name"]) in _PROXY_TABLES for entry in tables if "table" in entry
    )


def interfaces(*, bridge: str = "") -> set[str]:
    """Returns the network interfaces of this machine, or those plugged into a bridge."""
    # Not from /sys, which may show another network namespace than the one that we are in.
    said = shell.run("ip", "-j", "link", "show", *(("master", bridge) if bridge else ()), check=False)
    return {str(one["ifname"]) for one in json.loads(said or "[]") if one}


def _await_gone(names: set[str], *, timeout_seconds: float = 5.0) -> None:
    # The kernel takes a pod's network apart some time after the last process in it.
    deadline = time.monotonic() + timeout_seconds
    while left := names & interfaces():
        if time.monotonic() > deadline:
            for name in left:
                shell.run("ip", "link", "delete", name, check=False)
            return
        time.sleep(0.05)


def _remove_directory(directory: Path) -> None:
    # All mounts were in a namespace that is gone. If one is here all the same, what it shows must not be deleted.
    mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    inside = [point for point in mounted if point.startswith(f"{directory}/")]
    for point in reversed(inside):
        shell.run("umount", "--lazy", point)
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        raise ClusterError(f"The folder {directory} of the real node cannot be removed: delete it by hand.")


def start_watchdog() -> subprocess.Popen[bytes]:
    """Starts a process that outlives this one by the moment it takes to clean up."""
    myself = Identity.of(os.getpid())
    if myself is None:
        raise ClusterError("A real node needs Linux with /proc mounted.")
    return subprocess.Popen(
        [sys.executable, "-m", __name__, str(myself.pid), str(myself.start_ticks)],
        cwd=_CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Away from the runner's terminal and process group: who kills those does not kill this.
        start_new_session=True,
    )


def watch(runner: Identity) -> None:
    """Waits for the end of a runner, then removes what it has left."""
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(runner.pid)
        if runner.alive():
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            poll.poll()
    clean_leftovers()


if __name__ == "__main__":
    watch(Identity(pid=int(sys.argv[1]), start_ticks=int(sys.argv[2])))
