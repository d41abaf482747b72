"""What one node offers, and what keeps pods away, of nodes in every state."""

from copy import deepcopy
from typing import Any

import pytest

from gemma4_operator.planner.node_labels import GPU
from gemma4_operator.planner.node_view import NodeView, Taint, node_view
from tests.nodes import H100, MIB, discovered, gpu_node, mixed_mig_node, node


def offered(raw: dict[str, Any]) -> dict[str, int]:
    return {offer.told.resource: offer.gpus for offer in node_view(raw).offers}


def test_a_node_with_eight_h100() -> None:
    view = node_view(gpu_node("h100-1", memory_kib=1_056_434_356))
    assert (view.name, view.obstacle, view.is_mute, view.taints) == ("h100-1", "", False, ())
    assert [(offer.told.product, offer.gpus) for offer in view.offers] == [(H100, 8)]
    assert view.memory_bytes == 1_056_434_356 * 1024
    assert view.allocatable_bytes == (1_056_434_356 - 102_400) * 1024


def test_of_a_node_without_gpus_nothing_is_kept() -> None:
    """Most nodes of a large cluster have none, and each is held in memory."""
    assert node_view(node("cpu-1", labels={"team": "a"}, ready="Unknown")) == NodeView(name="cpu-1", labels={})


def test_what_the_kubelet_writes_every_few_seconds_is_no_news() -> None:
    before = gpu_node("h100-1")
    after = deepcopy(before)
    after["metadata"] |= {"resourceVersion": "77", "managedFields": [{}], "annotations": {"volumes": "attached"}}
    after["status"]["conditions"][1]["lastHeartbeatTime"] = "2026-11-25T12:00:00Z"
    after["status"]["images"] = [{"names": ["a"], "sizeBytes": 1}]
    assert node_view(before) == node_view(after)


def test_a_view_does_not_change_with_its_node() -> None:
    raw = gpu_node("h100-1")
    view = node_view(raw)
    raw["metadata"]["labels"]["kubernetes.io/hostname"] = "another"
    assert view.labels["kubernetes.io/hostname"] == "h100-1"


class TestOffers:
    def test_what_is_allocatable_counts_more_than_labels_and_capacity(self) -> None:
        raw = gpu_node("one", gpus=6, labels={"nvidia.com/gpu.count": "8"}, capacity={GPU: "8"})
        assert offered(raw) == {GPU: 6}

    def test_whole_gpus_and_slices_of_several_profiles(self) -> None:
        raw = mixed_mig_node("cut", whole=4, slices={"3g.40gb": (4, 40_448), "1g.10gb": (14, 9_984)})
        assert offered(raw) == {GPU: 4, "nvidia.com/mig-3g.40gb": 4, "nvidia.com/mig-1g.10gb": 14}

    def test_a_resource_of_which_there_is_none_is_no_offer(self) -> None:
        raw = mixed_mig_node("cut", whole=0, slices={"3g.40gb": (16, 40_448), "7g.80gb": (0, 80_384)})
        assert offered(raw) == {"nvidia.com/mig-3g.40gb": 16}

    def test_a_renamed_shared_gpu(self) -> None:
        assert offered(node("one", allocatable={"nvidia.com/gpu.shared": "4"})) == {"nvidia.com/gpu.shared": 4}

    @pytest.mark.parametrize(
        "resource", ["amd.com/gpu", "gpu.intel.com/i915", "nvidia.com/hostdev", "rdma/hca", "nvidia.com/gpu-memory"]
    )
    def test_devices_of_others_are_passed_over(self, resource: str) -> None:
        assert node_view(node("one", allocatable={resource: "8"})) == NodeView(name="one", labels={})

    @pytest.mark.parametrize("amount", ["eight", "", "-1", "[N/A]", None])
    def test_a_count_that_is_none_is_nothing(self, amount: Any) -> None:
        assert offered(node("one", allocatable={GPU: amount})) == {}

    def test_a_count_without_quotes(self) -> None:
        assert offered(node("one", allocatable={GPU: 8})) == {GPU: 8}


