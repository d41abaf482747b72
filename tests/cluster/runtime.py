"""A cluster's programs while they run: starts them in order, restarts one, ends all, remembers them for ``down``."""

import contextlib
import json
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from tests.cluster import binaries, credentials, ports, process
from tests.cluster.controlplane import ControlPlane, Layout, Ports, Settings, await_ready
from tests.cluster.errors import ClusterError
from tests.cluster.fakenodes import kwok
from tests.cluster.process import Identity, Program, Running

_STATE = "cluster.json"
_ATTEMPTS = 3


class Runtime:
    """The programs of one cluster, by name, in the order of their start."""

    def __init__(self, plane: ControlPlane, *, guarded: bool, reservations: list[ports.Reservation]) -> None:
        self.plane = plane
        self._guarded = guarded
        self._reservations = reservations
        self._running: dict[str, Running] = {}
        self._token = ""

    @classmethod
    def launch(cls, directory: Path, *, settings: Settings, guarded: bool) -> Self:
        """Returns once the API server is ready, with controller-manager and scheduler started."""
        programs = binaries.locate(*binaries.CONTROL_PLANE)
        for attempt in range(1, _ATTEMPTS + 1):
            runtime = cls._reserve(directory, settings=settings, guarded=guarded, programs=programs)
            try:
                runtime._bring_up()
            except BaseException as error:
                runtime.stop()
                if attempt == _ATTEMPTS or "address already in use" not in str(error):
                    raise
                # A stranger took a port between our look at it and the server's.
                shutil.rmtree(directory, ignore_errors=True)
            else:
                return runtime
        raise AssertionError("the last attempt returns or raises")

    @classmethod
    def _reserve(cls, directory: Path, *, settings: Settings, guarded: bool, programs: dict[str, Path]) -> Self:
        reservations = ports.reserve(2)
        reservations += ports.reserve(1, address=settings.bind_address)
        numbers = Ports(*(reservation.port for reservation in reservations))
        plane = ControlPlane(layout=Layout(directory), settings=settings, ports=numbers, binaries=programs)
        return cls(plane, guarded=guarded, reservations=reservations)

    def _bring_up(self) -> None:
        users = self.plane.write_credentials()
        self._token = users[0].token
        self.run(self.plane.etcd())
        self.start_apiserver()
        self.plane.write_kubeconfigs(users)
        self.run(self.plane.controller_manager())
        self.run(self.plane.scheduler())

    def run(self, program: Program) -> Running:
        """Starts a program that must not be running yet."""
        self._running[program.name] = running = process.start(program, guarded=self._guarded)
        self._save()
        return running

    def running(self, name: str) -> bool:
        return name in self._running and self._running[name].alive()

    def require(self) -> None:
        """Raises if one of the programs has ended by itself."""
        for program in self._running.values():
            program.require()

    def ensure_kwok(self) -> None:
        if not self.running("kwok"):
            self.run(kwok(self.plane, binary=binaries.locate("kwok")["kwok"]))

    def start_apiserver(self) -> None:
        self.run(self.plane.apiserver())
        await_ready(self.plane, programs=list(self._running.values()), token=self._token)

    def stop_apiserver(self) -> None:
        """Returns when the port is free: the server lingers while watches are open, and is killed then."""
        if server := self._running.pop("kube-apiserver", None):
            server.stop()
            self._save()

    def restart_etcd(self) -> None:
        """Ends etcd without a warning and starts it again on its data; the API server stays and finds it again."""
        if etcd := self._running.pop("etcd", None):
            etcd.kill()
        self.run(self.plane.etcd())

    def stop(self) -> None:
        """Ends everything, at once: the data is thrown away."""
        for program in reversed(self._running.values()):
            program.kill()
        self._running.clear()
        for reservation in self._reservations:
            reservation.release()
        self.plane.layout.directory.joinpath(_STATE).unlink(missing_ok=True)

    def _save(self) -> None:
        plane = self.plane
        state = {
            "guarded": self._guarded,
            "token": self._token,
            "started_unix_seconds": int(time.time()),
            "settings": asdict(plane.settings),
            "ports": asdict(plane.ports),
            "binaries": {name: str(path) for name, path in plane.binaries.items()},
            "running": {name: asdict(program.identity) for name, program in self._running.items()},
        }
        # Renamed into place, so that who reads it never sees a half of it.
        unfinished = plane.layout.directory / f".{_STATE}"
        credentials.write_private(unfinished, json.dumps(state, indent=2))
        unfinished.rename(plane.layout.directory / _STATE)

    @classmethod
    def attach(cls, directory: Path) -> Self:
        """Returns the runtime of a cluster that another process has started."""
        try:
            state = json.loads((directory / _STATE).read_text())
        except FileNotFoundError:
            raise ClusterError(f"There is no running cluster in {directory}: start one with 'up'.") from None
        # JSON has no tuples; these lists differ from them in nothing that matters here.
        settings: dict[str, Any] = state["settings"]
        plane = ControlPlane(
            layout=Layout(directory),
            settings=Settings(**settings),
            ports=Ports(**state["ports"]),
            binaries={name: Path(path) for name, path in state["binaries"].items()},
        )
        runtime = cls(plane, guarded=state["guarded"], reservations=[])
        runtime._token = state["token"]
        runtime._adopt(state["running"])
        return runtime

    def _adopt(self, recorded: dict[str, dict[str, Any]]) -> None:
        for name, identity in recorded.items():
            self._running[name] = Running(
                name=name,
                identity=Identity(**identity),
                log=self.plane.layout.log(name),
                guarded=self._guarded,
                grace_seconds=1.0,
            )

    def summary(self) -> dict[str, bool]:
        """Returns for each program whether it runs."""
        return {name: program.alive() for name, program in self._running.items()}


def clusters(root: Path) -> list[Path]:
    """Returns the folders of the clusters started below a root and not ended yet."""
    with contextlib.suppress(FileNotFoundError):
        return sorted(path.parent for path in root.glob(f"*/{_STATE}"))
    return []
