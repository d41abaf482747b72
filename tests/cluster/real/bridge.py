"""The bridge that a real node's pods are plugged into; its own address is where pods reach this machine.

It comes before the cluster: only an API server that listens on this address can be called from pods, by the name and
the ClusterIP of the service ``kubernetes``. Who makes the bridge has also claimed the machine's one real node.
"""

import contextlib
import ipaddress
import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from typing import Self

from tests.cluster import debian
from tests.cluster.errors import ClusterError
from tests.cluster.process import Identity
from tests.cluster.real import cleaning, record, shell
from tests.cluster.real.record import Record

_RANGE = ipaddress.ip_network("10.99.0.0/16")


@dataclass
class Bridge:
    """A claim on this machine, until ``close``."""

    name: str
    gateway: str
    """The address of this machine on the bridge: give it to ``Cluster.start`` as ``bind_address``."""
    subnet: str
    guarded: bool = True
    _watchdog: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def close(self) -> None:
        """Removes the bridge, and the node if one is on it."""
        with record.locked():
            mine = record.read()
            if mine and mine.bridge == self.name:
                cleaning.remove_all(mine)
        if self._watchdog:
            self._watchdog.kill()
            self._watchdog.wait()
            self._watchdog = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def require_root() -> None:
    """Raises for anybody else, before something slow is done in vain."""
    if os.geteuid():
        raise ClusterError("A real node needs root, for network, mounts and cgroups: run this as root, or with sudo.")


def create_bridge(*, guarded: bool = True, wait_seconds: float = 0.0) -> Bridge:
    """Claims the machine for one real node and makes its bridge.

    Args:
        guarded: Whether all must end with this process. Only a person's node lives on.
        wait_seconds: How long to wait for another process that has a real node.
    """
    require_root()
    # It is the first thing that anybody makes for a real node, and takes programs of those packages itself.
    debian.ensure(debian.NODE)
    deadline = time.monotonic() + wait_seconds
    while (claimed := _claim(guarded=guarded)) is None:
        if time.monotonic() > deadline:
            raise ClusterError(_taken(record.read()))
        time.sleep(0.5)
    return claimed


def _taken(holder: Record | None) -> str:
    if holder and not holder.guarded:
        return (
            "This machine has a real node, or a bridge for one, that was started to stay: "
            "end it with 'python -m tests.cluster node --remove'."
        )
    owner = f"process {holder.owner.pid}" if holder else "another process"
    return f"This machine has a real node already, that of {owner}: wait until it ends, or end it."


def adopt(found: Record) -> Bridge:
    """Returns the bridge that another process has made to stay."""
    return Bridge(name=found.bridge, gateway=found.gateway, subnet=found.subnet, guarded=found.guarded)


def _claim(*, guarded: bool) -> Bridge | None:
    cleaning.clean_leftovers()
    with record.locked():
        if record.read() is not None:
            return None
        owner = Identity.of(os.getpid())
        if owner is None:
            raise ClusterError("A real node needs Linux with /proc mounted.")
        subnet = free_subnet(json.loads(shell.run("ip", "-j", "address")), json.loads(shell.run("ip", "-j", "route")))
        third = subnet.network_address.packed[2]
        bridge = Bridge(name=f"gemma4-{third}", gateway=str(subnet[1]), subnet=str(subnet), guarded=guarded)
        mine = Record(owner=owner, guarded=guarded, bridge=bridge.name, gateway=bridge.gateway, subnet=bridge.subnet)
        record.write(mine)
        try:
            _make(bridge, third=third)
            bridge._watchdog = cleaning.start_watchdog() if guarded else None
        except BaseException:
            cleaning.remove_all(mine)
            raise
    return bridge


def _make(bridge: Bridge, *, third: int) -> None:
    # A bridge without an address of its own takes that of a member, and changes it when that member goes.
    shell.run("ip", "link", "add", bridge.name, "address", f"02:67:34:00:00:{third:02x}", "type", "bridge")
    shell.run("ip", "address", "add", f"{bridge.gateway}/24", "dev", bridge.name)
    shell.run("ip", "link", "set", bridge.name, "up")


def free_subnet(addresses: list[dict[str, object]], routes: list[dict[str, object]]) -> ipaddress.IPv4Network:
    """Returns the first subnet that this machine has neither an address in nor a route to."""
    taken: list[str] = []
    for interface in addresses:
        entries = interface.get("addr_info")
        taken += [
            f"{one.get('local')}/{one.get('prefixlen')}" for one in (entries if isinstance(entries, list) else [])
        ]
    taken += [str(route["dst"]) for route in routes if route.get("dst") != "default"]
    networks = []
    for text in taken:
        with contextlib.suppress(ValueError):
            networks.append(ipaddress.IPv4Network(text, strict=False))
    for subnet in _RANGE.subnets(new_prefix=24):
        if not any(subnet.overlaps(network) for network in networks):
            return subnet
    raise ClusterError(f"All of {_RANGE} is in use on this machine, and a real node needs a piece of it for its pods.")
