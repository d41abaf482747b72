"""What the tests of the operator's behaviour share: an installed kind, accounts, and operators as processes."""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from gemma4_operator.kube.kinds import Kind
from tests.cluster import Cluster, wait_for
from tests.cluster.cluster import RESTRICTED
from tests.integration.home import Home
from tests.integration.objects import NAMESPACE_PATH, Objects
from tests.integration.operating import OperatorProcess, Operators, install

_SERVICE_ACCOUNT = Kind(group="", version="v1", kind="ServiceAccount", plural="serviceaccounts")


@pytest.fixture(scope="session")
def objects(cluster: Cluster) -> Iterator[Objects]:
    """Everything in the cluster, as its admin sees it."""
    admin = Objects(cluster.kubeconfig)
    yield admin
    admin.close()


@pytest.fixture(scope="session")
def installed(cluster: Cluster) -> None:
    """The CRD, the operator's account and its role are in place."""
    install(cluster)


@contextlib.contextmanager
def _settled(cluster: Cluster, objects: Objects) -> Iterator[Home]:
    name = f"home-{secrets.token_hex(4)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}}
    objects.request("POST", NAMESPACE_PATH, body=body)
    # A pod made before the controllers have made this account is refused.
    wait_for(lambda: objects.get(_SERVICE_ACCOUNT, name, "default"), 20, f"an account in {name}", interval_seconds=0.02)
    made = Home(cluster, objects, name)
    yield made
    if not made.is_gone():
        made.end()


@pytest.fixture
def home(cluster: Cluster, objects: Objects, installed: None) -> Iterator[Home]:
    """A namespace of this test's own, under the restricted Pod Security Standard."""
    with _settled(cluster, objects) as made:
        yield made


@pytest.fixture
def other_home(cluster: Cluster, objects: Objects, installed: None) -> Iterator[Home]:
    """A second one."""
    with _settled(cluster, objects) as made:
        yield made


@pytest.fixture(scope="session")
def collector(cluster: Cluster, objects: Objects, installed: None) -> None:
    """The garbage collector knows the kind Gemma4Deployment."""
    Home(cluster, objects, "default").wait_collector()


@pytest.fixture(scope="module")
def operator(cluster: Cluster, installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    """One operator that leads while this module's tests run; it must not have stumbled in any of them."""
    operators = Operators(cluster, tmp_path_factory.mktemp("operator"))
    running = operators.new(resync_seconds=5)
    try:
        yield running.wait_leading()
        assert running.alive()
        running.must_be_steady()
    finally:
        operators.end()


@pytest.fixture
def operators(cluster: Cluster, installed: None, tmp_path: Path) -> Iterator[Operators]:
    """Makes operators for tests that end them, freeze them or stand in their way."""
    made = Operators(cluster, tmp_path)
    yield made
    made.end()
