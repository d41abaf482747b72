"""The images that run on the real node, made from files of this machine: no Docker, no registry.

Each function returns an OCI archive from the cache, for ``RealNode.import_image``; it is made anew when anything in it
has changed. They stand in for published images under whatever name the caller needs, with the same user and entrypoint.
"""

import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.cluster import engines, ollama, vllm
from tests.cluster.containerd import PAUSE_IMAGE
from tests.cluster.errors import ClusterError
from tests.cluster.real import interpreter, oci, once
from tests.cluster.real.oci import File, Folder, Image

LLAMA_IMAGE = "ghcr.io/ggml-org/llama.cpp:server"
OLLAMA_IMAGE = "registry.test/ollama/ollama:local"
"""Without a version in its tag: what can be built here is older than any that knows Gemma 4."""
VLLM_IMAGE = f"docker.io/vllm/vllm-openai:v{vllm.VERSION}"
VLLM_FOLDER = "/engine"
"""Where the image of vLLM expects the volume with vLLM itself, whose 5 GB no image of a test should hold."""
OPERATOR_IMAGE = "gemma4.test/gemma4-operator:test"
_PAUSE_SOURCE = Path(__file__).parent / "images" / "pause" / "main.go"
_PACKAGE = Path(__file__).parents[2] / "operator" / "gemma4_operator"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# Enough of a distribution for programs that ask who they are and want to write somewhere.
_BASE: dict[str, File | Folder] = {
    "/etc/passwd": File(b"root:x:0:0:root:/:/\nnonroot:x:65532:65532:nonroot:/tmp:/\n"),
    "/etc/group": File(b"root:x:0:\nnonroot:x:65532:\n"),
    "/etc/nsswitch.conf": File(b"passwd: files\ngroup: files\nhosts: files dns\n"),
    "/tmp": Folder(mode=0o1777),
}


def pause() -> Path:
    """Returns the image of the program that holds a pod's namespaces open."""
    source = _PAUSE_SOURCE.read_bytes()

    def build(target: Path) -> None:
        image = _image(name=PAUSE_IMAGE, entrypoint=("/pause",), user="65535:65535")
        oci.write_archive(target, image, [{"/pause": File(_compile_pause(), mode=0o755)}])

    return cached("pause", build, source, PAUSE_IMAGE.encode())


def _compile_pause() -> bytes:
    go = shutil.which("go")
    if go is None:
        raise ClusterError(
            "Go is not installed, and a real node's pause image is built with it: see https://go.dev/dl."
        )
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "pause"
        command = [go, "build", "-trimpath", "-ldflags", "-s -w -buildid=", "-o", str(output), str(_PAUSE_SOURCE)]
        environ = {**os.environ, "CGO_ENABLED": "0", "GO111MODULE": "off", "GOWORK": "off", "GOFLAGS": ""}
        result = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
        if result.returncode:
            raise ClusterError(f"Building the pause program failed; go said: {result.stderr.strip()[-1000:]}")
        return output.read_bytes()


