"""`make soak` in little: the same code for seconds with a handful of resources, so that it works when it is needed."""

from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.integration.objects import Objects
from tests.soak.run import Plan, soak
from tests.soak.table import table

pytestmark = pytest.mark.cluster


@pytest.mark.usefixtures("installed")
def test_a_short_soak_finds_everything_where_it_belongs(cluster: Cluster, objects: Objects, tmp_path: Path):
    said: list[str] = []
    plan = Plan(seconds=8.0, resources=5, seed=6)
    outcome = soak(cluster, objects, tmp_path, plan, say=said.append)
    assert not outcome.faults
    assert outcome.disturbances.total() > 10
    assert outcome.passes
    assert len(said) >= 4
    assert "| Faults                       | none |" in table(outcome, plan)
