"""The product's own image, by its Dockerfile and without Docker: buildah builds it, on bases that mmdebstrap makes.

The bases that the Dockerfile names cannot be had from Debian, and stand-ins with the same packages take their place: a
minimal Debian to build on, and one of Python's packages alone, without a shell, to run on. ``python -m
tests.cluster.dockerfile`` builds the image and says what weighs what.
"""

import gzip
import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import debian, engines, images
from tests.cluster.real import interpreter, once

NAME = "gemma4.test/gemma4-operator:dockerfile"
SUITE = "bookworm"
_ROOT = Path(__file__).parents[2]
_FILES = ("Dockerfile", ".dockerignore", "pyproject.toml", "uv.lock", "README.md", "LICENSE")
_TOOLS = {"buildah": ("buildah",), "mmdebstrap": ("mmdebstrap",), "util-linux": ("unshare",)}
_BUILD = ("--variant=minbase", "--include=python3,ca-certificates")
_FINAL = (
    # Unpacked and never configured: what configures packages is not there.
    "--variant=extract",
    "--include=python3,libpython3.11-stdlib,ca-certificates,tzdata,netbase,base-files",
)
_ETC = {
    "passwd": "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n",
    "group": "root:x:0:\nnonroot:x:65532:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
"""What configuring packages would have made, as a base without a shell has it."""
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
"""Whom this machine trusts: a mirror of its network may have a certificate of its own."""


def image() -> Path:
    """Returns the image as an OCI archive, made anew when anything in it has changed."""
    parts = [(_ROOT / name).read_bytes() for name in _FILES]
    parts += [interpreter.source_fingerprint(_ROOT / "operator").encode(), Path(__file__).read_bytes()]
    return images.cached("dockerfile", _build, *parts)


def _base(kind: str, arguments: tuple[str, ...]) -> Path:
    key = hashlib.sha256(repr(arguments).encode()).hexdigest()[:12]
    folder = once.cache("images") / f"debian-{SUITE}-{kind}-{key}"

    def build(into: Path) -> None:
        debian.ensure(_TOOLS)
        once.say(f"base image: unpacking Debian's packages for the {kind} stage, about a minute, this once")
        once.run(["mmdebstrap", *arguments, "--format=tar", SUITE, str(into / "base.tar")], label=f"{kind} base")

    return once.make(folder, build, label=f"{kind} base") / "base.tar"


def _build(target: Path) -> None:
    debian.ensure(_TOOLS)
    bases = {"BUILD_BASE": _base("build", _BUILD), "FINAL_BASE": _base("final", _FINAL)}
    once.say("operator image: building the Dockerfile, about a minute for each change of the code")
    with tempfile.TemporaryDirectory(prefix="buildah-") as folder:
        for file, text in _ETC.items():
            (Path(folder) / file).write_text(text)
        script = Path(folder) / "build.sh"
        script.write_text(_script(Path(folder), bases, target))
        # Downloads are kept there between builds.
        environ = {"BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs", "TMPDIR": str(once.cache("buildah"))}
        # Whatever is mounted meanwhile goes with the last process, however it ends.
        command = ["unshare", "--mount", "--propagation=private", "/bin/sh", "-eu", str(script)]
        once.run(command, label="operator image", environ=environ)


def _script(folder: Path, bases: dict[str, Path], target: Path) -> str:
    buildah = f"buildah --root {folder}/root --runroot {folder}/run"
    lines = [f"cd {_ROOT}"]
    files = {"UV_IMAGE": (engines.uv(), "/uv"), **{name: (path, "/") for name, path in bases.items()}}
    for name, (source, place) in files.items():
        lines += ["made=$(" + f"{buildah} from scratch)", f"{buildah} add --quiet $made {source} {place}"]
        if name == "BUILD_BASE" and _AUTHORITIES.exists():
            lines += [
                f"{buildah} add --quiet $made {_AUTHORITIES} /etc/ssl/of-the-builder.crt",
                f"{buildah} config --env SSL_CERT_FILE=/etc/ssl/of-the-builder.crt $made",
            ]
        if name == "FINAL_BASE":
            lines += [f"{buildah} add --quiet $made {folder}/{file} /etc/{file}" for file in _ETC]
        lines += [f"{buildah} commit --quiet --rm $made localhost/{name.lower()}"]
    arguments = " ".join(f"--build-arg {name}=localhost/{name.lower()}" for name in files)
    lines += [
        f"{buildah} build --pull-never {arguments} --tag {NAME} .",
        f"{buildah} push --quiet {NAME} oci-archive:{target}:{NAME}",
    ]
    return "\n".join((*lines, ""))


@dataclass(frozen=True)
class Layer:
    """One layer: its compressed bytes, and the path of everything in it, without a slash before it."""

    size_bytes: int
    paths: frozenset[str]


@dataclass(frozen=True)
class Contents:
    """What an archive holds: the image's configuration, such as its user and labels, and its layers."""

    config: Mapping[str, Any]
    layers: tuple[Layer, ...]

    @property
    def paths(self) -> frozenset[str]:
        """Everything in the image."""
        return frozenset[str]().union(*(layer.paths for layer in self.layers))

    @property
    def size_bytes(self) -> int:
        """What a registry sends."""
        return sum(layer.size_bytes for layer in self.layers)


def contents(archive: Path) -> Contents:
    """Returns what an OCI archive holds."""
    with tarfile.open(archive) as tar:

        def read(name: str) -> bytes:
            file = tar.extractfile(name)
            assert file is not None
            return file.read()

        def blob(descriptor: Mapping[str, Any]) -> bytes:
            return read(f"blobs/{descriptor['digest'].replace(':', '/')}")

        (found,) = json.loads(read("index.json"))["manifests"]
        manifest = json.loads(blob(found))
        return Contents(
            config=json.loads(blob(manifest["config"]))["config"],
            layers=tuple(
                Layer(size_bytes=layer["size"], paths=frozenset(_names(blob(layer)))) for layer in manifest["layers"]
            ),
        )


def _names(layer: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as tar:
        return [name.removeprefix("./").rstrip("/") for name in tar.getnames()]


def _report(archive: Path) -> str:
    found = contents(archive)
    lines = []
    for layer in found.layers:
        tops = sorted({path.split("/")[0] for path in layer.paths} - {"", "."})
        lines.append(f"{layer.size_bytes / 1e6:6.1f} MB  {' '.join(f'/{top}' for top in tops)}")
    return "\n".join((*lines, f"{found.size_bytes / 1e6:6.1f} MB  in all, compressed"))


if __name__ == "__main__":
    print(_report(image()))
