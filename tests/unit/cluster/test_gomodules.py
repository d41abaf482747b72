"""Files out of published Go modules: where they are, and what is said where they cannot be had."""

import json
from pathlib import Path

import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.gomodules import module_folder


def a_go_that(folder: Path, *, prints: str, code: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a `go` on PATH that tells what it was asked, and where; returns the file in which it does."""
    told = folder / "told"
    (folder / "answer").write_text(prints)
    program = folder / "go"
    program.write_text(f'#!/bin/sh\necho "$PWD $*" >{told}\ncat {folder}/answer\nexit {code}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return told


def test_the_module_is_asked_for_by_its_version_and_outside_of_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    told = a_go_that(tmp_path, prints=json.dumps({"Dir": "/modules/a@v1.2.3"}), code=0, monkeypatch=monkeypatch)
    assert module_folder("example.com/a", "v1.2.3") == Path("/modules/a@v1.2.3")
    place, *arguments = told.read_text().split()
    assert arguments == ["mod", "download", "-json", "example.com/a@v1.2.3"]
    assert not Path(place).exists(), "nothing stays"


@pytest.mark.parametrize(
    ("prints", "code"), [(json.dumps({"Error": "unknown revision"}), 1), (json.dumps({"Error": "unknown revision"}), 0)]
)
def test_a_module_that_cannot_be_had_is_named(prints: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    a_go_that(tmp_path, prints=prints, code=code, monkeypatch=monkeypatch)
    with pytest.raises(ClusterError, match=r"example.com/a@v1.2.3 cannot be had: unknown revision"):
        module_folder("example.com/a", "v1.2.3")
