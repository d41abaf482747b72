"""hack/setup.sh on machines that lack something: one sentence that says what to do."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hack.manifests import ROOT

TOOLS = ("bash", "dirname", "cut")
OLD = "exit 1"
# Answers the version question and the name of the package; cannot import ensurepip.
WITHOUT_VENV = 'case "$2" in *version_info\\ \\<*) exit 0;; *print*) echo python3.11-venv;; *) exit 1;; esac'


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of programs that is all there is on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(str(shutil.which(tool)))
    return folder


def _program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!{folder}/bash\n{body}\n")
    path.chmod(0o755)


def _setup(machine: Path) -> subprocess.CompletedProcess[str]:
    command = [str(machine / "bash"), str(ROOT / "hack" / "setup.sh"), str(machine.parent / "venv")]
    return subprocess.run(command, env={"PATH": str(machine)}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("python", [None, OLD], ids=["none", "too-old"])
def test_without_a_python_that_is_new_enough(machine: Path, python: str | None):
    if python:
        _program(machine, "python3", python)
    result = _setup(machine)
    assert result.returncode == 1
    assert "Python 3.11 or newer is needed" in result.stderr


def test_without_venv_and_without_rights(machine: Path):
    _program(machine, "python3", WITHOUT_VENV)
    _program(machine, "id", "echo 1000")
    result = _setup(machine)
    assert result.returncode == 1
    assert "sudo apt install python3.11-venv" in result.stderr


def test_without_venv_as_root_it_is_installed(machine: Path):
    _program(machine, "python3", WITHOUT_VENV)
    _program(machine, "id", "echo 0")
    _program(machine, "apt-get", f'echo "$@" >> {machine}/asked')
    result = _setup(machine)
    assert "installing python3.11-venv" in result.stderr
    assert (machine / "asked").read_text().splitlines()[-1].endswith("python3.11-venv")
