"""What labels tell of GPUs: as GPU feature discovery writes them, and as they are when something went wrong."""

import pytest

from gemma4_operator.planner.node_labels import (
    GPU,
    MEMORY_LABEL,
    PRODUCT_LABEL,
    Told,
    memory_label,
    replicas_label,
    slices_differ,
    told_of,
)
from tests.nodes import H100, L4, discovered, mixed_mig_node, shared_node, single_mig_node

MIXED = mixed_mig_node("cut", whole=4, slices={"3g.40gb": (4, 40_448), "1g.10gb.me": (2, 9_984)})["metadata"]["labels"]


def told(labels: dict[str, str], resource: str = GPU) -> Told:
    found = told_of(resource, labels)
    assert found is not None
    return found


class TestWhole:
    def test_all_labels_of_an_h100(self) -> None:
        assert told(discovered(H100, gpus=8, memory=81559)) == Told(
            resource=GPU,
            label=H100,
            product=H100,
            profile="",
            shared_by=1,
            memory_mib=81559,
            compute_capability=(9, 0),
        )

    def test_no_labels_at_all(self) -> None:
        found = told({})
        assert (found.label, found.product, found.memory_mib, found.compute_capability) == ("", "", None, None)
        assert found.shared_by == 1

    @pytest.mark.parametrize(
        ("label", "mib"),
        [
            ("81559", 81559),
            ("[N/A]", None),
            ("N/A", None),
            ("0", None),
            ("", None),
            ("-1", None),
            ("81559MiB", None),
            ("79.6", None),
            # Gigabytes, and bytes, by hands that did not read what the label holds.
            ("80", None),
            ("85520809984", None),
            ("1024", 1024),
            ("1048576", 1048576),
        ],
    )
    def test_only_what_can_be_mib_of_a_gpu_is_taken_for_memory(self, label: str, mib: int | None) -> None:
        assert told({PRODUCT_LABEL: H100, MEMORY_LABEL: label}).memory_mib == mib

    def test_numbers_without_quotes_are_understood(self) -> None:
        labels = {PRODUCT_LABEL: H100, MEMORY_LABEL: 81559, "nvidia.com/gpu.compute.major": 9}
        found = told_of(GPU, labels)  # type: ignore[arg-type]
        assert found is not None
        assert (found.memory_mib, found.compute_capability) == (81559, (9, 0))

    @pytest.mark.parametrize(
        ("major", "minor", "capability"),
        [
            ("12", "1", (12, 1)),
            ("8", "0", (8, 0)),
            ("8", "", (8, 0)),
            ("0", "0", None),
            ("", "", None),
            ("x", "y", None),
        ],
    )
    def test_compute_capability(self, major: str, minor: str, capability: tuple[int, int] | None) -> None:
        labels = {"nvidia.com/gpu.compute.major": major, "nvidia.com/gpu.compute.minor": minor}
        assert told(labels).compute_capability == capability


class TestShared:
    @pytest.mark.parametrize("how", ["time-slicing", "mps"])
    def test_time_slicing_and_mps_count_their_replicas(self, how: str) -> None:
        found = told(shared_node("one", by=4, how=how)["metadata"]["labels"])
        assert (found.label, found.product) == ("NVIDIA-L4-SHARED", L4)
        assert found.shared_by == 4

    def test_a_renamed_resource_is_shared_though_its_product_is_not_called_so(self) -> None:
        labels = discovered(L4, gpus=1, memory=23034, replicas="4")
        found = told(labels, resource="nvidia.com/gpu.shared")
        assert (found.product, found.shared_by, found.resource) == (L4, 4, "nvidia.com/gpu.shared")
        assert replicas_label(found) == "nvidia.com/gpu.replicas"

    @pytest.mark.parametrize(
        ("labels", "shared_by"),
        [
            ({PRODUCT_LABEL: "NVIDIA-L4-SHARED"}, 0),
            ({PRODUCT_LABEL: "NVIDIA-L4-SHARED", "nvidia.com/gpu.replicas": "1"}, 0),
            ({PRODUCT_LABEL: "NVIDIA-L4-SHARED", "nvidia.com/gpu.replicas": "many"}, 0),
            ({PRODUCT_LABEL: L4, "nvidia.com/gpu.sharing-strategy": "mps"}, 0),
            ({PRODUCT_LABEL: L4, "nvidia.com/gpu.sharing-strategy": "mps", "nvidia.com/gpu.replicas": "10"}, 10),
            ({PRODUCT_LABEL: L4, "nvidia.com/gpu.replicas": "2"}, 2),
            ({PRODUCT_LABEL: L4, "nvidia.com/gpu.sharing-strategy": "none"}, 1),
            ({PRODUCT_LABEL: L4, "nvidia.com/gpu.sharing-strategy": ""}, 1),
            ({PRODUCT_LABEL: L4, "nvidia.com/gpu.replicas": "0"}, 1),
            ({PRODUCT_LABEL: L4, "nvidia.com/gpu.replicas": "many"}, 1),
        ],
    )
    def test_what_is_called_shared_and_does_not_say_by_how_many_is_0(
        self, labels: dict[str, str], shared_by: int
    ) -> None:
        assert told(labels).shared_by == shared_by


