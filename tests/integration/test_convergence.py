"""The law of a level-triggered operator: whatever was done, in the end it is as if it had not been, and then quiet."""

import os
import time
from collections.abc import Iterator
from random import Random

import pytest

from tests.cluster import Cluster, wait_for
from tests.cluster.proxy import FaultProxy
from tests.cluster.waiting import PATIENCE
from tests.integration.disturbances import Scene, await_alike, calmed, twin_of
from tests.integration.home import Home, names, sample
from tests.integration.operating import Operators

pytestmark = pytest.mark.cluster

SEEDS = range(20 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 2)
"""Many with `make fuzz`."""
DISTURBANCES = 15
RESOURCES = 3
QUIET_SECONDS = 3.0


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[FaultProxy]:
    """Stands between an operator and the API server."""
    with FaultProxy(upstream=cluster.server, ca=cluster.authority) as standing:
        yield standing


@pytest.mark.parametrize("seed", SEEDS)
def test_after_the_last_disturbance_the_state_is_that_of_an_undisturbed_twin_and_nothing_is_written(
    seed: int, home: Home, operators: Operators, proxy: FaultProxy, cluster: Cluster
):
    chance = Random(seed)
    operator = operators.new(server=proxy.server, authority=proxy.ca, resync_seconds=5).wait_leading()
    many = names(RESOURCES)
    home.create(*(sample(name) for name in many))
    home.wait_ready(*many)
    scene = Scene(home, operator, proxy, names=many, nodes=["gpu-0", "gpu-1"], chance=chance)
    done = []
    with calmed(scene):
        for _ in range(DISTURBANCES):
            done.append(scene.disturb())
            time.sleep(chance.uniform(0.0, 0.4))

    def settled() -> bool:
        return not scene.unsettled()

    wait_for(settled, 60, lambda: f"{scene.unsettled()} after {done}: {operator.log()[-2000:]}", interval_seconds=0.2)
    twins = {name: f"{name}-twin" for name in many}
    home.create(*(twin_of(home.resource(name), twin) for name, twin in twins.items()))
    home.wait_ready(*twins.values())
    assert not await_alike(home, twins, timeout_seconds=30 * PATIENCE), done
    home.wait_quiet(seconds=QUIET_SECONDS, timeout_seconds=30)
    assert not await_alike(home, twins, timeout_seconds=0), done
    operator.must_be_steady()
