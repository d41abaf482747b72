"""What the chart and the samples hold, judged by a real API server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chart.conftest import SOME_NAMESPACES, VALUES, HelmRun
from tests.chart.test_manifests import SAMPLES
from tests.cluster import Cluster
from tests.integration.operating import install_crd

pytestmark = pytest.mark.cluster

STANDARD = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}


@pytest.fixture
def strict_namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace that also warns of a workload whose pods it would refuse."""
    name = cluster.namespace(labels=STANDARD)
    yield name
    cluster.delete_namespace(name)


@pytest.fixture(scope="module")
def with_crds(cluster: Cluster) -> Cluster:
    install_crd(cluster)
    return cluster


@pytest.mark.parametrize("sets", VALUES.values(), ids=VALUES)
def test_the_api_server_takes_the_chart_without_a_warning(
    cluster: Cluster, strict_namespace: str, run_helm: HelmRun, sets: tuple[str, ...], request: pytest.FixtureRequest
):
    for namespace in ("team-a", "team-b") if sets == SOME_NAMESPACES else ():
        request.addfinalizer(lambda name=namespace: cluster.delete_namespace(name))
        # Another test's may still be on its way out.
        cluster.delete_namespace(namespace, wait=True)
        cluster.kubectl("create", "namespace", namespace)
    # A pod is refused without its account, and a dry run makes none.
    cluster.kubectl("create", "serviceaccount", "gemma4-operator", "-n", strict_namespace)
    objects = run_helm("template", *sets, arguments=("--namespace", strict_namespace)).stdout
    result = cluster.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=objects)
    assert "pod/gemma4-operator-checkup serverside-applied" in result.stdout
    assert "deployment.apps/gemma4-operator serverside-applied" in result.stdout
    assert "Warning" not in result.stderr


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_api_server_takes_a_sample(with_crds: Cluster, namespace: str, path: Path):
    result = with_crds.kubectl("apply", "--dry-run=server", "-n", namespace, "-f", str(path))
    assert "created (server dry run)" in result.stdout
    assert "Warning" not in result.stderr
