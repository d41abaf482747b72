"""Nodes in classes of equal GPUs: what is put together, what is told apart, how pods find it, and what is left out."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from gemma4_operator.api.placement import Toleration
from gemma4_operator.planner.devices import UNKNOWN_BANDWIDTH
from gemma4_operator.planner.identify import HOST_LABEL
from gemma4_operator.planner.inventory import GpuClass, Inventory, inventory
from gemma4_operator.planner.node_labels import GPU, MEMORY_LABEL, PRODUCT_LABEL
from gemma4_operator.planner.node_view import node_view
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.uses import Use
from tests.nodes import (
    GB10,
    H100,
    L4,
    L40S,
    MIB,
    ORIN,
    THOR,
    discovered,
    gpu_node,
    mixed_mig_node,
    node,
    shared_node,
    single_mig_node,
)
from tests.rendering import CATALOG, plan_of

Raw = dict[str, Any]


def found(*nodes: Raw, uses: Iterable[Use] = (), **more: Any) -> Inventory:
    return inventory([node_view(raw) for raw in nodes], uses, catalog=CATALOG, **more)


def only(*nodes: Raw, **more: Any) -> GpuClass:
    """Return the one class there must be, of nodes about which there is nothing to say."""
    result = found(*nodes, **more)
    assert result.notes == ()
    [one] = result.classes
    return one


def note(*nodes: Raw, **more: Any) -> str:
    """Return the one sentence there must be, about nodes of which no class comes."""
    result = found(*nodes, **more)
    assert result.classes == ()
    [sentence] = result.notes
    return sentence


def mib(one: GpuClass) -> int:
    return one.device.memory_bytes // 2**20


class TestWhole:
    def test_equal_nodes_are_one_class(self) -> None:
        one = only(gpu_node("b", gpus=8), gpu_node("a", gpus=8), gpu_node("c", gpus=4))
        assert (one.resource, one.product) == (GPU, H100)
        assert one.node_labels == ((PRODUCT_LABEL, H100),)
        assert (one.gpus_by_node, one.free_by_node) == ((4, 8, 8), (4, 8, 8))
        assert (one.nodes, one.gpus_per_node, one.largest_free) == (3, 8, 8)
        assert mib(one) == MIB[H100]
        assert one.device.is_known

    def test_products_are_told_apart(self) -> None:
        classes = found(gpu_node("a"), gpu_node("b", L40S), gpu_node("c", L4)).classes
        assert [one.product for one in classes] == [H100, L4, L40S]

    def test_the_hosts_memory_is_the_smallest_nodes(self) -> None:
        one = only(gpu_node("a", memory_kib=600_000_000), gpu_node("b", memory_kib=500_102_400))
        assert one.host_memory_bytes == 500_000_000 * 1024

    def test_a_host_that_does_not_tell_its_memory_says_nothing_of_the_others(self) -> None:
        silent = gpu_node("a", allocatable={"memory": ""})
        assert only(silent, gpu_node("b", memory_kib=500_102_400)).host_memory_bytes == 500_000_000 * 1024
        assert only(silent).host_memory_bytes == 0

    def test_what_drivers_keep_makes_no_other_gpu_and_the_least_is_counted_on(self) -> None:
        one = only(gpu_node("new", memory=81_559), gpu_node("old", memory=81_251), gpu_node("mute", memory=None))
        assert mib(one) == 81_251
        assert one.nodes == 3

    def test_firmware_may_lengthen_a_name(self) -> None:
        one = only(gpu_node("a", f"{H100}-REV2", memory=81_559))
        assert (one.device.product, one.product, one.device.is_known) == (H100, f"{H100}-REV2", True)
        assert one.node_labels == ((PRODUCT_LABEL, f"{H100}-REV2"),)


class TestReplicas:
    ONE = only(gpu_node("a", gpus=8), gpu_node("b", gpus=4), gpu_node("c", gpus=3))

    @pytest.mark.parametrize(("gpus", "replicas"), [(1, 15), (2, 7), (3, 4), (4, 3), (8, 1), (16, 0)])
    def test_no_replica_spans_nodes(self, gpus: int, replicas: int) -> None:
        assert self.ONE.replicas_total(gpus) == replicas

    def test_what_is_used_is_not_free(self) -> None:
        uses = [Use("a", GPU, 5), Use("b", GPU, 4)]
        one = only(gpu_node("a", gpus=8), gpu_node("b", gpus=4), uses=uses)
        assert (one.gpus_by_node, one.free_by_node) == ((4, 8), (0, 3))
        assert (one.replicas_total(2), one.replicas_free(2)) == (6, 1)

    def test_uses_of_one_node_add_up_and_never_fall_below_nothing(self) -> None:
        one = only(gpu_node("a", gpus=8), uses=[Use("a", GPU, 5), Use("a", GPU, 2), Use("a", GPU, 5)])
        assert one.free_by_node == (0,)

    def test_uses_of_other_nodes_and_resources_do_not_matter(self) -> None:
        uses = [Use("elsewhere", GPU, 8), Use("a", "nvidia.com/mig-3g.40gb", 8)]
        assert only(gpu_node("a", gpus=8), uses=uses).free_by_node == (8,)


class TestShared:
    @pytest.mark.parametrize("how", ["time-slicing", "mps"])
    def test_a_quarter_of_the_memory_is_counted_on_where_four_share(self, how: str) -> None:
        one = only(shared_node("a", L4, gpus=2, by=4, how=how))
        assert one.device.is_shared
        assert (one.resource, one.product) == (GPU, "NVIDIA-L4-SHARED")
        assert (mib(one), one.gpus_by_node) == (MIB[L4] // 4, (8,))

    def test_pods_find_it_by_how_many_share_it(self) -> None:
        """Else a plan for half of a GPU would end on a quarter of one."""
        halves, quarters = found(shared_node("a", by=4), shared_node("b", by=2)).classes[::-1]
        assert halves.node_labels == ((PRODUCT_LABEL, "NVIDIA-L4-SHARED"), ("nvidia.com/gpu.replicas", "2"))
        assert quarters.node_labels == ((PRODUCT_LABEL, "NVIDIA-L4-SHARED"), ("nvidia.com/gpu.replicas", "4"))

    def test_a_renamed_resource_is_what_containers_ask_for(self) -> None:
        labels = discovered(L4, gpus=1, memory=MIB[L4], replicas="4")
        one = only(node("a", labels=labels, allocatable={"nvidia.com/gpu.shared": "4"}))
        assert (one.resource, one.product, one.device.is_shared) == ("nvidia.com/gpu.shared", L4, True)

    def test_what_does_not_say_by_how_many_it_is_shared_is_left_out(self) -> None:
        """Two pods or twenty: half of the memory would be a guess."""
        assert note(gpu_node("a", f"{L4}-SHARED", gpus=6, memory=MIB[L4])) == (
            "Node 'a' offers nvidia.com/gpu that pods share, and does not say how many: label it "
            "nvidia.com/gpu.replicas with how many share one."
        )

    def test_shared_slices_have_a_label_of_their_own(self) -> None:
        raw = mixed_mig_node("a", whole=0, slices={"3g.40gb": (8, 40_448)})
        raw["metadata"]["labels"]["nvidia.com/mig-3g.40gb.replicas"] = "2"
        one = only(raw)
        assert (mib(one), one.device.is_slice, one.device.is_shared) == (20_224, True, True)
        assert one.node_labels == ((PRODUCT_LABEL, H100), ("nvidia.com/mig-3g.40gb.replicas", "2"))

    def test_shared_and_whole_are_never_one_class(self) -> None:
        classes = found(gpu_node("a", L4, gpus=1), shared_node("b", L4)).classes
        assert [(one.product, one.device.is_shared) for one in classes] == [(L4, False), ("NVIDIA-L4-SHARED", True)]


class TestSlices:
    def test_alike_slices_under_the_gpus_name(self) -> None:
        one = only(single_mig_node("a", profile="3g.40gb", slices=16, memory=40_448))
        assert (one.resource, one.product) == (GPU, f"{H100}-MIG-3g.40gb")
        assert one.node_labels == ((PRODUCT_LABEL, f"{H100}-MIG-3g.40gb"),)
        assert (mib(one), one.gpus_by_node, one.device.is_slice) == (40_448, (16,), True)

    def test_whole_gpus_and_each_profile_of_a_node_are_classes_of_their_own(self) -> None:
        raw = mixed_mig_node("a", whole=4, slices={"3g.40gb": (4, 40_448), "1g.10gb": (14, 9_984)})
        classes = found(raw, uses=[Use("a", "nvidia.com/mig-3g.40gb", 1)]).classes
        assert [(one.resource, mib(one), one.free_by_node) for one in classes] == [
            (GPU, MIB[H100], (4,)),
            ("nvidia.com/mig-1g.10gb", 9_984, (14,)),
            ("nvidia.com/mig-3g.40gb", 40_448, (3,)),
        ]
        assert {one.node_labels for one in classes} == {((PRODUCT_LABEL, H100),)}

    @pytest.mark.parametrize("label", [81_559, "[N/A]", 2_000])
    def test_a_label_with_the_whole_gpus_memory_or_garbage_does_not_count(self, label: Any) -> None:
        assert mib(only(single_mig_node("a", profile="3g.40gb", slices=2, memory=label))) == 40_192

    def test_a_profile_with_further_engines_is_that_profile(self) -> None:
        one = only(mixed_mig_node("a", whole=0, slices={"1g.10gb.me": (1, 9_984)}))
        assert (one.resource, one.device.product) == ("nvidia.com/mig-1g.10gb.me", f"{H100}-MIG-1g.10gb")

    def test_a_profile_that_the_catalogue_lacks_is_planned_by_its_label(self) -> None:
        one = only(mixed_mig_node("a", whole=0, slices={"5g.50gb": (1, 49_000)}))
        assert (one.device.is_known, one.device.is_slice, mib(one)) == (False, True, 49_000)
        assert one.device.compute_capability == (9, 0)
        assert ("nvidia.com/mig-5g.50gb.memory", "49000") in one.node_labels
        assert one.device.hourly_price == (Decimal("2.95") * 49_000 / 81_559).quantize(Decimal("0.0001"))

    def test_its_name_bounds_what_its_label_may_say(self) -> None:
        assert mib(only(mixed_mig_node("a", whole=0, slices={"5g.50gb": (1, 81_559)}))) == 50 * 1024

    def test_without_a_label_it_is_left_out(self) -> None:
        raw = mixed_mig_node("a", whole=0, slices={"5g.50gb": (1, 0)})
        assert note(raw) == (
            f"Node 'a' offers the slice 5g.50gb of {H100}, which the catalogue does not know: add it there, or label "
            "the node nvidia.com/mig-5g.50gb.memory with its MiB."
        )

    def test_a_part_of_a_slice_is_left_out(self) -> None:
        told = note(mixed_mig_node("a", whole=0, slices={"1c.3g.40gb": (3, 40_448)}))
        assert "nvidia.com/mig-1c.3g.40gb, a part of a slice whose memory others use too" in told

    def test_slices_that_differ_under_one_name_are_left_out(self) -> None:
        told = note(gpu_node("a", f"{H100}-MIG-INVALID", memory="0"))
        assert "slices of several profiles" in told
        assert "mixed" in told


class TestUnifiedMemory:
    def test_a_dgx_spark_has_no_memory_label_and_the_machines_memory(self) -> None:
        one = only(gpu_node("spark", GB10, gpus=1, memory=None, memory_kib=125_513_728))
        assert (one.device.product, one.device.is_known, one.device.unified_memory) == (GB10, True, True)
        # 122,572 MiB by /proc/meminfo, and 10,240 for the system.
        assert mib(one) == 112_332
        assert one.node_labels == ((PRODUCT_LABEL, GB10),)

    def test_a_dgx_spark_that_tells_no_memory_at_all_is_the_catalogues(self) -> None:
        raw = gpu_node("spark", GB10, gpus=1, memory="[N/A]", capacity={"memory": ""})
        assert mib(only(raw)) == 122_880 - 10_240

    def test_more_memory_than_a_dgx_spark_has_is_not_its_gpus(self) -> None:
        assert mib(only(gpu_node("a", GB10, gpus=1, memory=None, memory_kib=2**30))) == 122_880 - 10_240

    def test_half_of_a_dgx_spark_is_planned_as_what_it_is_and_told(self) -> None:
        [one] = (result := found(gpu_node("vm", GB10, gpus=1, memory=None, memory_kib=64 * 2**20))).classes
        assert (one.device.is_known, one.device.unified_memory, mib(one)) == (False, True, 65_536 - 10_240)
        assert one.device.compute_capability == (12, 1)
        assert "65536 MiB by its own memory, where the catalogue knows 122880" in result.notes[0]
        # Its name is that of whole ones, so pods find it by its host.
        assert one.node_labels == (("kubernetes.io/hostname", "vm"),)

    @pytest.mark.parametrize(
        ("label", "bandwidth"), [(7_620, 102), (15_656, 102.4), (30_697, 204.8), (62_841, 204.8), (61_000, 204.8)]
    )
    def test_jetsons_of_one_name_are_told_apart_by_memory(self, label: int, bandwidth: float) -> None:
        one = only(gpu_node("a", ORIN, gpus=1, memory=label))
        assert one.device.bandwidth == pytest.approx(bandwidth * 1e9)
        assert one.node_labels == ((PRODUCT_LABEL, ORIN), (MEMORY_LABEL, str(label)))

    def test_a_small_jetsons_pod_never_ends_on_another_and_the_other_way_round(self) -> None:
        classes = found(*(gpu_node(str(size), ORIN, gpus=1, memory=size) for size in (7_620, 62_841))).classes
        assert len({one.node_labels for one in classes}) == 2

    def test_a_jetson_that_was_labelled_by_hand_is_told_by_its_machine(self) -> None:
        by_hand = node("nano", labels={PRODUCT_LABEL: ORIN}, allocatable={GPU: "1"}, memory_kib=7_802_880)
        one = only(by_hand)
        assert mib(one) == 7_620 - 1_536
        # Its label says Orin, as that of an AGX would.
        assert one.node_labels == ((HOST_LABEL, "nano"),)

    def test_a_jetson_of_which_nothing_is_known_but_the_name_is_left_out(self) -> None:
        told = note(node("a", labels={PRODUCT_LABEL: ORIN}, allocatable={GPU: "1"}, capacity={"memory": ""}))
        assert "there is with 7620, 15656, 30697 or 62841 MiB, and does not say which" in told

    def test_a_jetson_smaller_than_any_in_the_catalogue_is_not_taken_for_a_larger_one(self) -> None:
        [one] = found(gpu_node("a", ORIN, gpus=1, memory=3_400)).classes
        assert (one.device.is_known, mib(one)) == (False, 3_400 - 1_536)

    def test_no_size_is_below_nothing(self) -> None:
        [one] = found(gpu_node("a", ORIN, gpus=1, memory=1_100)).classes
        assert one.device.memory_bytes == 0

    def test_thor(self) -> None:
        one = only(gpu_node("a", THOR, gpus=1, memory=125_772))
        assert (one.device.compute_capability, one.device.unified_memory) == ((11, 0), True)


class TestWithoutLabels:
    def test_a_product_and_memory_put_on_by_hand_are_enough(self) -> None:
        raw = node("a", labels={PRODUCT_LABEL: H100, MEMORY_LABEL: "81559"}, allocatable={GPU: "2"})
        assert (mib(only(raw)), only(raw).device.is_known) == (81_559, True)

    def test_a_known_product_needs_no_memory_label(self) -> None:
        assert mib(only(node("a", labels={PRODUCT_LABEL: H100}, allocatable={GPU: "2"}))) == 81_559

    def test_memory_alone_is_planned_modestly_and_found_by_the_nodes_name(self) -> None:
        one = only(node("a", labels={MEMORY_LABEL: "24564"}, allocatable={GPU: "2"}))
        assert (one.device.is_known, one.device.bandwidth, mib(one)) == (False, UNKNOWN_BANDWIDTH, 24_564)
        assert one.node_labels == ((HOST_LABEL, "a"),)
        assert one.product == "an unknown GPU of 24564 MiB"

    def test_nodes_that_are_found_by_name_are_classes_of_their_own(self) -> None:
        raws = [node(name, labels={MEMORY_LABEL: "24564"}, allocatable={GPU: "2"}) for name in ("b", "a")]
        assert [one.node_labels for one in found(*raws).classes] == [((HOST_LABEL, "a"),), ((HOST_LABEL, "b"),)]

    def test_the_host_label_may_differ_from_the_name(self) -> None:
        raw = node("a.example.com", labels={HOST_LABEL: "a", MEMORY_LABEL: "24564"}, allocatable={GPU: "2"})
        assert only(raw).node_labels == ((HOST_LABEL, "a"),)

    def test_nothing_at_all_is_left_out_with_a_way_out(self) -> None:
        assert note(node("a", allocatable={GPU: "2"})) == (
            "Node 'a' offers nvidia.com/gpu of no name and does not say how much memory: label it "
            "nvidia.com/gpu.memory with the MiB of one, or nvidia.com/gpu.product."
        )


class TestUnknownProducts:
    def test_with_memory_it_is_planned_and_marked(self) -> None:
        one = only(gpu_node("a", "NVIDIA-X900", gpus=4, memory=98_304))
        assert (one.device.is_known, one.device.product, mib(one)) == (False, "NVIDIA-X900", 98_304)
        assert one.node_labels == ((PRODUCT_LABEL, "NVIDIA-X900"), (MEMORY_LABEL, "98304"))

    def test_its_compute_capability_is_believed(self) -> None:
        labels = {"nvidia.com/gpu.compute.major": "7", "nvidia.com/gpu.compute.minor": "5"}
        assert only(gpu_node("a", "NVIDIA-X900", memory=98_304, labels=labels)).device.compute_capability == (7, 5)

    def test_shared_it_has_its_part(self) -> None:
        labels = discovered("NVIDIA-X900-SHARED", gpus=1, memory=98_304, replicas="4")
        one = only(node("a", labels=labels, allocatable={GPU: "4"}))
        assert (one.device.is_shared, mib(one)) == (True, 24_576)

    @pytest.mark.parametrize("memory", [None, "[N/A]", "0", "96", "garbage"])
    def test_without_memory_it_is_left_out_with_two_ways_out(self, memory: Any) -> None:
        assert note(gpu_node("a", "NVIDIA-X900", gpus=4, memory=memory)) == (
            "Node 'a' offers nvidia.com/gpu 'NVIDIA-X900', which the catalogue does not know, and does not say how "
            "much memory: label it nvidia.com/gpu.memory with the MiB of one, or add the product to the catalogue."
        )

    def test_another_memory_is_another_class(self) -> None:
        classes = found(
            gpu_node("a", "NVIDIA-X900", memory=98_304), gpu_node("b", "NVIDIA-X900", memory=49_152)
        ).classes
        assert sorted(map(mib, classes)) == [49_152, 98_304]


class TestLabelsThatLie:
    @pytest.mark.parametrize("memory", ["[N/A]", "0", "", "80", "85520809984", "a lot"])
    def test_garbage_is_passed_over_where_the_product_is_known(self, memory: str) -> None:
        assert mib(only(gpu_node("a", memory=memory))) == MIB[H100]

    def test_too_much_is_not_counted_on_and_told(self) -> None:
        [one] = (result := found(gpu_node("a", memory=163_118))).classes
        assert (mib(one), one.device.is_known) == (MIB[H100], True)
        assert result.notes == (
            f"Node 'a' has '{H100}' with 163118 MiB by its label, where the catalogue knows 81559: planned with the "
            "smaller; if it is right, add the product with this memory to the catalogue, else mend the label "
            "nvidia.com/gpu.memory.",
        )

    def test_too_little_is_believed_and_nothing_else_of_the_product_is(self) -> None:
        [one] = (result := found(gpu_node("a", memory=20_000))).classes
        assert (mib(one), one.device.is_known, one.device.bandwidth) == (20_000, False, UNKNOWN_BANDWIDTH)
        assert one.device.compute_capability == (9, 0)
        assert one.device.hourly_price == Decimal("2.95")
        assert "20000 MiB by its label" in result.notes[0]

    @pytest.mark.parametrize("count", ["0", "16", "many", ""])
    def test_a_count_is_not_asked(self, count: str) -> None:
        assert only(gpu_node("a", gpus=8, labels={"nvidia.com/gpu.count": count})).gpus_by_node == (8,)

    def test_a_plugin_that_is_gone_is_told(self) -> None:
        raw = node("a", labels=discovered(H100, gpus=8, memory=MIB[H100]), capacity={GPU: "8"})
        assert note(raw) == (
            "Node 'a' has GPUs and offers none to pods: see whether its device plugin runs, and what its log says."
        )


class TestWhereto:
    @pytest.mark.parametrize(
        ("raw", "why"),
        [
            (gpu_node("a", ready="Unknown"), "is not ready"),
            (gpu_node("a", unschedulable=True), "is cordoned"),
            (gpu_node("a", taints=[{"key": "spot", "effect": "NoSchedule"}]), "the taint spot:NoSchedule"),
        ],
    )
    def test_nodes_that_take_no_pods_are_left_out_and_told(self, raw: Raw, why: str) -> None:
        assert why in note(raw)

    def test_a_node_that_is_out_of_use_anyway_is_not_told_twice(self) -> None:
        told = note(node("a", capacity={GPU: "8"}, unschedulable=True))
        assert told == "Node 'a' has GPUs and is cordoned: it is left out."

    def test_a_selector_leaves_nodes_out(self) -> None:
        ours, theirs = gpu_node("ours", labels={"team": "a"}), gpu_node("theirs", labels={"team": "b"})
        result = found(ours, theirs, node_selector={"team": "a"})
        assert [one.nodes for one in result.classes] == [1]
        assert result.notes == (
            "Node 'theirs' has GPUs and not the label team=a, which `placement.nodeSelector` asks for: it is left out.",
        )

    def test_a_toleration_lets_pods_in(self) -> None:
        raw = gpu_node("a", taints=[{"key": "spot", "effect": "NoSchedule"}])
        assert only(raw, tolerations=(Toleration.model_validate({"operator": "Exists"}),)).nodes == 1

    def test_nodes_without_gpus_are_nobodys_business(self) -> None:
        idle = [
            node("a"),
            node("b", unschedulable=True),
            node("c", ready="Unknown"),
            node("d", allocatable={"amd.com/gpu": "8"}),
        ]
        assert found(*idle) == Inventory(classes=(), notes=())


class TestNotes:
    @pytest.mark.parametrize(
        ("count", "told"),
        [
            (1, "Node 'n1' has GPUs and is cordoned: it is left out."),
            (2, "Node 'n1' has GPUs and is cordoned: it is left out. So it is with 'n2'."),
            (3, "Node 'n1' has GPUs and is cordoned: it is left out. So it is with 'n2', 'n3'."),
            (4, "Node 'n1' has GPUs and is cordoned: it is left out. So it is with 'n2', 'n3' and 1 more."),
            (9, "Node 'n1' has GPUs and is cordoned: it is left out. So it is with 'n2', 'n3' and 6 more."),
        ],
    )
    def test_nodes_that_share_a_fate_share_a_note(self, count: int, told: str) -> None:
        assert note(*(gpu_node(f"n{number}", unschedulable=True) for number in range(count, 0, -1))) == told

    def test_different_fates_are_told_apart_and_in_order(self) -> None:
        notes = found(gpu_node("b", unschedulable=True), gpu_node("a", ready="False")).notes
        assert [sentence[:8] for sentence in notes] == ["Node 'a'", "Node 'b'"]


class TestPools:
    """A product that a spec names and no node has is taken to come with a node pool."""

    def test_it_is_planned_without_anything_free(self) -> None:
        [pool] = found(products=(H100,)).classes
        assert (pool.is_pool, pool.product, pool.gpus_per_node) == (True, H100, 8)
        assert (pool.largest_free, pool.replicas_free(1)) == (0, 0)
        assert pool.replicas_total(8) > 0

    def test_a_machine_with_unified_memory_has_one_gpu(self) -> None:
        [pool] = found(products=(GB10,)).classes
        assert pool.gpus_per_node == 1

    def test_where_a_node_has_it_there_is_no_pool(self) -> None:
        assert not only(gpu_node("a"), products=(H100,)).is_pool

    def test_a_slice_that_no_node_has_yet_is_as_small_as_it_says(self) -> None:
        [pool] = found(products=(f"{H100}-MIG-3g.40gb",)).classes
        assert (pool.is_pool, pool.device.is_slice, pool.device.product) == (True, True, f"{H100}-MIG-3g.40gb")
        assert mib(pool) < 41 * 1024

    def test_slices_of_a_mixed_node_go_by_their_own_name_too(self) -> None:
        """Its label names the whole GPU; who asks for the slice means the slice, and no pool has to bring it."""
        name = f"{H100}-MIG-3g.40gb"
        [one] = found(mixed_mig_node("a", whole=0, slices={"3g.40gb": (2, 40192)}), products=(name,)).classes
        assert (one.is_pool, one.device.product) == (False, name)
        spec = {"placement": {"gpuProducts": [name], "allowSharedGPUs": True}, "model": {"variant": "E4B"}}
        plan = plan_of(spec, one)
        assert isinstance(plan, Plan)
        assert (plan.gpu_product, plan.gpu_resource) == (name, "nvidia.com/mig-3g.40gb")

    @pytest.mark.parametrize(
        "name",
        ["NVIDIA-X900", H100.lower(), f"{L4}-SHARED", f"{H100}-MIG-9g.40gb", f"{H100}-MIG-3g.40gb-SHARED", f"{L4}S"],
    )
    def test_a_name_that_no_node_can_bear_or_that_says_too_little_brings_nothing(self, name: str) -> None:
        """Pods would look for a label that no node has, or count on more memory than one gets."""
        assert found(products=(name,)) == Inventory(classes=(), notes=())

    def test_firmware_may_lengthen_a_name(self) -> None:
        [pool] = found(products=(f"{H100}-X",)).classes
        assert (pool.is_pool, pool.product, pool.device.product) == (True, f"{H100}-X", H100)

    def test_a_node_that_is_left_out_is_no_node_for_these_pods(self) -> None:
        spec = {"placement": {"gpuProducts": [L4]}}
        plan = plan_of(spec, *found(gpu_node("a", L4, unschedulable=True), products=(L4,)).classes)
        assert isinstance(plan, Plan)
        assert plan.notes == (f"No node for these pods has {L4} now: they wait until one comes.",)
