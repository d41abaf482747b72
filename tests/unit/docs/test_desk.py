"""The desk: what is typed at it knows nothing of the machine, and ends with whoever typed it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import wait_for
from tests.docs.desk import Desk

ROOT = Path(__file__).parents[3]


def test_nothing_of_the_persons_own_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/etc/theirs.yaml")
    monkeypatch.setenv("GEMMA4_CATALOG_FILE", "/etc/theirs.yaml")
    printed = Desk(tmp_path).run("env").stdout
    assert "theirs" not in printed
    assert f"HOME={tmp_path}" in printed


def test_the_files_of_the_checkout_lie_on_it(tmp_path: Path) -> None:
    assert "auto.yaml" in Desk(tmp_path).run("ls manifests/samples").stdout


@pytest.mark.parametrize(("command", "status"), [("true", 0), ("exit 3", 3), ("false | true", 1), ("echo $NONE", 127)])
def test_a_command_fails_where_any_part_of_it_does(tmp_path: Path, command: str, status: int) -> None:
    assert Desk(tmp_path).run(command).returncode == status


def test_what_was_typed_ends_when_the_runner_is_killed(tmp_path: Path) -> None:
    typed = "echo $$ > started; sleep 600; true"
    code = f"from tests.docs.desk import Desk; from pathlib import Path; Desk(Path({str(tmp_path)!r})).run({typed!r})"
    runner = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    started = tmp_path / "desk" / "started"
    shell = int(wait_for(lambda: started.exists() and started.read_text().strip(), 20, "the command to start"))
    os.kill(runner.pid, signal.SIGKILL)
    runner.wait()
    wait_for(lambda: not Path(f"/proc/{shell}").exists(), 20, "the end of what was typed")
