"""A rendered container as a process of this machine: the room where the real engines meet what the operator renders.

The command line and the environment are the rendered ones, word for word; only what a container brings of its own is
put in place: its paths become temporary folders, its programs the real ones of this machine, its Secrets plain values.
"""

import contextlib
import dataclasses
import http.client
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gemma4_operator.engines.base import ContainerSpec, EnginePod, EnvVar, ExecProbe, HttpProbe, Mount
from gemma4_operator.engines.volumes import WEIGHTS
from tests.cluster import process, sweep
from tests.cluster.process import Program, Running
from tests.cluster.waiting import wait_for

_START_SECONDS = 120.0
_REQUEST_SECONDS = 600.0
# An engine that is killed may leave children behind; told to end, it takes them along.
_GRACE_SECONDS = 20.0


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """Yields a folder with a short name: vLLM puts sockets below it, and the path of one may have 107 characters."""
    with tempfile.TemporaryDirectory(prefix="vllm-", dir="/tmp") as folder:
        yield Path(folder)


@dataclass(frozen=True)
class Machine:
    """What stands in for an image, its volumes and its Secrets.

    Attributes:
        root: A folder of this machine for the container's paths; containers of one pod share it as they share volumes.
        programs: The real program for each that a container calls, by the name or the path by which it does.
        weights: The folder that the claim holds.
        secrets: Values by name and key.
        instead: Other words of the command line or the environment that cannot stand here, such as a port of the pod's.
        environ: Variables that only this machine needs.
    """

    root: Path
    programs: Mapping[str, Path]
    weights: Path
    secrets: Mapping[tuple[str, str], str] = field(default_factory=dict)
    instead: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)

    def command(self, container: ContainerSpec) -> tuple[str, ...]:
        """Returns what starts the container's program with its own environment and nothing of the test's."""
        folders = {mount.path: self._volume(mount) for mount in container.mounts}
        path = f"{self._bin()}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        program, *rest = (self._here(word, folders) for word in (*container.command, *container.args))
        found = self.programs.get(program) or shutil.which(program, path=path)
        assert found is not None, f"{program} is neither given nor on this machine"
        environ = {"PATH": path, **self.environ} | {item.name: self._value(item, folders) for item in container.env}
        return ("/usr/bin/env", "-i", *(f"{name}={value}" for name, value in environ.items()), str(found), *rest)

    def start(self, container: ContainerSpec) -> Running:
        """Starts the container's program; what it says is added to a log that bears its name."""
        log = self.root / f"{container.name}.log"
        program = Program(container.name, self.command(container), log=log, grace_seconds=_GRACE_SECONDS)
        return process.start(program, guarded=True)

    def run(self, container: ContainerSpec, *, seconds: float) -> tuple[int, str]:
        """Runs a container to its end; returns its exit code and what it said."""
        log = self.root / f"{container.name}.log"
        log.unlink(missing_ok=True)
        running = self.start(container)
        with sweep.after(running.identity.pid):
            try:
                assert running.identity.wait(seconds), f"{container.name} runs after {seconds:g} s:\n{running.tail()}"
            finally:
                running.stop()
        code = running.exit_code()
        assert code is not None
        return code, log.read_text(errors="replace")

    def _bin(self) -> Path:
        folder = self.root / "bin"
        folder.mkdir(parents=True, exist_ok=True)
        for name, program in self.programs.items():
            if "/" not in name and not (folder / name).exists():
                (folder / name).symlink_to(program)
        return folder

    def _volume(self, mount: Mount) -> Path:
        if mount.path == WEIGHTS.path:
            return self.weights
        folder = self.root / mount.volume
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _value(self, variable: EnvVar, folders: Mapping[str, Path]) -> str:
        if variable.secret is not None:
            return self.secrets[variable.secret.name, variable.secret.key]
        return self._here(variable.value or "", folders)

    def _here(self, word: str, folders: Mapping[str, Path]) -> str:
        for path, folder in folders.items():
            if word == path or word.startswith(f"{path}/"):
                return f"{folder}{word.removeprefix(path)}"
        return self.instead.get(word, word)


@dataclass(frozen=True)
class Answer:
    """What a server said to one request."""

    status: int
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def message(self) -> dict[str, Any]:
        """The first choice of a chat completion."""
        assert self.status == 200, self.text
        return self.json["choices"][0]["message"]


