"""The chart on a real node: the operator's pod starts as Helm installs it, and `helm test` says whether it works.

docs/guides/install.md shows the commands, and what the pod of a failed test has said.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.manifests import NAMESPACE, RELEASE
from tests.chart.releases import Helm
from tests.cluster import Cluster, images, wait_for
from tests.cluster.binaries import locate
from tests.cluster.debian import why_no_node
from tests.cluster.node import RealNode, create_bridge

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.node,
    pytest.mark.skipif(why_no_node() is not None, reason=why_no_node() or ""),
]
REPOSITORY, _, TAG = images.OPERATOR_IMAGE.rpartition(":")
IMAGE = {"image.repository": REPOSITORY, "image.tag": TAG}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane with one real node that has the operator's image."""
    archive = images.operator()
    with contextlib.ExitStack() as started:
        bridge = started.enter_context(create_bridge(wait_seconds=900))
        cluster = started.enter_context(
            Cluster.start(root=tmp_path_factory.mktemp("release"), bind_address=bridge.gateway)
        )
        node = started.enter_context(RealNode.start(cluster=cluster, bridge=bridge))
        node.import_image(archive)
        yield cluster


@pytest.fixture
def releases(cluster: Cluster, tmp_path: Path) -> Iterator[Helm]:
    made = Helm(locate("helm")["helm"], cluster, tmp_path)
    yield made
    made.forget()


def test_helm_test_passes_once_it_leads_and_says_what_is_wrong_when_nobody_does(releases: Helm, cluster: Cluster):
    releases.install(**IMAGE, replicas=2)
    passed = releases.run("test", RELEASE, "--timeout", "400s")
    assert "Succeeded" in passed.stdout

    def checkups() -> list[str]:
        names = [pod["metadata"]["name"] for pod in cluster.get("pods", namespace=NAMESPACE)["items"]]
        return [name for name in names if "checkup" in name]

    wait_for(lambda: not checkups(), 30, "the end of the pod that has passed")

    cluster.kubectl("scale", "-n", NAMESPACE, "deployment", RELEASE, "--replicas=0")
    wait_for(lambda: len(cluster.get("pods", namespace=NAMESPACE)["items"]) == 0, 60, "the end of the operator")
    failed = releases.run("test", RELEASE, "--timeout", "400s", check=False)
    assert failed.returncode != 0
    said = cluster.kubectl("logs", "-n", NAMESPACE, f"{RELEASE}-checkup").stdout
    assert "No operator has renewed the Lease 'gemma4-system/gemma4-operator'" in said


def test_an_operator_of_some_namespaces_starts_and_is_tested_alike(releases: Helm, cluster: Cluster):
    team = cluster.namespace()
    releases.install(**IMAGE, **{"watch.namespaces": [team]})
    assert "Succeeded" in releases.run("test", RELEASE, "--timeout", "400s").stdout
    log = cluster.kubectl("logs", "-n", NAMESPACE, f"deployment/{RELEASE}").stdout
    assert "Leading" in log
    assert "is forbidden" not in log
