"""What is on this machine because of us, written down before it is made, so that whoever comes next can undo it.

There is one record, and so one real node at a time. Two would each need a kube-proxy, whose table ``kube-proxy`` is
the same for a whole network namespace: each would delete the other's rules. Namespaces of their own would separate
them, but then a ClusterIP would no longer answer from the machine itself, which tests and the demo want.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from tests.cluster.process import Identity

# The same for all users and checkouts: what is borrowed is the machine, and only root can borrow it.
FOLDER = Path("/run/gemma4-operator")


@dataclass(frozen=True)
class Record:
    """The traces of one bridge, and of the node on it if it has come that far."""

    owner: Identity
    """The process that made it."""
    guarded: bool
    """Whether it must end with the owner; else it stays until told, or until its cluster is gone."""
    bridge: str
    gateway: str
    subnet: str
    cgroup: str = ""
    node: str = ""
    cluster: str = ""
    """The folder of the cluster that the node has joined."""
    directory: str = ""
    containerd: Identity | None = None
    proxy: bool = False
    """Whether nftables named kube-proxy, and that of our firewall, are ours."""
    made_directories: tuple[str, ...] = ()
    sysctls: dict[str, str] = field(default_factory=dict)
    """Values as they were before kubelet and the network plugin changed them."""

    def leftover(self) -> bool:
        """Says whether nobody needs this any more."""
        if self.guarded:
            return not self.owner.alive()
        if not self.node:
            return False  # a bridge that a person has made, and will put a node on
        running = self.containerd.alive() if self.containerd else self.owner.alive()
        return not running or not (Path(self.cluster) / "cluster.json").exists()


@contextlib.contextmanager
def locked(folder: Path = FOLDER) -> Iterator[None]:
    """Only who holds this may change the record; it is never held for longer than a clean-up takes."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read(folder: Path = FOLDER) -> Record | None:
    try:
        raw: dict[str, Any] = json.loads((folder / "node.json").read_text())
    except FileNotFoundError:
        return None
    raw["owner"] = Identity(**raw["owner"])
    raw["containerd"] = Identity(**raw["containerd"]) if raw["containerd"] else None
    raw["made_directories"] = tuple(raw["made_directories"])
    # Another checkout may know more; what both know is enough to live beside it, and to clean up after it.
    known = {one.name for one in fields(Record)}
    return Record(**{key: value for key, value in raw.items() if key in known})


def write(record: Record, folder: Path = FOLDER) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = folder / f".node.json.{os.getpid()}"
    unfinished.write_text(json.dumps(asdict(record), indent=2))
    unfinished.rename(folder / "node.json")


def forget(folder: Path = FOLDER) -> None:
    (folder / "node.json").unlink(missing_ok=True)
