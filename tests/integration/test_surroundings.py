"""A cluster without GPUs: the operator says so when it starts, and serves as soon as there are some."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster, wait_for
from tests.integration.home import Home, condition, sample
from tests.integration.objects import Objects
from tests.integration.operating import Operators, install

pytestmark = pytest.mark.cluster


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of its own, with the kind and no node."""
    with Cluster.start(name="bare", root=tmp_path) as running:
        install(running)
        yield running


def test_it_says_so_once_and_serves_when_they_come(bare: Cluster, tmp_path: Path):
    operators, admin = Operators(bare, tmp_path), Objects(bare.kubeconfig)
    team = Home(bare, admin, bare.namespace())
    try:
        running = operators.new(resync_seconds=5).wait_leading()
        team.create(sample("chat"), sample("auto", model={}, engine={}))
        wait_for(lambda: condition(team.resource("auto"), "Planned").get("status") == "False", 20, "a plan's refusal")
        wait_for(lambda: condition(team.resource("chat"), "Ready").get("status") == "False", 20, "a word about the pod")
        bare.add_fake_nodes(1)
        team.wait_ready("chat")
        told = [line for line in running.log().splitlines() if "No node offers GPUs to pods" in line]
        assert len(told) == 1
        assert "add nodes with GPUs and a device plugin" in told[0]
        running.must_be_steady()
    finally:
        operators.end()
        admin.close()
