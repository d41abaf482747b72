"""The real Ollama without its releases: built once from its Go module, with cgo, for this machine's kind of CPU.

A Go module never carries a folder named ``vendor``, and Ollama keeps headers of others in one: they come from the
sources of llama.cpp, which has the same ones. The newest version that the module proxy knows is older than Gemma 4;
it serves Gemma 3 through the same commands, variables and endpoints.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
from pathlib import Path

from tests.cluster import debian, engines
from tests.cluster.errors import ClusterError
from tests.cluster.real import once, shell

MODULE = "github.com/ollama/ollama"
VERSION = "0.17.4"
_SUM = "h1:X3KNm9x4BlHqk/AXMGtC7pBAFd46nmJmy8yDaBZLo9s="
_MINUTES = 8

_COMPILER = {"g++": debian.COMPILER["g++"]}
# Generic code is many times slower, so x86 is taken with AVX2, which its servers have had since 2013. It is not built
# for just this CPU, because some have AMX, for which the module lacks the sources.
_OPTIMISE = "-O2 -march=x86-64-v3" if platform.machine() == "x86_64" else "-O2"
_LDFLAGS = f"-s -w -X {MODULE}/version.Version={VERSION}"


def ollama() -> Path:
    """Returns the ollama of this machine, building it the first time."""
    key = hashlib.sha256(repr((platform.machine(), _OPTIMISE, _LDFLAGS, _SUM)).encode()).hexdigest()[:12]
    folder = once.cache("engines") / f"ollama-{VERSION}-{key}"
    return once.make(folder, _build, label="ollama") / "ollama"


def _build(into: Path) -> None:
    go = _go()
    debian.ensure(_COMPILER)
    once.say(f"ollama: building it, about {_MINUTES} min on 2 cores, this once")
    source = _source(go)
    work = into / "work"
    work.mkdir()
    headers = engines.unpacked(engines.download(work), into=work) / "vendor"
    environ = {
        "CGO_ENABLED": "1",
        "CGO_CFLAGS": _OPTIMISE,
        "CGO_CXXFLAGS": f"{_OPTIMISE} -I{headers}",
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOWORK": "off",
    }
    built = into / "ollama"
    # Beside a person's own work and other tests: nobody waits less for it than the machine has to give.
    polite = (shell.find("nice"), "-n", "10")
    build = [*polite, go, "build", "-C", str(source), "-v", "-trimpath", "-ldflags", _LDFLAGS, "-o", str(built), "."]
    once.run(build, label="ollama: compiling", environ=environ)
    once.run([str(built), "--version"], label="ollama: first run", environ={"HOME": str(work)})
    shutil.rmtree(work)


def _go() -> str:
    go = shutil.which("go")
    if go is None:
        raise ClusterError("Go is not installed, and Ollama is built from source: install it (https://go.dev/dl).")
    return go


def _source(go: str) -> Path:
    """Returns the module's folder; its own go.sum holds every other module to what Ollama was released with."""
    command = [go, "mod", "download", "-json", f"{MODULE}@v{VERSION}"]
    environ = {**os.environ, "GOWORK": "off", "GOFLAGS": ""}
    # Outside of any module, so that no go.mod around has a say.
    answer = subprocess.run(command, cwd="/", env=environ, capture_output=True, text=True, check=False)
    found = json.loads(answer.stdout or "{}")
    if answer.returncode or "Dir" not in found:
        said = found.get("Error") or answer.stderr.strip()
        raise ClusterError(f"The Go sources of Ollama cannot be downloaded: {said}")
    if found["Sum"] != _SUM:
        raise ClusterError(f"{MODULE} {VERSION} from the module proxy has the sum {found['Sum']}, not {_SUM}.")
    return Path(found["Dir"])
