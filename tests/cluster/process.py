"""Child processes that end with their owner, and that are never confused with a stranger of the same pid.

A test's programs run behind a ``guard`` and die with the test runner, even when that is killed. A person's programs
(``python -m tests.cluster up``) outlive the command that started them; they are remembered as pid and start time, so
that ``down`` cannot end another process to which the kernel has given the number since.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.cluster import guard
from tests.cluster.errors import ClusterError


@dataclass(frozen=True)
class Identity:
    """One process, for all time: the kernel reuses pids, but not at the same moment."""

    pid: int
    start_ticks: int

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """Returns None for a process that has ended, a zombie included."""
        ticks = guard.start_ticks(pid)
        return None if ticks is None else cls(pid=pid, start_ticks=ticks)

    def alive(self) -> bool:
        return guard.start_ticks(self.pid) == self.start_ticks

    def signal(self, number: signal.Signals) -> bool:
        """Sends a signal to this process and to no other; says whether it was still there."""
        with self._handle() as handle:
            if handle is None:
                return False
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)
            return True

    def wait(self, timeout_seconds: float) -> bool:
        """Waits for the end, and says whether it came."""
        with self._handle() as handle:
            if handle is None:
                return True
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            return bool(poll.poll(timeout_seconds * 1000))

    @contextlib.contextmanager
    def _handle(self) -> Iterator[int | None]:
        # Opened first and compared after: from then on the handle cannot come to mean another process.
        try:
            handle = os.pidfd_open(self.pid)
        except OSError:
            yield None
            return
        try:
            yield handle if self.alive() else None
        finally:
            os.close(handle)


@dataclass(frozen=True)
class Program:
    """What is to run."""

    name: str
    command: tuple[str, ...]
    log: Path
    grace_seconds: float = 3.0
    """How long it may take to end by itself before it is killed."""


@dataclass
class Running:
    """A program that has been started, here or by an earlier command of the same person."""

    name: str
    identity: Identity
    log: Path
    grace_seconds: float = 3.0
    guarded: bool = True
    _popen: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def alive(self) -> bool:
        if self._popen is not None:
            self._popen.poll()
        return self.identity.alive()

    def exit_code(self) -> int | None:
        """Returns how the program ended: 128 plus the signal for one that was killed, None while it runs."""
        return self._popen.poll() if self._popen is not None else None

    def require(self) -> None:
        """Raises with the end of the log if the program has ended."""
        if not self.alive():
            code = self.exit_code()
            raise ClusterError(f"{self.name} has ended (exit code {code}); its log {self.log} ends:\n{self.tail()}")

    def stop(self) -> None:
        """Ends the program and returns when it is gone, its ports free."""
        self.identity.signal(signal.SIGTERM)
        self.identity.wait(self.grace_seconds)
        self.kill()

    def kill(self) -> None:
        """Ends the program at once, for when nobody needs its data any more; returns when it is gone."""
        # A guard that is asked so kills the program and sees it off; killed itself, it could not tell us that it did.
        self.identity.signal(signal.SIGQUIT if self.guarded else signal.SIGKILL)
        if not self.identity.wait(30):
            self.identity.signal(signal.SIGKILL)
        if self._popen is not None:
            self._popen.wait()

    def tail(self, lines: int = 12) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(line[:400] for line in text.splitlines()[-lines:])


def start(program: Program, *, guarded: bool) -> Running:
    """Starts a program in a session of its own, so that a Ctrl-C in the runner's terminal does not reach it.

    Args:
        program: Its output is added to its log.
        guarded: Whether it must end with this process.
    """
    program.log.parent.mkdir(parents=True, exist_ok=True)
    command = [*_guard(), *program.command] if guarded else list(program.command)
    with program.log.open("ab") as log:
        popen = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    # A child that has ended already is still a zombie of ours, so the pid is not reused before it is reaped.
    identity = Identity.of(popen.pid) or Identity(pid=popen.pid, start_ticks=-1)
    return Running(
        name=program.name,
        identity=identity,
        log=program.log,
        grace_seconds=program.grace_seconds,
        guarded=guarded,
        _popen=popen,
    )


def _guard() -> list[str]:
    myself = Identity.of(os.getpid())
    if myself is None:
        raise ClusterError("The test cluster needs Linux with /proc mounted: it tells its processes apart by it.")
    # -I and -S: a guard needs no site packages, and starts in 15 ms without them.
    return [sys.executable, "-I", "-S", guard.__file__, str(myself.pid), str(myself.start_ticks)]
