"""Where a reader types: a folder with the checkout's files, a shell, and the programs that pages take for granted."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.docs.blocks import ROOT

_OF_THE_CHECKOUT = {
    "manifests": "manifests",
    "charts": "charts",
    "crds": "crds",
    # The guide to planning says that its commands run in its own folder.
    "examples": "docs/guides/examples",
}
_SECONDS = 400
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "TERM")
"""And `timeout` hands the signal on to all that it has started."""


class Desk:
    """A folder to type in, and a home, so that nothing of the person's own is read or written.

    Args:
        folder: Where both are made.
        kubeconfig: Of the cluster that commands meet; without it, none.
        programs: What is on PATH beside the machine's own and the operator's.
    """

    def __init__(self, folder: Path, *, kubeconfig: Path | None = None, programs: Iterable[Path] = ()) -> None:
        self.folder = folder / "desk"
        self.folder.mkdir()
        for name, path in _OF_THE_CHECKOUT.items():
            (self.folder / name).symlink_to(ROOT / path)
        home = folder / "home"
        own = home / "bin"
        own.mkdir(parents=True)
        for program in programs:
            (own / program.name).symlink_to(program)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GEMMA4_", "KUBE", "HELM_"))}
        self._environ = kept | {
            "HOME": str(home),
            "KUBECONFIG": str(kubeconfig or home / "no-cluster"),
            "KUBERC": "off",
            "PATH": f"{own}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def write(self, name: str, text: str) -> None:
        """Put a file onto it."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Type a command; it is ended with all that it has started after some minutes."""
        return subprocess.run(
            [*_ENDS_WITH_US, "timeout", "--kill-after=5", str(_SECONDS), "bash", "-uo", "pipefail", "-c", command],
            cwd=self.folder,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