class TestMute:
    """Nodes that have GPUs and offer none."""

    @pytest.mark.parametrize(
        "raw",
        [
            node("one", capacity={GPU: "8"}),
            node("one", capacity={"nvidia.com/mig-3g.40gb": "2"}),
            node("one", allocatable={GPU: "0"}, capacity={GPU: "8"}),
            node("one", labels=discovered(H100, gpus=8, memory=MIB[H100])),
            node("one", labels={"nvidia.com/gpu.product": f"{H100}-MIG-INVALID", "nvidia.com/gpu.count": "0"}),
        ],
        ids=["plugin is gone", "slices are gone", "all are ill", "plugin never came", "slices differ"],
    )
    def test_it_is_told(self, raw: dict[str, Any]) -> None:
        view = node_view(raw)
        assert view.is_mute
        assert view.offers == ()

    @pytest.mark.parametrize(
        "raw",
        [
            node("one"),
            node("one", allocatable={GPU: "0"}),
            node("one", labels={"nvidia.com/gpu.count": "0", "nvidia.com/gpu.present": "false"}),
            gpu_node("one", gpus=6, capacity={GPU: "8"}),
        ],
        ids=["no GPUs", "none, and none ever", "a count of none", "some are ill"],
    )
    def test_there_is_nothing_to_tell(self, raw: dict[str, Any]) -> None:
        assert not node_view(raw).is_mute


class TestObstacles:
    @pytest.mark.parametrize(
        ("raw", "obstacle"),
        [
            (gpu_node("one"), ""),
            (gpu_node("one", ready="False"), "is not ready"),
            (gpu_node("one", ready="Unknown"), "is not ready"),
            (gpu_node("one", unschedulable=True), "is cordoned"),
            (gpu_node("one", unschedulable=False), ""),
            (gpu_node("one", unschedulable=True, ready="Unknown"), "is cordoned"),
        ],
    )
    def test_states(self, raw: dict[str, Any], obstacle: str) -> None:
        assert node_view(raw).obstacle == obstacle

    def test_a_node_that_is_being_deleted(self) -> None:
        raw = gpu_node("one")
        raw["metadata"]["deletionTimestamp"] = "2026-11-25T12:00:00Z"
        assert node_view(raw).obstacle == "is being deleted"

    def test_other_conditions_do_not_count(self) -> None:
        raw = gpu_node("one")
        raw["status"]["conditions"] += [
            {"type": "KernelDeadlock", "status": "True"},
            {"type": "Fast", "status": "False"},
        ]
        assert node_view(raw).obstacle == ""

    def test_a_file_without_conditions_is_taken_to_be_of_ready_nodes(self) -> None:
        raw = gpu_node("one")
        del raw["status"]["conditions"]
        assert node_view(raw).obstacle == ""


class TestTaints:
    def test_those_that_keep_pods_away_are_kept(self) -> None:
        raw = gpu_node(
            "one",
            taints=[
                {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"},
                {"key": "dedicated", "effect": "NoExecute"},
            ],
        )
        assert node_view(raw).taints == (
            Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule"),
            Taint(key="dedicated", value="", effect="NoExecute"),
        )

    def test_a_preference_keeps_nobody_away(self) -> None:
        assert node_view(gpu_node("one", taints=[{"key": "a", "effect": "PreferNoSchedule"}])).taints == ()

    @pytest.mark.parametrize("key", ["not-ready", "unreachable", "unschedulable"])
    def test_what_the_node_controller_adds_is_told_by_its_state(self, key: str) -> None:
        raw = gpu_node("one", taints=[{"key": f"node.kubernetes.io/{key}", "effect": "NoSchedule"}])
        assert node_view(raw).taints == ()

    def test_trouble_that_has_no_other_sign_stays(self) -> None:
        raw = gpu_node("one", taints=[{"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}])
        assert [taint.key for taint in node_view(raw).taints] == ["node.kubernetes.io/disk-pressure"]


@pytest.mark.parametrize(
    "raw",
    [
        {"metadata": {"name": "one"}},
        {"metadata": {"name": "one", "labels": None}, "spec": None, "status": None},
        {"metadata": {"name": "one"}, "spec": {"taints": None}, "status": {"allocatable": None, "capacity": None}},
        {"metadata": {"name": "one"}, "status": {"conditions": None, "allocatable": {}}},
    ],
)
def test_a_node_cut_down_by_hand_is_read(raw: dict[str, Any]) -> None:
    assert node_view(raw) == NodeView(name="one", labels={})
