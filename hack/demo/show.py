"""What a person sees of the demo: numbered steps, each command before its output, colour only on a terminal."""

import os
import shlex
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster import Cluster

_ROOT = Path(__file__).resolve().parents[2]
_BOLD, _DIM, _OFF = "\033[1m", "\033[2m", "\033[0m"


@dataclass
class Show:
    """Prints the demo. `steps` is how many there will be."""

    steps: int
    step_number: int = 0
    began: float = field(default_factory=time.monotonic)

    def step(self, title: str) -> None:
        """Begin the next step."""
        self.step_number += 1
        elapsed = f"({time.monotonic() - self.began:.0f} s)"
        self._print(
            f"\n{self._styled(_BOLD, f'[{self.step_number}/{self.steps}] {title}')} {self._styled(_DIM, elapsed)}"
        )

    def say(self, text: str) -> None:
        """Print a line."""
        self._print(text)

    def run(self, cluster: Cluster, *arguments: str, stdin: str | None = None) -> str:
        """Show a kubectl command, run it, and show its output."""
        self._print(self._styled(_DIM, "$ " + short(shlex.join(["kubectl", *arguments]))))
        output = cluster.kubectl(*arguments, stdin=stdin, timeout_seconds=300.0).stdout.rstrip()
        self._print(output)
        return output

    def _styled(self, style: str, text: str) -> str:
        coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        return f"{style}{text}{_OFF}" if coloured else text

    @staticmethod
    def _print(text: str) -> None:
        print(text, flush=True)


def short(text: str) -> str:
    """Write paths as a person in the checkout would."""
    return text.replace(f"{_ROOT}/", "").replace(str(Path.home()), "~")
