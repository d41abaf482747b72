"""The machine: how much of it others used meanwhile, what a process costs, and which versions took part."""

import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

_ROOT = Path(__file__).parents[2]
_MEASURED = ("operator", "charts", "crds", "manifests")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """CPU seconds that were spent until a moment."""

    at_seconds: float
    busy_seconds: float
    own_seconds: float


def usage() -> Usage:
    """Look at the machine, and at this process with all that it started."""
    spent = psutil.cpu_times()
    idle = spent.idle + spent.iowait + spent.steal
    # Time of guests is part of user time already.
    total = sum(spent) - spent.guest - spent.guest_nice
    return Usage(at_seconds=time.monotonic(), busy_seconds=total - idle, own_seconds=_own_seconds())


def foreign_share(before: Usage, after: Usage, *, cores: int) -> float:
    """Return the part of the machine that others used between two moments, 0 to 1."""
    foreign = (after.busy_seconds - before.busy_seconds) - (after.own_seconds - before.own_seconds)
    available = (after.at_seconds - before.at_seconds) * cores
    return min(max(foreign / available, 0.0), 1.0) if available > 0 else 0.0


def _own_seconds() -> float:
    myself = psutil.Process()
    return sum(_seconds_with_reaped(process) for process in (myself, *myself.children(recursive=True)))


def _seconds_with_reaped(process: psutil.Process) -> float:
    try:
        spent = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(spent.user + spent.system + spent.children_user + spent.children_system)


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU time of one process."""
    spent = process.cpu_times()
    return float(spent.user + spent.system)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Resident memory of a process: now, and at its highest so far."""

    resident_mib: float
    highest_mib: float


def memory(process: psutil.Process) -> Memory:
    """Look at a process."""
    return parse_memory(Path(f"/proc/{process.pid}/status").read_text())


def parse_memory(status: str) -> Memory:
    """Read the text of /proc/PID/status."""
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    resident, highest = (int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return Memory(resident_mib=resident, highest_mib=highest)


def machine_class() -> str:
    """Say in words what the machine is."""
    memory_gib = round(psutil.virtual_memory().total / 2**30)
    return f"{cores()} cores, {memory_gib} GiB, {platform.system()} {platform.release().split('-')[0]}"


def cores() -> int:
    """Return how many cores there are."""
    return os.cpu_count() or 1


def versions(kubernetes: str) -> Mapping[str, str]:
    """Return the versions that took part, by name."""
    packages = ("kopf", "kubernetes", "aiohttp", "pydantic", "jinja2")
    return {
        "gemma4-operator": f"{version('gemma4-operator')} ({_commit()})",
        "Kubernetes": kubernetes,
        "Python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def git_version(answer: str) -> str:
    """Read an API server's answer to /version."""
    return str(json.loads(answer)["gitVersion"])


def _commit() -> str:
    commit = _git("rev-parse", "--short=10", "HEAD")
    changed = _git("status", "--porcelain", "--", *_MEASURED)
    return f"commit {commit or 'unknown'}{', with changes' if changed else ''}"


def _git(*arguments: str) -> str:
    command = ("git", "-C", str(_ROOT), *arguments)
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
