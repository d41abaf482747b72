"""A part of the fault matrix: pods that fail in a few ways of each kind. `make faults` makes every fault."""

from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.faults import patients
from tests.faults.fault import Fault, Kind
from tests.faults.ground import Ground
from tests.faults.pods import TOLD
from tests.integration.objects import Objects

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("installed")]


@pytest.fixture
def ground(cluster: Cluster, objects: Objects, tmp_path: Path) -> Ground:
    """The session's cluster: these faults concern only their own namespace."""
    return Ground(cluster, objects, tmp_path)


def some() -> tuple[Fault, ...]:
    """Return a few faults of each kind."""
    return tuple(fault for kind in Kind for fault in [one for one in TOLD if one.kind is kind][:3])


def test_pods_that_fail_are_understood_and_nothing_is_lost(ground: Ground):
    faults = some()
    assert set(patients.play(ground, faults)) == {fault.name for fault in faults}
