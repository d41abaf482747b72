"""Every fault as a test. `make faults` names this file; `make test` does not collect it and runs a part (test_faults).

Faults that are played together are played by the first of their tests, so they must be one process's.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.faults import patients
from tests.faults.fault import Fault
from tests.faults.ground import Ground
from tests.faults.matrix import FAULTS
from tests.faults.pods import TOLD
from tests.integration.objects import Objects
from tests.integration.operating import install

NODES = 8


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A cluster of its own: some faults are the whole cluster's."""
    with Cluster.start(name="faults", root=tmp_path_factory.mktemp("faults")) as cluster:
        cluster.add_fake_nodes(NODES)
        install(cluster)
        admin = Objects(cluster.kubeconfig)
        yield Ground(cluster, admin, tmp_path_factory.mktemp("operators"))
        admin.close()


@functools.cache
def _told(ground: Ground) -> dict[str, str]:
    return patients.play(ground, TOLD)


def _one(fault: Fault) -> Any:
    marks = [pytest.mark.xdist_group(fault.together)] if fault.together else []
    return pytest.param(fault, id=fault.name, marks=marks)


@pytest.mark.parametrize("fault", [_one(fault) for fault in FAULTS if not fault.tests])
def test_fault(fault: Fault, ground: Ground, record_property: Callable[[str, object], None]) -> None:
    seen = fault.play(ground) if fault.play is not None else _told(ground)[fault.name]
    record_property(fault.name, seen)
