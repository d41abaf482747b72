"""The pytest fixtures of the test cluster; ``tests/conftest.py`` makes them known to all tests."""

from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with 4 fake nodes of 8 GPUs, shared by the session's tests: stay inside your ``namespace``."""
    with Cluster.start(name="shared", root=tmp_path_factory.mktemp("cluster")) as running:
        running.add_fake_nodes(4)
        yield running


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of this test's own, under the restricted Pod Security Standard; its pods go with it."""
    name = cluster.namespace()
    yield name
    cluster.delete_namespace(name)
