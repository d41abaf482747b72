"""Children of a killed program end with it, and nobody else does."""

import os
import sys
from pathlib import Path

from tests.cluster import process, sweep
from tests.cluster.process import Identity, Program, Running
from tests.cluster.waiting import wait_for

PARENT = "import os, subprocess, time\nprint(subprocess.Popen(['sleep', '60']).pid, flush=True)\ntime.sleep(60)"


def start(tmp_path: Path) -> tuple[Running, Identity]:
    log = tmp_path / "parent.log"
    running = process.start(Program("parent", (sys.executable, "-c", PARENT), log=log), guarded=True)
    child = Identity.of(int(wait_for(log.read_text, 10, "the child's pid")))
    assert child is not None
    return running, child


def test_a_child_does_not_outlive_the_killed_program(tmp_path: Path) -> None:
    running, child = start(tmp_path)
    with sweep.after(running.identity.pid):
        running.kill()
        assert child.wait(50)


def test_nor_one_that_has_ended_by_itself_before(tmp_path: Path) -> None:
    running, child = start(tmp_path)
    running.kill()
    assert child.alive()
    with sweep.after(running.identity.pid):
        assert child.wait(50)


def test_a_session_is_its_members_and_no_others(tmp_path: Path) -> None:
    running, child = start(tmp_path)
    with sweep.after(running.identity.pid):
        session = sweep.members(running.identity.pid)
        assert {running.identity.pid, child.pid} < set(session)
        assert os.getpid() not in session
        running.kill()
    assert sweep.members(running.identity.pid) == []
