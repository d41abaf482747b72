"""Loopback ports that several clusters, started at the same time by several processes, do not fight over.

Asking the kernel for "any free port" and closing it again is a race. So a port here is drawn from below the range
that the kernel gives to outgoing connections, tried by binding it, and reserved by a file lock for as long as the
cluster runs, even while the server behind it is being restarted.
"""

import contextlib
import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.errors import ClusterError

_FIRST, _LAST = 20000, 32000
_ATTEMPTS = 500


@dataclass(frozen=True)
class Reservation:
    """A port that no other cluster of this machine gets until it is released."""

    port: int
    lock: int
    """File descriptor of the lock; the kernel drops it if the process dies."""

    def release(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self.lock)


def reserve(count: int, *, address: str = "127.0.0.1", folder: Path | None = None) -> list[Reservation]:
    """Reserves ports that are free on ``address`` now."""
    folder = folder or Path(tempfile.gettempdir()) / f"gemma4-operator-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    reserved: list[Reservation] = []
    for port in _candidates():
        if len(reserved) == count:
            break
        if reservation := _try(port, address=address, folder=folder):
            reserved.append(reservation)
    if len(reserved) < count:
        for reservation in reserved:
            reservation.release()
        raise ClusterError(f"No free ports on {address} between {_FIRST} and {_LAST}: end some clusters or servers.")
    return reserved


def _candidates() -> Iterator[int]:
    yield from random.sample(range(_FIRST, _LAST), _ATTEMPTS)


def _try(port: int, *, address: str, folder: Path) -> Reservation | None:
    lock = os.open(folder / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _bind(port, address=address)
    except OSError:
        os.close(lock)
        return None
    return Reservation(port=port, lock=lock)


def _bind(port: int, *, address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As Go's servers do: a port whose last connections are still being forgotten is free to listen on.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
