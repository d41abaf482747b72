"""kubectl, the one way in which this room talks to its API server: what a person would type, a test can too."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.errors import ClusterError

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Kubectl:
    """kubectl with somebody's rights."""

    binary: Path
    kubeconfig: Path
    cache: Path
    """kubectl remembers what an API server offers; never beside what it knows of the person's real clusters."""

    def run(
        self, *arguments: str, stdin: str | None = None, check: bool = True, timeout_seconds: float = 300.0
    ) -> subprocess.CompletedProcess[str]:
        """Returns what it printed; with ``check`` raises if it failed, with what it said."""
        # KUBERC: a person's own aliases and defaults are no business of a test.
        environ = {**os.environ, "KUBECACHEDIR": str(self.cache), "KUBERC": "off"}
        result = subprocess.run(
            [self.binary, f"--kubeconfig={self.kubeconfig}", *arguments],
            input="" if stdin is None else stdin,
            capture_output=True,
            text=True,
            env=environ,
            timeout=timeout_seconds,
            check=False,
        )
        if check and result.returncode:
            said = result.stderr.strip() or result.stdout.strip()
            raise ClusterError(f"kubectl {' '.join(arguments)} failed: {said}")
        return result

    def create(self, *objects: Object) -> None:
        """Creates objects with all that they say, where an apply would leave out their status."""
        self.run("create", "-f", "-", stdin=_list(objects))

    def apply(self, what: Object | Sequence[Object] | Path, *, namespace: str | None = None) -> None:
        flags = ["--server-side", "--force-conflicts", *(["-n", namespace] if namespace else [])]
        if isinstance(what, Path):
            self.run("apply", *flags, "-R", "-f", str(what))
        else:
            self.run("apply", *flags, "-f", "-", stdin=_list([what] if isinstance(what, Mapping) else what))

    def get(self, resource: str, name: str | None, namespace: str | None, selector: str | None) -> dict[str, Any]:
        where = ["-n", namespace] if namespace else [] if name else ["-A"]
        which = [name] if name else ["-l", selector] if selector else []
        return dict(json.loads(self.run("get", resource, *which, *where, "-o", "json").stdout))


def _list(objects: Sequence[Object]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
