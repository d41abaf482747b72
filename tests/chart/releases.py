"""One release of the chart in a cluster, driven by the real Helm as an administrator drives it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from hack.manifests import CHART, NAMESPACE, RELEASE, ROOT
from tests.cluster import Cluster
from tests.integration.operating import CRD

Object = dict[str, Any]
SECOND = f"{RELEASE}-b"
"""Another release beside the first: an operator of other namespaces."""
EARLIER = ROOT / "tests" / "data" / "chart-a6c06ee.tgz"
"""The chart of an earlier commit, packed: what an upgrade begins from, since no version was ever published."""


class Helm:
    """Helm with the rights of the cluster's administrator, and a home of its own.

    Args:
        program: The binary.
        cluster: Where releases are.
        home: Where Helm may write its caches.
    """

    def __init__(self, program: Path, cluster: Cluster, home: Path) -> None:
        self._program = program
        self._cluster = cluster
        self._environment = os.environ | {"HOME": str(home), "KUBECONFIG": str(cluster.kubeconfig)}

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one command on the operator's release; `check` fails with what Helm said."""
        command = [str(self._program), *arguments, "--namespace", NAMESPACE]
        result = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False, timeout=600
        )
        assert result.returncode == 0 or not check, result.stdout + result.stderr
        return result

    def install(self, chart: Path = CHART, **values: Any) -> str:
        """Install the release and wait for it; returns what Helm says, the notes included."""
        return self.run("install", RELEASE, str(chart), "--create-namespace", *_waiting(values)).stdout

    def upgrade(self, chart: Path = CHART, **values: Any) -> str:
        """Upgrade the release to a chart and values; those given before do not count any more."""
        return self.run("upgrade", RELEASE, str(chart), "--reset-values", *_waiting(values)).stdout

    def rollback(self, revision: int) -> None:
        """Go back to a revision."""
        self.run("rollback", RELEASE, str(revision), "--wait", "--timeout", "240s")

    def uninstall(self) -> str:
        """Take the release away."""
        return self.run("uninstall", RELEASE, "--wait", "--timeout", "240s").stdout

    def manifest(self) -> str:
        """Return what is installed now, as Helm remembers it."""
        return self.run("get", "manifest", RELEASE).stdout

    def forget(self) -> None:
        """Take away whatever is left of releases, those with `crds.keep` as well."""
        for release in (SECOND, RELEASE):
            self.run("uninstall", release, "--ignore-not-found", "--wait", "--timeout", "240s")
        self._cluster.kubectl("delete", "crd", CRD, "--ignore-not-found")


def _waiting(values: dict[str, Any]) -> tuple[str, ...]:
    given = [word for name, value in values.items() for word in ("--set-json", f"{name}={json.dumps(value)}")]
    return ("--wait", "--timeout", "240s", *given)
