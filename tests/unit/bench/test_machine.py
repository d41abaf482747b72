"""What is read from the machine."""

import pytest

from tests.bench.machine import Usage, foreign_share, git_version, parse_memory, usage
from tests.bench.stage import children, count_passes, node_count


def at(seconds: float, *, busy: float, own: float) -> Usage:
    return Usage(at_seconds=seconds, busy_seconds=busy, own_seconds=own)


class TestForeignShare:
    def test_is_what_is_busy_and_not_our_own(self):
        share = foreign_share(at(0, busy=100, own=10), at(10, busy=115, own=20), cores=2)
        assert share == pytest.approx(0.25)

    @pytest.mark.parametrize(("busy", "own"), [(1.0, 1.5), (0.0, 0.0)])
    def test_is_never_less_than_nothing(self, busy: float, own: float):
        assert foreign_share(at(0, busy=0, own=0), at(1, busy=busy, own=own), cores=2) == 0.0

    def test_of_no_time_is_nothing(self):
        assert foreign_share(at(1, busy=0, own=0), at(1, busy=1, own=0), cores=2) == 0.0

    def test_the_machine_is_at_least_as_busy_as_we_are(self):
        now = usage()
        assert now.busy_seconds > 0
        assert now.own_seconds > 0


def test_memory_is_read_from_the_kernels_text():
    memory = parse_memory("Name:\tpython\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\n")
    assert (memory.resident_mib, memory.highest_mib) == (100.0, 200.0)


def test_the_version_is_read_from_the_api_servers_answer():
    assert git_version('{"major": "1", "gitVersion": "v1.36.3"}') == "v1.36.3"


def test_passes_of_all_outcomes_are_added_up():
    exposition = """\
gemma4_operator_reconcile_seconds_bucket{le="0.1",outcome="done"} 9.0
gemma4_operator_reconcile_seconds_count{outcome="done"} 7.0
gemma4_operator_reconcile_seconds_count{outcome="again"} 2.0
"""
    assert count_passes(exposition) == 9


@pytest.mark.parametrize(("deployments", "nodes"), [(1, 130), (1000, 130), (2000, 255)])
def test_there_is_a_gpu_for_each(deployments: int, nodes: int):
    assert node_count(deployments) == nodes


def test_the_floors_children_belong_to_nobody():
    made = children(2, namespace="home")
    assert len(made) == 6
    assert {kind.kind for kind, _ in made} == {"Deployment", "Service", "PodDisruptionBudget"}
    assert all("ownerReferences" not in obj["metadata"] for _, obj in made)
    assert {obj["metadata"]["namespace"] for _, obj in made} == {"home"}
