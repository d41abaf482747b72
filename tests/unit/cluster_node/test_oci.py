"""Image archives: what containerd reads in them, and that they do not depend on when they were made."""

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.real import oci
from tests.cluster.real.oci import File, Folder, Image

IMAGE = Image(name="example.test/a:1", entrypoint=("/app/a", "-v"), env={"B": "2", "A": "1"}, working_directory="/app")


def _blob(archive: tarfile.TarFile, digest: str) -> bytes:
    content = _read(archive, f"blobs/sha256/{digest.removeprefix('sha256:')}")
    assert f"sha256:{hashlib.sha256(content).hexdigest()}" == digest
    return content


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def _manifest(archive: tarfile.TarFile) -> dict[str, Any]:
    (descriptor,) = json.loads(_read(archive, "index.json"))["manifests"]
    assert descriptor["annotations"]["io.containerd.image.name"] == IMAGE.name
    blob = _blob(archive, descriptor["digest"])
    assert len(blob) == descriptor["size"]
    return dict(json.loads(blob))


def test_the_archive_holds_together(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"program")
    target = tmp_path / "image.tar"
    oci.write_archive(target, IMAGE, [{"/app/a": File(source, mode=0o755)}, {"/tmp": Folder(mode=0o1777)}])
    with tarfile.open(target) as archive:
        assert json.loads(_read(archive, "oci-layout")) == {"imageLayoutVersion": "1.0.0"}
        manifest = _manifest(archive)
        config = json.loads(_blob(archive, manifest["config"]["digest"]))
        layers = [layer["digest"] for layer in manifest["layers"]]
        for layer in layers:
            _blob(archive, layer)
    assert config["rootfs"]["diff_ids"] == layers
    assert config["config"] == {
        "User": "65532:65532",
        "Env": ["A=1", "B=2"],
        "Entrypoint": ["/app/a", "-v"],
        "WorkingDir": "/app",
    }
    assert sorted(tmp_path.iterdir()) == [target, source]


def test_a_layer_has_each_folder_before_what_is_in_it(tmp_path: Path) -> None:
    target = tmp_path / "layer.tar"
    oci.write_layer(target, {"/b/c/d": File(b"1"), "/b-a": File(b"2"), "/b": Folder(mode=0o700)})
    with tarfile.open(target) as layer:
        entries = [(entry.name, oct(entry.mode), entry.uid, entry.mtime) for entry in layer]
    assert entries == [
        ("b", "0o700", 0, 0),
        ("b/c", "0o755", 0, 0),
        ("b/c/d", "0o644", 0, 0),
        ("b-a", "0o644", 0, 0),
    ]


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    tree = {"/x": File(b"x"), "/y/z": File(b"z")}
    first, second = tmp_path / "first.tar", tmp_path / "second.tar"
    oci.write_archive(first, IMAGE, [tree])
    layer = tmp_path / "layer.tar"
    oci.write_layer(layer, dict(reversed(tree.items())))
    oci.write_archive(second, IMAGE, [layer])
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("path", ["relative", "/up/../out"])
def test_a_path_that_leaves_the_image_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="no absolute path"):
        oci.write_layer(tmp_path / "layer.tar", {path: File(b"")})
