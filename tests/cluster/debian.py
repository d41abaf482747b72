"""The system packages that only a real node or an engine's build needs, and how they come onto a Debian.

A program that is there already, from whatever source, is as good as its package; with all of them there, nothing is
asked of apt. No service is started: a package's own containerd would only be in the way of ours.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.real.shell import SEARCH_PATH

NODE: Mapping[str, tuple[str, ...]] = {
    "containerd": ("containerd", "containerd-shim-runc-v2", "ctr"),
    "runc": ("runc",),
    "containernetworking-plugins": ("/usr/lib/cni/bridge", "/usr/lib/cni/host-local", "/usr/lib/cni/loopback"),
    "iptables": ("iptables",),
    "conntrack": ("conntrack",),
    "nftables": ("nft",),
    "iproute2": ("ip",),
    "mount": ("mount",),
    "util-linux": ("unshare", "nsenter"),
}
"""Packages of a real node, with the programs by which each is recognised."""

COMPILER: Mapping[str, tuple[str, ...]] = {
    "cmake": ("cmake",),
    "g++": ("g++",),
    "ninja-build": ("ninja",),
}
"""Packages that build llama.cpp."""

_POLICY = Path("/usr/sbin/policy-rc.d")


def missing(packages: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Returns the packages of which a program is not on this machine."""
    return [name for name, programs in packages.items() if not all(map(_present, programs))]


def _present(program: str) -> bool:
    return shutil.which(program, path=SEARCH_PATH) is not None


def ensure(packages: Mapping[str, tuple[str, ...]]) -> None:
    """Installs what is missing, or says what to install."""
    needed = missing(packages)
    if not needed:
        return
    listed = " ".join(needed)
    if shutil.which("apt-get", path=SEARCH_PATH) is None:
        programs = ", ".join(program for name in needed for program in packages[name] if not _present(program))
        raise ClusterError(f"The programs {programs} are missing, and this is no Debian: install them by other means.")
    if os.geteuid():
        raise ClusterError(f"System packages are missing: sudo apt-get install --no-install-recommends {listed}")
    print(f"test cluster: installing {listed} with apt-get, about a minute", file=sys.stderr, flush=True)
    with _no_services():
        # Lists may be old or, in a container, absent; a mirror that fails is only a problem if a package then is.
        _apt("update", "-qq", check=False)
        _apt("install", "-qq", "--yes", "--no-install-recommends", *needed, check=True)
    if still := missing(packages):
        raise ClusterError(f"The packages {' '.join(still)} are installed, but without the programs that are needed.")


def _apt(*arguments: str, check: bool) -> None:
    result = subprocess.run(
        ["apt-get", "-o", "DPkg::Lock::Timeout=120", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": SEARCH_PATH, "DEBIAN_FRONTEND": "noninteractive"},
        check=False,
    )
    if check and result.returncode:
        raise ClusterError(f"apt-get {' '.join(arguments)} failed: {(result.stderr or result.stdout).strip()[-1000:]}")


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    # Debian's own way to say so; where an administrator has a policy already, theirs counts.
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    try:
        _POLICY.chmod(0o755)
        yield
    finally:
        _POLICY.unlink(missing_ok=True)


def why_no_node() -> str | None:
    """Returns why there can be no real node for this user, or None: what a skipped test says."""
    if not sys.platform.startswith("linux"):
        return "a real node needs Linux"
    if os.geteuid():
        return "a real node needs root"
    if (needed := missing(NODE)) and shutil.which("apt-get", path=SEARCH_PATH) is None:
        return f"a real node needs {', '.join(needed)}, and there is no apt-get to install them"
    return None