def llama_server(*, name: str = LLAMA_IMAGE) -> Path:
    """Returns llama.cpp's server as the upstream image has it: /app/llama-server, on all addresses, and a shell."""
    binary = engines.llama_server()
    # Its threads wait for one another by spinning: with one for each core, and a control plane on the same cores, most
    # of them spin while the last one is not even running, and it is four times slower than with half of them.
    threads = max(1, (os.cpu_count() or 1) // 2)
    image = _image(
        name=name,
        entrypoint=("/app/llama-server",),
        env={"LLAMA_ARG_HOST": "0.0.0.0", "LLAMA_ARG_THREADS": str(threads)},
        working_directory="/app",
    )

    def build(target: Path) -> None:
        tools = ("sh", "sleep", "date", "grep", "curl")
        tree = {**_BASE, **_tools(*tools), "/app/llama-server": File(binary, mode=0o755)}
        oci.write_archive(target, image, [{**tree, **interpreter.libraries([binary, *_programs(*tools)])}])

    return cached("llama-server", build, binary.parent.name.encode(), repr(image).encode())


def ollama_server() -> Path:
    """Returns Ollama as the upstream image has it: with a shell, and the program on the path."""
    binary = ollama.ollama()
    image = _image(name=OLLAMA_IMAGE, entrypoint=("/usr/bin/ollama",))

    def build(target: Path) -> None:
        tools = ("sh", "bash", "sleep")
        tree = {**_BASE, **_tools(*tools), "/usr/bin/ollama": File(binary, mode=0o755)}
        oci.write_archive(target, image, [{**tree, **interpreter.libraries([binary, *_programs(*tools)])}])

    return cached("ollama", build, binary.parent.name.encode(), repr(image).encode())


def vllm_server() -> Path:
    """Returns vLLM's command as the upstream image has it, but with vLLM itself in a volume at ``VLLM_FOLDER``."""
    root = vllm.python().parents[1]
    (packages,) = root.glob("lib/python*/site-packages")
    environment = {"PYTHONHOME": "/usr/local", "PYTHONPATH": f"{VLLM_FOLDER}/{packages.relative_to(root)}"}
    # torch takes a thread for each core and spins while it waits: the control plane needs one of them.
    threads = str(max(1, (os.cpu_count() or 1) // 2))
    image = _image(
        name=VLLM_IMAGE, entrypoint=("/usr/local/bin/vllm",), env={**environment, "OMP_NUM_THREADS": threads}
    )
    # Its engine is a process of its own, which imports this file.
    guarded = 'if __name__ == "__main__":\n    sys.exit(main())\n'
    script = f"#!{interpreter.PROGRAM}\nimport sys\nfrom vllm.entrypoints.cli.main import main\n{guarded}"

    def build(target: Path) -> None:
        once.say("vllm image: looking for the libraries that it needs, about half a minute, this once")
        compiled = [path for path in packages.rglob("*") if ".so" in path.name and path.is_file()]
        outside = {
            path: file
            for path, file in interpreter.libraries([*compiled, *_programs("sh", "lscpu")]).items()
            if not Path(path).is_relative_to(root)
        }
        programs = {
            "/usr/local/bin/vllm": File(script.encode(), mode=0o755),
            "/usr/local/bin/python3": File(f'#!/bin/sh\nexec {interpreter.PROGRAM} "$@"\n'.encode(), mode=0o755),
        }
        tree = {**_tools("sh", "lscpu"), **outside, **programs}
        oci.write_archive(target, image, [_python_layer(), tree])

    return cached("vllm", build, root.name.encode(), repr(image).encode())


def _programs(*names: str) -> list[Path]:
    found = [shutil.which(name) for name in names]
    return [Path(path).resolve() for path in found if path is not None]


def _tools(*names: str) -> dict[str, File | Folder]:
    return {f"/bin/{name}": File(path, mode=0o755) for name, path in zip(names, _programs(*names), strict=True)}


def _python_layer() -> Path:
    """Returns the interpreter with the operator's packages, which every image with Python has as its first layer."""

    def build(target: Path) -> None:
        once.say("operator image: collecting the interpreter and its packages, about a minute, once for each uv.lock")
        oci.write_layer(target, {**_BASE, **interpreter.runtime("gemma4-operator")})

    return cached("python", build, interpreter.fingerprint("gemma4-operator").encode())


def operator(*, name: str = OPERATOR_IMAGE) -> Path:
    """Returns this checkout's operator with this interpreter and its installed dependencies.

    The product's own image is made by the ``Dockerfile``; this one only has to behave like it.
    """
    image = _image(
        name=name,
        entrypoint=(interpreter.PROGRAM, "-m", "gemma4_operator"),
        env={**interpreter.ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
    )

    below = interpreter.fingerprint("gemma4-operator").encode()

    def build(target: Path) -> None:
        tree = {**interpreter.package(_PACKAGE), **interpreter.metadata("gemma4-operator")}
        oci.write_archive(target, image, [_python_layer(), tree])

    return cached("operator", build, below, interpreter.source_fingerprint(_PACKAGE).encode(), repr(image).encode())


def _image(
    *,
    name: str,
    entrypoint: tuple[str, ...],
    user: str = "65532:65532",
    env: Mapping[str, str] | None = None,
    working_directory: str = "/",
) -> Image:
    machine = platform.machine()
    return Image(
        name=name,
        entrypoint=entrypoint,
        user=user,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **(env or {})},
        working_directory=working_directory,
        architecture=_ARCHITECTURES.get(machine, machine),
    )


def cached(kind: str, build: Callable[[Path], None], *parts: bytes) -> Path:
    """Returns what `build` makes of some parts, from the cache unless one of them has changed."""
    digest = hashlib.sha256()
    for part in (_recipes(), *parts):
        digest.update(len(part).to_bytes(8, "big") + part)
    folder = once.cache("images") / f"{kind}-{digest.hexdigest()[:12]}"
    made = once.make(folder, lambda into: build(into / f"{kind}.tar"), label=f"{kind} image") / f"{kind}.tar"
    _forget_older(kind, keep=folder)
    return made


@functools.cache
def _recipes() -> bytes:
    # How an image is made is part of what it is.
    return b"".join(Path(str(module)).read_bytes() for module in (__file__, oci.__file__, interpreter.__file__))


def _forget_older(kind: str, *, keep: Path) -> None:
    # The operator's changes with every edit: a few are kept for those who work on several branches.
    made = [path for path in keep.parent.glob(f"{kind}-*") if path != keep]
    for old in sorted(made, key=lambda path: path.stat().st_mtime, reverse=True)[3:]:
        shutil.rmtree(old, ignore_errors=True)
