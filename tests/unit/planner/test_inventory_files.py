"""Whole clusters in files, as a user hands them to `gemma4 plan --inventory`: what the planner makes of each."""

import json

import pytest

from gemma4_operator.planner.inventory import Inventory, inventory
from gemma4_operator.planner.node_view import node_view
from gemma4_operator.planner.uses import uses_of
from tests.nodes import A100_40, GB10, H100, L4, L40S, ORIN, THOR, clusters, file_of, written
from tests.rendering import CATALOG


def cluster(name: str) -> Inventory:
    items = json.loads(file_of(name).read_text(encoding="utf-8"))["items"]
    views = [node_view(one) for one in items if one["kind"] == "Node"]
    return inventory(views, uses_of(one for one in items if one["kind"] == "Pod"), catalog=CATALOG)


def seen(name: str) -> list[tuple[str, int, tuple[int, ...]]]:
    """Return product, MiB for pods, and free GPUs by node, of each class."""
    return [(one.device.product, one.device.memory_bytes >> 20, one.free_by_node) for one in cluster(name).classes]


@pytest.mark.parametrize("name", clusters())
def test_the_files_are_what_their_writer_says(name: str) -> None:
    """`python -m tests.nodes` writes them anew."""
    assert file_of(name).read_text(encoding="utf-8") == written(clusters()[name])


@pytest.mark.parametrize("name", sorted(set(clusters()) - {"liars"}))
def test_there_is_nothing_to_say_of_honest_nodes(name: str) -> None:
    assert cluster(name).notes == ()


def test_a_dgx_spark() -> None:
    assert seen("dgx-spark") == [(GB10, 112_332, (1,))]


def test_jetsons_of_all_sizes() -> None:
    assert sorted(seen("jetson")) == [
        (THOR, 117_580, (1,)),
        (ORIN, 6_084, (1,)),
        (ORIN, 6_084, (1,)),
        (ORIN, 13_608, (1,)),
        (ORIN, 58_745, (1,)),
    ]


def test_a_fleet_of_single_l4() -> None:
    assert seen("l4-fleet") == [(L4, 23_034, (1,) * 12)]


def test_a_mixed_fleet_with_a_training_run_on_the_h100() -> None:
    assert seen("mixed-a100-l40s-h100") == [(A100_40, 40_960, (8, 8)), (H100, 81_559, (2,)), (L40S, 46_068, (4, 4, 4))]


def test_slices_beside_whole_gpus_under_both_strategies() -> None:
    found = {
        (one.resource, one.product): (one.device.product, one.free_by_node) for one in cluster("mig-mixed").classes
    }
    assert found == {
        ("nvidia.com/gpu", H100): (H100, (4, 8)),
        ("nvidia.com/gpu", f"{H100}-MIG-3g.40gb"): (f"{H100}-MIG-3g.40gb", (16,)),
        ("nvidia.com/mig-3g.40gb", H100): (f"{H100}-MIG-3g.40gb", (4,)),
        ("nvidia.com/mig-1g.10gb", H100): (f"{H100}-MIG-1g.10gb", (14,)),
    }


def test_a_cluster_without_gpus() -> None:
    assert seen("empty") == []


class TestLiars:
    def test_labels_that_cannot_be_true_do_not_count_and_their_gpus_do(self) -> None:
        honest = next(one for one in cluster("liars").classes if one.device.is_known)
        assert (honest.product, honest.device.memory_bytes >> 20, honest.gpus_by_node) == (H100, 81_559, (8,) * 6)

    def test_what_may_be_less_is_planned_as_less(self) -> None:
        doubted = {
            one.product: one.device.memory_bytes >> 20 for one in cluster("liars").classes if not one.device.is_known
        }
        assert doubted == {H100: 20_000, "NVIDIA-X900": 98_304}

    def test_each_node_that_is_left_out_or_doubted_is_told_once(self) -> None:
        told = [sentence.split("'")[1] for sentence in cluster("liars").notes]
        assert told == ["mute-stranger", "no-labels", "plugin-gone", "too-little", "too-much"]
