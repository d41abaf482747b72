"""Builds Go modules into the per-user cache: once per machine, whoever asks, and never half.

A build goes into a temporary folder that is renamed when it is whole; a file lock lets parallel test processes wait
for one build instead of doing it twice.
"""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from tests.cluster.errors import ClusterError
from tests.cluster.recipes import Recipe

_HEARTBEAT_SECONDS = 15.0


def ensure(recipes: Sequence[Recipe], *, cache: Path) -> dict[str, Path]:
    """Returns the folder with each module's binaries, by module name."""
    version = go_version(recipes[0])
    targets = {recipe.module: cache / recipe.key(version) for recipe in recipes}
    todo = [recipe for recipe in recipes if not targets[recipe.module].is_dir()]
    if todo:
        minutes = sum(recipe.minutes for recipe in todo)
        names = ", ".join(recipe.module for recipe in todo)
        _say(f"building {names} from source into {cache}: about {minutes:g} min on 2 cores, this once")
    for number, recipe in enumerate(todo, start=1):
        _build_once(recipe, target=targets[recipe.module], label=f"[{number}/{len(todo)}] {recipe.module}")
    return targets


def go_version(recipe: Recipe) -> str:
    """Returns the version of the Go that will build, or says why none can."""
    needed = _required_go(recipe)
    if shutil.which("go") is None:
        raise ClusterError(
            f"Go is not installed, and the test cluster's programs are built from source: install Go {needed} or newer "
            "(https://go.dev/dl), or set KUBEBUILDER_ASSETS to a folder that has them."
        )
    # Asked in the module's folder, because there a Go with GOTOOLCHAIN=auto fetches the one that go.mod wants.
    answer = subprocess.run(
        ["go", "env", "GOVERSION"],
        cwd=recipe.folder,
        env=build_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    have = answer.stdout.strip()
    if answer.returncode or _numbers(have) < _numbers(needed):
        detail = have or _last_line(answer.stderr)
        raise ClusterError(f"The test cluster's programs need Go {needed} or newer to build, and this is {detail}.")
    return have


def _required_go(recipe: Recipe) -> str:
    match = re.search(r"^go (\S+)$", (recipe.folder / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise ValueError(f"{recipe.folder}/go.mod has no go line")
    return match.group(1)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _build_once(recipe: Recipe, *, target: Path, label: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target.parent / f".{recipe.module}.lock", label=label):
        if target.is_dir():
            _say(f"{label}: another process has built it")
            return
        unfinished = Path(tempfile.mkdtemp(prefix=f".{recipe.module}-", dir=target.parent))
        try:
            _build(recipe, into=unfinished, label=label)
            unfinished.chmod(0o755)
            unfinished.rename(target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path, *, label: str) -> Iterator[None]:
    with path.open("w") as file:
        for seconds in _beats():
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if seconds is not None:
                    _say(f"{label}: waiting for another process that is building it, {seconds:.0f} s")
                time.sleep(0.2)
        yield


def _beats() -> Iterator[float | None]:
    """Yields None for ever, and the seconds so far whenever it is time to tell a person that work goes on."""
    begun = told = time.monotonic()
    while True:
        now = time.monotonic()
        if now - told >= _HEARTBEAT_SECONDS:
            told = now
            yield now - begun
        else:
            yield None


def _build(recipe: Recipe, *, into: Path, label: str) -> None:
    # A single package is named by its output file: etcd's would otherwise be called "server".
    output = into / recipe.names[0] if len(recipe.programs) == 1 else f"{into}/"
    packages = [package for _, package in recipe.programs]
    command = ["go", "build", "-trimpath", "-ldflags", recipe.ldflags, "-o", str(output), *packages]
    begun = time.monotonic()
    _say(f"{label}: {', '.join(recipe.names)}, about {recipe.minutes:g} min")
    with tempfile.TemporaryFile("w+") as log:
        with subprocess.Popen(command, cwd=recipe.folder, env=build_environment(), stdout=log, stderr=log) as process:
            try:
                _watch(process, log=log, label=label)
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise ClusterError(_explain(recipe, _read(log)))
    _say(f"{label}: done in {time.monotonic() - begun:.0f} s")


def _watch(process: subprocess.Popen[bytes], *, log: IO[str], label: str) -> None:
    for seconds in _beats():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
            return
        if seconds is not None:
            doing = _last_line(_read(log)) or "compiling"
            _say(f"{label}: {seconds:.0f} s, {doing}")


def build_environment() -> dict[str, str]:
    """Returns the environment of all calls of go, so that a person's own settings change no build."""
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}


def _read(log: IO[str]) -> str:
    # pread leaves the offset alone, which the running compiler shares.
    size = os.fstat(log.fileno()).st_size
    return os.pread(log.fileno(), 65536, max(0, size - 65536)).decode(errors="replace")


def _explain(recipe: Recipe, log: str) -> str:
    network = ("dial tcp", "no such host", "i/o timeout", "TLS handshake", "connection refused", "proxyconnect")
    if any(sign in log for sign in network):
        return (
            f"The Go sources of {recipe.module} cannot be downloaded ({_last_line(log)}): check the network, or point "
            "GOPROXY at a module proxy that this machine can reach."
        )
    return f"Building {recipe.module} failed; go said: {log.strip()[-2000:]}"


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


def _say(text: str) -> None:
    print(f"test cluster: {text}", file=sys.stderr, flush=True)
