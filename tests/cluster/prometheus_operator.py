"""The Prometheus operator's own custom resource definitions, so that a real API server judges what the chart makes."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.cluster.builder import build_environment
from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.waiting import wait_for

MODULE = "github.com/prometheus-operator/prometheus-operator"
_FOLDER = Path(__file__).parent / "modules" / "prometheus-operator"
_KINDS = ("podmonitors", "prometheusrules")


def definitions() -> list[Path]:
    """Returns the files of the kinds that the chart uses, of the release that go.mod names."""
    # The sum of the whole module is checked against go.sum.
    command = ["go", "mod", "download", "-json", MODULE]
    run = subprocess.run(command, cwd=_FOLDER, env=build_environment(), capture_output=True, text=True, check=False)
    if run.returncode:
        said = (run.stdout + run.stderr).strip()[-1000:]
        raise ClusterError(f"{MODULE} cannot be downloaded; check the network, or GOPROXY. Go said: {said}")
    folder = Path(json.loads(run.stdout)["Dir"]) / "example" / "prometheus-operator-crd"
    return [folder / f"monitoring.coreos.com_{kind}.yaml" for kind in _KINDS]


@contextlib.contextmanager
def kinds(cluster: Cluster) -> Iterator[None]:
    """Lets a cluster know the Prometheus operator's kinds for a while, without the operator."""
    files = [word for path in definitions() for word in ("-f", str(path))]
    cluster.kubectl("apply", "--server-side", *files)
    # `kubectl wait` fails at once where it looks before the API server has written the first condition.
    for kind in _KINDS:
        wait_for(
            lambda kind=kind: (
                cluster.kubectl("get", f"{kind}.monitoring.coreos.com", "-A", check=False).returncode == 0
            ),
            30,
            f"the API server to serve {kind}",
        )
    try:
        yield
    finally:
        cluster.kubectl("delete", *files)
