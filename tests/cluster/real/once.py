"""Makes something slow once per machine and user: the others wait for it, and nobody ever sees a half of it."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.cluster.errors import ClusterError

_HEARTBEAT_SECONDS = 15.0


def cache(kind: str) -> Path:
    """Returns this user's folder for one kind of things."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "gemma4-operator" / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def say(text: str) -> None:
    print(f"test cluster: {text}", file=sys.stderr, flush=True)


def make(target: Path, build: Callable[[Path], None], *, label: str) -> Path:
    """Returns ``target``, a folder; if it is not there, ``build`` has filled an empty one that then took its place."""
    if target.is_dir():
        return target
    with _locked(target.with_name(f".{target.name}.lock"), label=label):
        if target.is_dir():
            return target
        unfinished = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            build(unfinished)
            unfinished.chmod(0o755)
            unfinished.rename(target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return target


@contextlib.contextmanager
def _locked(path: Path, *, label: str) -> Iterator[None]:
    with path.open("w") as file:
        begun = told = time.monotonic()
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() - told >= _HEARTBEAT_SECONDS:
                    told = time.monotonic()
                    say(f"{label}: waiting for another process that is making it, {told - begun:.0f} s")
                time.sleep(0.2)
        yield


def run(command: Sequence[str], *, label: str, environ: Mapping[str, str] | None = None) -> None:
    """Runs a slow command; tells every 15 s how far it is by its last line, and at the end why it failed."""
    begun = told = time.monotonic()
    with tempfile.TemporaryFile("w+") as log:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(environ or {})}
        ) as process:
            try:
                while process.poll() is None:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(0.2)
                    if time.monotonic() - told >= _HEARTBEAT_SECONDS:
                        told = time.monotonic()
                        say(f"{label}: {told - begun:.0f} s, {_last_line(_tail(log))}")
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise ClusterError(f"{label}: {command[0]} failed and said: {_tail(log).strip()[-2000:]}")


def _tail(log: IO[str]) -> str:
    # pread leaves the offset alone, which the running command shares.
    size = os.fstat(log.fileno()).st_size
    return os.pread(log.fileno(), 65536, max(0, size - 65536)).decode(errors="replace")


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1][:120] if lines else "working"
