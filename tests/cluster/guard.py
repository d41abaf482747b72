"""Stands between a test runner and one of its programs, so that the program cannot outlive the runner.

Run as a script of its own: ``python -I -S guard.py RUNNER_PID RUNNER_START_TICKS PROGRAM ARGUMENT...``. It is a
process because the kernel's parent-death signal fires when the *thread* that forked ends, which in a test may be any
passing worker thread; here the guard's only thread forks, and the guard itself watches the whole runner by pidfd.
So whichever of the two dies first, and be it by SIGKILL, the program is killed.

SIGTERM is handed on; SIGQUIT kills the program. The guard ends when the program has, with its exit code.
"""

import ctypes
import os
import select
import signal
import sys

_PR_SET_PDEATHSIG = 1
_RUNNER_GONE = 3


def start_ticks(pid: int) -> int | None:
    """Returns when a process started, in clock ticks since boot; None if it is not there or only a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            # The program's name, in parentheses, may itself hold spaces and parentheses.
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _launch(command: list[str]) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    guard = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and an ignored signal stays so across exec
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The guard may have died between the fork and the line above.
        if os.getppid() == guard:
            os.execv(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]} cannot be run: {error}\n".encode())
    finally:
        os._exit(127)


def _watch(runner: int, child: int, wakeup: int) -> None:
    """Returns when the child has ended; kills it when the runner has."""
    child_fd = os.pidfd_open(child)
    poll = select.poll()
    for fd in (runner, child_fd, wakeup):
        poll.register(fd, select.POLLIN)
    while True:
        ready = {fd for fd, _ in poll.poll()}
        if child_fd in ready:
            return
        if runner in ready:
            poll.unregister(runner)
            signal.pidfd_send_signal(child_fd, signal.SIGKILL)
        if wakeup in ready:
            for number in os.read(wakeup, 16):
                signal.pidfd_send_signal(child_fd, signal.SIGKILL if number == signal.SIGQUIT else signal.SIGTERM)


def main(arguments: list[str]) -> int:
    """Runs the program until it ends; returns its exit code, or 128 plus the signal that ended it."""
    pid, ticks, command = int(arguments[0]), int(arguments[1]), arguments[2:]
    wakeup, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in (signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, lambda *_: None)
    try:
        runner = os.pidfd_open(pid)
    except ProcessLookupError:
        return _RUNNER_GONE
    if start_ticks(pid) != ticks:
        return _RUNNER_GONE
    child = _launch(command)
    _watch(runner, child, wakeup)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
