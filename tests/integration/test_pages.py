"""What README.md and the guides tell to type is typed: against a real API server with an operator that runs.

Nodes are simulated, so what the operator makes becomes ready, and nothing computes.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.cluster.binaries import locate
from tests.docs.blocks import blocks_of
from tests.docs.desk import Desk
from tests.docs.follow import follow
from tests.docs.scenes import SCENES, Needs, needing

pytestmark = pytest.mark.cluster


@pytest.fixture
def namespace(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[str]:
    """The namespace that the page names, or a new one; not restricted, as a reader's is not unless somebody says so."""
    wanted = SCENES[request.getfixturevalue("page")].namespace
    if wanted:
        # Another test's may still be on its way out.
        cluster.delete_namespace(wanted, wait=True)
    name = cluster.namespace(prefix="reader", name=wanted or None, labels={})
    yield name
    cluster.delete_namespace(name, wait=bool(wanted))


@pytest.fixture
def desk(cluster: Cluster, namespace: str, operator: object, tmp_path: Path) -> Desk:
    """A desk whose kubeconfig has that namespace."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_bytes(cluster.kubeconfig.read_bytes())
    cluster.kubectl("config", "set-context", "--current", f"--namespace={namespace}", kubeconfig=kubeconfig)
    return Desk(tmp_path, kubeconfig=kubeconfig, programs=locate("kubectl").values())


@pytest.mark.parametrize("page", needing(Needs.CLUSTER))
def test_a_page_does_what_it_says(page: str, desk: Desk):
    follow(blocks_of(page), SCENES[page], desk)
