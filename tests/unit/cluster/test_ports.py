"""Ports of parallel clusters."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import ports
from tests.cluster.errors import ClusterError


def test_reserved_ports_differ_and_are_free(tmp_path: Path) -> None:
    reserved = ports.reserve(20, folder=tmp_path)
    assert len({reservation.port for reservation in reserved}) == 20
    for reservation in reserved:
        with socket.create_server(("127.0.0.1", reservation.port)):
            pass
        reservation.release()


def test_ports_are_below_those_of_outgoing_connections() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert first > ports._LAST


def test_a_reserved_port_is_not_given_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_candidates", lambda: iter([20001, 20002]))
    first = ports.reserve(1, folder=tmp_path)[0]
    second = ports.reserve(1, folder=tmp_path)[0]
    assert first.port != second.port
    with pytest.raises(ClusterError, match="No free ports"):
        ports.reserve(1, folder=tmp_path)
    first.release()
    again = ports.reserve(1, folder=tmp_path)[0]
    assert again.port == first.port
    second.release()
    again.release()


def test_a_port_in_use_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        busy = server.getsockname()[1]
        monkeypatch.setattr(ports, "_candidates", lambda: iter([busy]))
        with pytest.raises(ClusterError, match="end some clusters"):
            ports.reserve(1, folder=tmp_path)


def test_a_dead_process_gives_its_ports_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        f"from pathlib import Path; from tests.cluster import ports; ports.reserve(1, folder=Path({str(tmp_path)!r}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    port = int(next(tmp_path.iterdir()).name)
    monkeypatch.setattr(ports, "_candidates", lambda: iter([port]))
    ports.reserve(1, folder=tmp_path)[0].release()