@dataclass(frozen=True)
class Server:
    """A container's server that runs and answers."""

    running: Running
    port: int
    model: str
    key: str | None = None

    def get(self, path: str, *, key: str | None = None) -> Answer:
        return self._ask("GET", path, key=key or self.key)

    def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        return self._ask("POST", path, body=body, key=self.key)

    def anonymous(self, path: str) -> Answer:
        """Asks as a probe does, which knows no key."""
        return self._ask("GET", path, key=None)

    @contextlib.contextmanager
    def connection(self, seconds: float = _REQUEST_SECONDS) -> Iterator[http.client.HTTPConnection]:
        """Yields one to the server, for several requests one after another."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)) as connection:
            yield connection

    def chat(self, text: str, **fields: Any) -> Answer:
        return self.post("/v1/chat/completions", self._request(text, fields))

    @contextlib.contextmanager
    def stream(self, text: str, *, patience: float = _REQUEST_SECONDS, **fields: Any) -> Iterator[Iterator[str]]:
        """Yields the data of each event, each within ``patience`` seconds, until the answer ends, however it does."""
        with self.connection(patience) as connection:
            body = self._request(text, {**fields, "stream": True})
            connection.request("POST", "/v1/chat/completions", json.dumps(body), self._headers(self.key))
            response = connection.getresponse()
            assert response.status == 200, response.read().decode()
            with contextlib.closing(response):
                yield _events(response)

    def _request(self, text: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {"model": self.model, "messages": [{"role": "user", "content": text}], **fields}

    def _ask(self, method: str, path: str, *, key: str | None, body: Mapping[str, Any] | None = None) -> Answer:
        with self.connection() as connection:
            connection.request(method, path, None if body is None else json.dumps(body), self._headers(key))
            with connection.getresponse() as response:
                return Answer(response.status, response.read().decode())

    def _headers(self, key: str | None) -> dict[str, str]:
        return {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})


@contextlib.contextmanager
def serving(machine: Machine, container: ContainerSpec, *, model: str, key: str | None = None) -> Iterator[Server]:
    """Runs a container's server, from when its startup probe succeeds until the end of the block."""
    assert container.port is not None
    assert container.startup_probe is not None
    running = machine.start(container)
    server = Server(running, port=container.port, model=model, key=key)
    try:
        wait_for(lambda: started(server, machine, container), _START_SECONDS, lambda: f"a start:\n{running.tail()}")
        yield server
    finally:
        running.stop()


@contextlib.contextmanager
def healthy(machine: Machine, pod: EnginePod, *, model: str, key: str | None = None) -> Iterator[Server]:
    """Runs a pod's server, from when it says that it is healthy; all its processes are gone at the end of the block.

    vLLM has an engine and a worker besides, which a server that is killed with its runner would leave behind.
    """
    assert pod.container.port is not None
    server = Server(machine.start(pod.container), port=pod.container.port, model=model, key=key)
    with sweep.after(server.running.identity.pid):
        try:
            wait_for(lambda: is_healthy(server), pod.start_seconds, lambda: f"a start:\n{server.running.tail()}")
            yield server
        finally:
            server.running.stop()


def is_healthy(server: Server) -> bool:
    """Whether a server answers that it is; raises if it has ended."""
    server.running.require()
    with contextlib.suppress(OSError, http.client.HTTPException):
        return server.anonymous("/health").status == 200
    return False


def started(server: Server, machine: Machine, container: ContainerSpec) -> bool:
    """Whether a container's startup probe succeeds now."""
    server.running.require()
    match container.startup_probe:
        case HttpProbe(path=path):
            with contextlib.suppress(OSError, http.client.HTTPException):
                return server.anonymous(path).status == 200
            return False
        case ExecProbe(command=command, timeout_seconds=seconds):
            return execute(machine, container, command, seconds=seconds).returncode == 0
        case None:
            raise AssertionError("a container without a startup probe")


def execute(
    machine: Machine, container: ContainerSpec, command: tuple[str, ...], *, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Runs a command inside a container, as the kubelet does for probes and hooks: with its environment."""
    words = machine.command(dataclasses.replace(container, command=command, args=()))
    return subprocess.run(words, check=False, capture_output=True, text=True, timeout=seconds)


def _events(response: http.client.HTTPResponse) -> Iterator[str]:
    with contextlib.suppress(http.client.IncompleteRead, ConnectionError):
        while line := response.readline():
            if line.startswith(b"data: "):
                yield line.removeprefix(b"data: ").decode().strip()
