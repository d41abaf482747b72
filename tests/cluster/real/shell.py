"""Runs the system programs that a node needs, and says in one sentence what went wrong with one."""

import os
import shutil
import subprocess

from tests.cluster.errors import ClusterError

# Debian keeps these out of an ordinary user's PATH, and "su" without "-" leaves them out of root's too.
SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def find(program: str) -> str:
    """Returns where a program is; ``debian.ensure`` has been called before."""
    path = shutil.which(program, path=SEARCH_PATH)
    if path is None:
        raise ClusterError(f"The program {program} is not installed, and a real node needs it.")
    return path


def run(program: str, *arguments: str, check: bool = True, timeout_seconds: float = 60.0) -> str:
    """Returns what it printed."""
    try:
        result = subprocess.run(
            [find(program), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ClusterError(f"{program} {' '.join(arguments)} did not end within {timeout_seconds:g} s.") from None
    if check and result.returncode:
        said = result.stderr.strip() or result.stdout.strip()
        raise ClusterError(f"{program} {' '.join(arguments)} failed: {said}")
    return result.stdout