class TestSlices:
    def test_alike_slices_stand_under_the_gpus_own_resource(self) -> None:
        labels = single_mig_node("cut", profile="3g.40gb", slices=16, memory=40_448)["metadata"]["labels"]
        found = told(labels)
        assert (found.resource, found.label) == (GPU, f"{H100}-MIG-3g.40gb")
        assert (found.product, found.profile, found.memory_mib) == (H100, "3g.40gb", 40_448)
        assert memory_label(found) == MEMORY_LABEL

    def test_alike_slices_may_be_shared_too(self) -> None:
        found = told({PRODUCT_LABEL: f"{H100}-MIG-3g.40gb-SHARED", "nvidia.com/gpu.replicas": "2"})
        assert (found.product, found.profile, found.shared_by) == (H100, "3g.40gb", 2)

    def test_mixed_slices_have_labels_of_their_own_resource(self) -> None:
        found = told(MIXED, resource="nvidia.com/mig-3g.40gb")
        assert (found.label, found.product, found.profile) == (H100, H100, "3g.40gb")
        assert (found.memory_mib, found.shared_by) == (40_448, 1)
        assert memory_label(found) == "nvidia.com/mig-3g.40gb.memory"

    def test_a_slices_further_engines_are_no_part_of_its_profile(self) -> None:
        found = told(MIXED, resource="nvidia.com/mig-1g.10gb.me")
        assert (found.profile, found.memory_mib) == ("1g.10gb", 9_984)

    def test_whole_gpus_beside_slices_are_whole(self) -> None:
        found = told(MIXED)
        assert (found.profile, found.memory_mib) == ("", 81559)

    def test_the_replicas_of_a_slice_are_its_own(self) -> None:
        labels = MIXED | {"nvidia.com/mig-3g.40gb.replicas": "3", "nvidia.com/gpu.replicas": "7"}
        found = told(labels, resource="nvidia.com/mig-3g.40gb")
        assert found.shared_by == 3
        assert replicas_label(found) == "nvidia.com/mig-3g.40gb.replicas"

    @pytest.mark.parametrize(
        ("resource", "labels"),
        [
            ("nvidia.com/mig-3g.40gb.shared", {}),
            ("nvidia.com/mig-3g.40gb", {"nvidia.com/mig-3g.40gb.product": f"{H100}-MIG-3g.40gb-SHARED"}),
        ],
    )
    def test_a_slice_that_is_only_called_shared_does_not_say_by_how_many(
        self, resource: str, labels: dict[str, str]
    ) -> None:
        bare = {key: value for key, value in MIXED.items() if not key.endswith("3g.40gb.replicas")}
        found = told(bare | labels, resource=resource)
        assert (found.profile, found.shared_by) == ("3g.40gb", 0)
        assert found.memory_mib == 40_448

    def test_a_part_of_a_slice_keeps_its_whole_name(self) -> None:
        assert told(MIXED, resource="nvidia.com/mig-1c.3g.40gb").profile == "1c.3g.40gb"

    @pytest.mark.parametrize(
        ("label", "differ"), [(f"{H100}-MIG-INVALID", True), (f"{H100}-MIG-3g.40gb", False), (H100, False), ("", False)]
    )
    def test_slices_that_cannot_be_offered_together(self, label: str, differ: bool) -> None:
        assert slices_differ({PRODUCT_LABEL: label}) is differ


@pytest.mark.parametrize("resource", ["amd.com/gpu", "nvidia.com/hostdev", "nvidia.com/GA102GL_A10", "nvidia.com/gpus"])
def test_other_resources_are_no_gpus(resource: str) -> None:
    assert told_of(resource, discovered(H100, gpus=8, memory=81559)) is None
