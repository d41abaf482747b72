"""Ends what a program leaves behind when it is killed: children that do not notice, and would live on for ever.

A ``guard`` kills the one program that it stands before. The whole session that it leads is swept by a process of its
own, which outlives guard and runner by the moment that takes; as a script: ``python -I -S sweep.py GUARD_PID``. The
kernel gives a session's number to nobody else while a member of it lives.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

_PAUSE_SECONDS = 0.1


@contextlib.contextmanager
def after(guard: int) -> Iterator[None]:
    """Sweeps the session of a guard once that has ended, within the block or after it, by whatever death."""
    # In a session of its own, so that what ends the runner's does not end this.
    with subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, str(guard)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ):
        yield


def members(session: int) -> list[int]:
    """Returns the processes of a session that have not ended."""
    found = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if name.isdigit():
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    # The program's name, in parentheses, may itself hold spaces and parentheses.
                    state, _, _, of, *_ = file.read().rpartition(")")[2].split()
                if int(of) == session and state not in "ZX":
                    found.append(int(name))
    return found


def main(guard: int) -> None:
    """Waits for the end of a guard, then kills what is left of its session."""
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(guard)
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll()
    while left := members(guard):
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE_SECONDS)


if __name__ == "__main__":
    main(int(sys.argv[1]))
