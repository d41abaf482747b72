"""Children that end with their owner, and pids that are not mistaken."""

import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import process
from tests.cluster.errors import ClusterError
from tests.cluster.process import Identity, Program, Running
from tests.cluster.waiting import wait_for


def program(tmp_path: Path, code: str, *, grace_seconds: float = 5.0) -> Program:
    text = f"import os, signal, time\nprint(os.getpid(), flush=True)\n{textwrap.dedent(code)}"
    return Program(
        name="child", command=(sys.executable, "-c", text), log=tmp_path / "child.log", grace_seconds=grace_seconds
    )


def inner(running: Running) -> Identity:
    """The program itself, which stands behind a guard."""
    found = Identity.of(int(wait_for(lambda: running.log.exists() and running.log.read_text().split())[0]))
    assert found is not None
    return found


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Running]:
    running = process.start(program(tmp_path, "time.sleep(60)"), guarded=True)
    yield running
    running.kill()


class TestIdentity:
    def test_of_this_process_is_alive(self) -> None:
        me = Identity.of(os.getpid())
        assert me is not None
        assert me.alive()

    def test_of_nobody_is_none(self) -> None:
        assert Identity.of(2**22 + 1) is None

    def test_a_zombie_has_ended(self) -> None:
        with subprocess.Popen(["true"]) as child:
            wait_for(lambda: Identity.of(child.pid) is None, 5, "the child to become a zombie")

    def test_a_recycled_pid_gets_no_signal(self, sleeper: Running) -> None:
        earlier = dataclasses.replace(sleeper.identity, start_ticks=sleeper.identity.start_ticks - 1)
        assert not earlier.alive()
        assert not earlier.signal(signal.SIGKILL)
        assert earlier.wait(0)
        assert sleeper.alive()

    def test_a_name_with_parentheses_is_read(self, tmp_path: Path) -> None:
        odd = tmp_path / "a) R (b"
        odd.write_text("#!/bin/sh\nsleep 30\n")
        odd.chmod(0o755)
        running = process.start(Program(name="odd", command=(str(odd),), log=tmp_path / "log"), guarded=False)
        try:
            assert Identity.of(running.identity.pid) == running.identity
        finally:
            running.kill()


class TestEnd:
    def test_sigterm_reaches_the_program(self, tmp_path: Path) -> None:
        code = """
            def leave(*_):
                print("bye", flush=True)
                os._exit(0)
            signal.signal(signal.SIGTERM, leave)
            print("ready", flush=True)
            time.sleep(60)
        """
        running = process.start(program(tmp_path, code), guarded=True)
        wait_for(lambda: "ready" in running.tail(), 10, "the program to start")
        running.stop()
        assert running.tail().endswith("bye")

    @pytest.mark.parametrize("guarded", [True, False])
    def test_a_stubborn_program_is_killed(self, tmp_path: Path, guarded: bool) -> None:
        code = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(60)"
        running = process.start(program(tmp_path, code, grace_seconds=0.2), guarded=guarded)
        wait_for(lambda: "ready" in running.tail(), 10, "the program to start")
        child = inner(running)
        running.stop()
        assert not child.alive()
        assert not running.alive()

    def test_stopping_twice_is_harmless(self, sleeper: Running) -> None:
        sleeper.stop()
        sleeper.stop()

    def test_a_program_that_ended_shows_its_log(self, tmp_path: Path) -> None:
        running = process.start(program(tmp_path, "print('cannot listen'); raise SystemExit(7)"), guarded=True)
        wait_for(lambda: not running.alive(), 10, "the program to end")
        with pytest.raises(ClusterError, match=r"child has ended \(exit code 7\)[\s\S]*cannot listen"):
            running.require()

    def test_a_program_that_cannot_be_run_says_so(self, tmp_path: Path) -> None:
        running = process.start(Program(name="x", command=("/nowhere/x",), log=tmp_path / "log"), guarded=True)
        wait_for(lambda: not running.alive(), 10, "the guard to end")
        assert "/nowhere/x cannot be run" in running.tail()


class TestGuard:
    def test_the_guard_killed_takes_the_program_along(self, sleeper: Running) -> None:
        child = inner(sleeper)
        assert child != sleeper.identity
        os.kill(sleeper.identity.pid, signal.SIGKILL)
        assert child.wait(50)

    def test_the_end_of_the_starting_thread_changes_nothing(self, tmp_path: Path) -> None:
        started: list[Running] = []
        thread = threading.Thread(
            target=lambda: started.append(process.start(program(tmp_path, "time.sleep(60)"), guarded=True))
        )
        thread.start()
        thread.join()
        child = inner(started[0])
        try:
            assert not child.wait(0.3)
        finally:
            started[0].kill()

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    def test_the_runner_killed_takes_all_along(self, tmp_path: Path, number: signal.Signals) -> None:
        code = textwrap.dedent(f"""
            import sys, time
            from pathlib import Path
            from tests.cluster import process
            text = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
            process.start(
                process.Program(name="c", command=(sys.executable, "-c", text), log=Path({str(tmp_path / "log")!r})),
                guarded=True,
            )
            time.sleep(60)
        """)
        with subprocess.Popen([sys.executable, "-c", code]) as runner:
            text = wait_for(
                lambda: (tmp_path / "log").exists() and (tmp_path / "log").read_text().strip(), 10, "a start"
            )
            child = Identity.of(int(text))
            runner.send_signal(number)
        assert child is not None
        assert child.wait(50)

    def test_a_runner_that_is_gone_gets_no_program(self, tmp_path: Path) -> None:
        command = [sys.executable, "-I", "-S", process.guard.__file__, str(os.getpid()), "1", "/bin/touch", "x"]
        assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 3
        assert not (tmp_path / "x").exists()
