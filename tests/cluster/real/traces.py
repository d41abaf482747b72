"""What a real node could leave on a machine, as a comparable value: taken before and after, it must not have grown."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.containerd import PRIVATE
from tests.cluster.real import cgroups, cleaning, record, shell

_PROGRAMS = ("containerd", "kubelet", "kube-proxy", "runc", "pause")
_ENGINES = ("llama-server", "ollama")
"""Only in a container: other tests run them as processes of their own at the same time."""
_PLACES = (*PRIVATE, "/var/lib/containerd", "/var/run/netns", "/opt/cni", "/usr/libexec/kubernetes", "/etc/cni")


@dataclass(frozen=True)
class Traces:
    """Sorted, so that two of them can be compared and shown."""

    processes: tuple[str, ...]
    mounts: tuple[str, ...]
    network_namespaces: tuple[str, ...]
    interfaces: tuple[str, ...]
    rules: str
    """Of nftables, and so of iptables, which is written in it."""
    cgroups: tuple[str, ...]
    paths: tuple[str, ...]
    sysctls: tuple[tuple[str, str], ...]


def take() -> Traces:
    """Looks at the machine now."""
    return Traces(
        processes=tuple(sorted(_processes())),
        mounts=tuple(sorted(line.split(" - ")[0] for line in Path("/proc/self/mountinfo").read_text().splitlines())),
        network_namespaces=tuple(sorted(_network_namespaces())),
        interfaces=tuple(sorted(cleaning.interfaces())),
        rules=shell.run("nft", "--stateless", "list", "ruleset"),
        cgroups=tuple(sorted(_cgroups())),
        paths=tuple(sorted(_paths())),
        sysctls=tuple(sorted(cleaning.sysctls().items())),
    )


def _processes() -> Iterator[str]:
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes().split(b"\0")[:8]
            words = [word.decode(errors="replace") for word in command]
            name = Path(words[0]).name
            is_contained = name.startswith(_ENGINES) and _pid_namespace(entry) != _pid_namespace(Path("/proc/self"))
            # Others may run the control plane here; a watchdog of ours, though, is a trace like any.
            if name.startswith(_PROGRAMS) or is_contained or cleaning.__name__ in words:
                yield f"{entry.name} {' '.join(words)}"


def _pid_namespace(process: Path) -> str:
    return os.readlink(process / "ns" / "pid")


def _network_namespaces() -> Iterator[str]:
    seen = set()
    for entry in Path("/proc").glob("[0-9]*/ns/net"):
        with contextlib.suppress(OSError):
            seen.add(os.readlink(entry))
    return iter(seen)


def _cgroups() -> Iterator[str]:
    for tree in cgroups.hierarchies():
        for folder in tree.mount.iterdir():
            if folder.is_dir() and folder.name.startswith(("gemma4", "kubepods", "system.slice", "k8s.io")):
                yield str(folder)


def _paths() -> Iterator[str]:
    for place in _PLACES:
        yield from (str(path) for path in (Path(place), *Path(place).glob("*")) if path.exists())
    yield from (str(path) for path in Path(tempfile.gettempdir()).glob("gemma4-real-*"))
    if (record.FOLDER / "node.json").exists():
        yield str(record.FOLDER / "node.json")
