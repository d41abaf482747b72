"""Writes container images as OCI archives, in nothing but Python, and the same bytes for the same files.

An archive is a tar of ``oci-layout``, ``index.json`` and blobs named by their digests; containerd imports it as it is.
"""

import contextlib
import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class File:
    """One file of an image."""

    content: bytes | Path
    """The bytes, or a file to copy; a symbolic link is followed."""
    mode: int = 0o644


@dataclass(frozen=True)
class Folder:
    """One folder that must exist though it is empty, or whose mode is unusual."""

    mode: int = 0o755


Tree = Mapping[str, File | Folder]
"""Absolute paths in the image; the folders above each need no mention."""


@dataclass(frozen=True)
class Image:
    """What an image says about how it is run."""

    name: str
    """With registry and tag, as a pod names it."""
    entrypoint: tuple[str, ...]
    user: str = "65532:65532"
    env: Mapping[str, str] = field(default_factory=dict)
    working_directory: str = "/"
    architecture: str = "amd64"


def write_archive(target: Path, image: Image, layers: Sequence[Tree | Path]) -> None:
    """Writes an archive; a reader sees the old file or the whole new one.

    Args:
        target: The file.
        image: How it is run.
        layers: The files, lowest layer first; a path is that of a layer made by ``write_layer``.
    """
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    with contextlib.ExitStack() as stack:
        files: list[IO[bytes]] = []
        for layer in layers:
            if isinstance(layer, Path):
                files.append(stack.enter_context(layer.open("rb")))
            else:
                files.append(stack.enter_context(tempfile.TemporaryFile(dir=target.parent)))
                _write_layer(files[-1], layer)
        measured = [_measure(file) for file in files]
        config = _json(_config(image, diff_ids=[digest for digest, _ in measured]))
        manifest = _json(_manifest(config, layers=measured))
        with tarfile.open(unfinished, "w", format=tarfile.GNU_FORMAT) as archive:
            _add(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
            _add(archive, "index.json", _json(_index(image, manifest)))
            for blob in (config, manifest):
                _add(archive, f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}", blob)
            for file, (digest, size_bytes) in zip(files, measured, strict=True):
                file.seek(0)
                entry = _entry(f"blobs/sha256/{digest}", mode=0o644)
                entry.size = size_bytes
                archive.addfile(entry, file)
    unfinished.replace(target)


def write_layer(target: Path, tree: Tree) -> None:
    """Writes one layer by itself, for several archives to have it in common."""
    with target.open("wb") as file:
        _write_layer(file, tree)


def _write_layer(into: IO[bytes], tree: Tree) -> None:
    complete: dict[str, File | Folder] = {}
    for path, item in tree.items():
        pure = PurePosixPath(path)
        if not pure.is_absolute() or ".." in pure.parts:
            raise ValueError(f"{path!r} is no absolute path of an image")
        for parent in pure.parents:
            complete.setdefault(str(parent), Folder())
        complete[str(pure)] = item
    complete.pop("/", None)
    with tarfile.open(fileobj=into, mode="w", format=tarfile.GNU_FORMAT) as layer:
        # Sorted by parts, so that a folder always comes before what is in it.
        for path in sorted(complete, key=lambda text: PurePosixPath(text).parts):
            _write_item(layer, path.lstrip("/"), complete[path])


def _write_item(layer: tarfile.TarFile, path: str, item: File | Folder) -> None:
    entry = _entry(path, mode=item.mode)
    if isinstance(item, Folder):
        entry.type = tarfile.DIRTYPE
        layer.addfile(entry)
    elif isinstance(item.content, bytes):
        _add(layer, path, item.content, mode=item.mode)
    else:
        with item.content.open("rb") as file:
            entry.size = file.seek(0, io.SEEK_END)
            file.seek(0)
            layer.addfile(entry, file)


def _entry(path: str, *, mode: int) -> tarfile.TarInfo:
    # Owner root, time zero: TarInfo's defaults.
    entry = tarfile.TarInfo(path)
    entry.mode = mode
    return entry


def _add(archive: tarfile.TarFile, path: str, content: bytes, *, mode: int = 0o644) -> None:
    entry = _entry(path, mode=mode)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _measure(file: IO[bytes]) -> tuple[str, int]:
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest(), file.tell()


def _config(image: Image, *, diff_ids: list[str]) -> dict[str, Any]:
    return {
        "architecture": image.architecture,
        "os": "linux",
        "config": {
            "User": image.user,
            "Env": [f"{key}={value}" for key, value in sorted(image.env.items())],
            "Entrypoint": list(image.entrypoint),
            "WorkingDir": image.working_directory,
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{one}" for one in diff_ids]},
    }


def _manifest(config: bytes, *, layers: list[tuple[str, int]]) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _descriptor("config.v1+json", hashlib.sha256(config).hexdigest(), len(config)),
        "layers": [_descriptor("layer.v1.tar", digest, size_bytes) for digest, size_bytes in layers],
    }


def _index(image: Image, manifest: bytes) -> dict[str, Any]:
    descriptor = _descriptor("manifest.v1+json", hashlib.sha256(manifest).hexdigest(), len(manifest))
    # The first is what containerd names the image by, the second what others do.
    names = {"io.containerd.image.name": image.name, "org.opencontainers.image.ref.name": image.name}
    platform = {"architecture": image.architecture, "os": "linux"}
    return {"schemaVersion": 2, "manifests": [{**descriptor, "annotations": names, "platform": platform}]}


def _descriptor(kind: str, digest: str, size_bytes: int) -> dict[str, Any]:
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": size_bytes}


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
