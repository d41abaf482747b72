"""Rows of the catalogue as devices: whole, cut, shared, with a label's memory, and unknown."""

from decimal import Decimal

import pytest

from gemma4_operator.catalog.gpus import Gpu, Link, MigProfile
from gemma4_operator.planner.devices import (
    UNKNOWN_BANDWIDTH,
    UNKNOWN_CAPABILITY,
    UNKNOWN_FLOPS,
    UNKNOWN_PRICE_PER_GIB,
    device_of,
    is_plausible,
    unknown_device,
)
from tests.rendering import CATALOG

MIB = 2**20
EVERY_ROW = pytest.mark.parametrize("row", CATALOG.gpus, ids=lambda row: f"{row.products[0]}-{row.memory_mib}")
SLICES = [(row, profile) for row in CATALOG.gpus for profile in row.mig]
EVERY_SLICE = pytest.mark.parametrize(
    ("row", "profile"), SLICES, ids=[f"{row.products[0]}-{profile.name}" for row, profile in SLICES]
)


def row_of(product: str, memory_mib: int | None = None) -> Gpu:
    row = CATALOG.gpu(product, memory_mib)
    assert row is not None
    return row


def profile_of(row: Gpu, name: str) -> MigProfile:
    return next(profile for profile in row.mig if profile.name == name)


H100 = row_of("NVIDIA-H100-80GB-HBM3")
L4 = row_of("NVIDIA-L4")
GB10 = row_of("NVIDIA-GB10")
A30 = row_of("NVIDIA-A30")


class TestWhole:
    def test_an_h100_has_the_figures_of_its_row_in_base_units(self) -> None:
        device = device_of(H100)
        assert device.product == "NVIDIA-H100-80GB-HBM3"
        assert device.memory_bytes == 81559 * MIB
        assert device.bandwidth == 3350e9
        assert (device.bf16_flops, device.fp8_flops, device.fp4_flops) == (989e12, 1978e12, 0.0)
        assert device.compute_capability == (9, 0)
        assert (device.link, device.link_bytes_per_second) == (Link.NVLINK, 450e9)
        assert device.hourly_price == Decimal("2.95")
        assert device.is_known
        assert (device.is_slice, device.is_shared, device.unified_memory) == (False, False, False)

    def test_the_systems_part_of_unified_memory_is_taken_off(self) -> None:
        device = device_of(GB10)
        assert device.unified_memory
        assert device.memory_bytes == (GB10.memory_mib - GB10.reserved_mib) * MIB

    def test_what_the_hardware_cannot_compute_has_no_rate(self) -> None:
        assert device_of(row_of("NVIDIA-A100-SXM4-40GB")).fp8_flops == 0.0

    @EVERY_ROW
    def test_every_row_is_a_device(self, row: Gpu) -> None:
        device = device_of(row)
        assert 0 < device.memory_bytes <= row.memory_mib * MIB
        assert device.bandwidth > 0
        assert device.hourly_price > 0
        assert (device.link is Link.NONE) == (device.link_bytes_per_second == 0)


class TestLabel:
    @pytest.mark.parametrize("label", [81559, 81251, 80000, 81920])
    def test_a_label_near_the_row_counts_more_than_it(self, label: int) -> None:
        assert device_of(H100, memory_mib=label).memory_bytes == label * MIB

    @pytest.mark.parametrize("label", [1, 40000, 163118, 81559 * 1024])
    def test_a_label_far_from_the_row_is_passed_over(self, label: int) -> None:
        assert device_of(H100, memory_mib=label).memory_bytes == 81559 * MIB

    def test_the_systems_part_is_taken_off_a_label_too(self) -> None:
        assert device_of(GB10, memory_mib=122_000).memory_bytes == (122_000 - GB10.reserved_mib) * MIB

    def test_a_label_of_a_slice_is_held_against_the_slice(self) -> None:
        third = profile_of(H100, "3g.40gb")
        assert device_of(H100, profile=third, memory_mib=40448).memory_bytes == 40448 * MIB
        assert device_of(H100, profile=third, memory_mib=81559).memory_bytes == third.memory_mib * MIB

    def test_a_quarter_is_the_limit_on_both_sides(self) -> None:
        row = row_of("NVIDIA-A100-SXM4-40GB")
        assert [is_plausible(mib, row) for mib in (30719, 30720, 51200, 51201)] == [False, True, True, False]


class TestSlice:
    def test_3g_40gb_is_three_sevenths_of_the_arithmetic_and_half_of_the_memorys_speed(self) -> None:
        device = device_of(H100, profile=profile_of(H100, "3g.40gb"))
        assert device.product == "NVIDIA-H100-80GB-HBM3-MIG-3g.40gb"
        assert device.bf16_flops == pytest.approx(989e12 * 3 / 7)
        assert device.bandwidth == pytest.approx(3350e9 / 2)
        assert device.hourly_price == Decimal("1.475")
        assert device.memory_bytes == 40192 * MIB
        assert device.is_slice

    def test_a_gpu_in_four_parts_is_whole_with_all_four(self) -> None:
        device = device_of(A30, profile=profile_of(A30, "4g.24gb"))
        assert device.bf16_flops == 165e12
        assert device.bandwidth == 933e9

    @EVERY_SLICE
    def test_slices_have_no_way_to_each_other(self, row: Gpu, profile: MigProfile) -> None:
        device = device_of(row, profile=profile)
        assert (device.link, device.link_bytes_per_second) == (Link.NONE, 0.0)

    @EVERY_SLICE
    def test_no_slice_is_more_than_its_gpu(self, row: Gpu, profile: MigProfile) -> None:
        device, whole = device_of(row, profile=profile), device_of(row)
        assert device.memory_bytes <= whole.memory_bytes
        assert device.bandwidth <= whole.bandwidth
        assert device.bf16_flops <= whole.bf16_flops
        assert device.hourly_price <= whole.hourly_price

    @EVERY_SLICE
    def test_a_slices_memory_is_about_its_share(self, row: Gpu, profile: MigProfile) -> None:
        share = profile.memory_slices / row.memory_slices
        assert profile.memory_mib <= row.memory_mib * share * 1.02
        assert profile.memory_mib >= row.memory_mib * share * 0.85


class TestShared:
    def test_each_of_four_has_a_quarter_of_everything(self) -> None:
        device, whole = device_of(L4, shared_by=4), device_of(L4)
        assert device.is_shared
        assert device.product == "NVIDIA-L4-SHARED"
        assert device.memory_bytes == 23034 // 4 * MIB
        assert device.bandwidth == whole.bandwidth / 4
        assert device.bf16_flops == whole.bf16_flops / 4
        assert device.hourly_price == whole.hourly_price / 4

    def test_the_system_needs_its_part_of_unified_memory_once(self) -> None:
        device = device_of(GB10, shared_by=2)
        assert device.memory_bytes == (GB10.memory_mib - GB10.reserved_mib) // 2 * MIB

    def test_a_slice_may_be_shared_as_well(self) -> None:
        device = device_of(H100, profile=profile_of(H100, "3g.40gb"), shared_by=2)
        assert device.product == "NVIDIA-H100-80GB-HBM3-MIG-3g.40gb-SHARED"
        assert (device.is_slice, device.is_shared) == (True, True)
        assert device.memory_bytes == 20096 * MIB
        assert device.bandwidth == pytest.approx(3350e9 / 4)
        assert device.bf16_flops == pytest.approx(989e12 * 3 / 14)

    @EVERY_ROW
    def test_more_pods_never_get_more(self, row: Gpu) -> None:
        sizes = [device_of(row, shared_by=count).memory_bytes for count in (1, 2, 3, 8)]
        assert sizes == sorted(sizes, reverse=True)


class TestUnknown:
    def test_only_its_memory_is_taken_from_the_label(self) -> None:
        device = unknown_device("NVIDIA-X900", memory_mib=98304)
        assert not device.is_known
        assert device.memory_bytes == 96 * 2**30
        assert device.bandwidth == UNKNOWN_BANDWIDTH
        assert device.bf16_flops == UNKNOWN_FLOPS
        assert (device.fp8_flops, device.fp4_flops) == (0.0, 0.0)
        assert device.compute_capability == UNKNOWN_CAPABILITY
        assert device.hourly_price == 96 * UNKNOWN_PRICE_PER_GIB
        assert device.link is Link.NONE

    def test_the_compute_capability_is_believed(self) -> None:
        assert unknown_device("X", memory_mib=8192, compute_capability=(7, 5)).compute_capability == (7, 5)

    def test_it_may_be_cut_shared_and_unified(self) -> None:
        device = unknown_device("X", memory_mib=8192, unified_memory=True, is_slice=True, shared_by=2)
        assert (device.unified_memory, device.is_slice, device.is_shared) == (True, True, True)

    @EVERY_ROW
    def test_it_is_never_a_bargain_beside_a_known_one(self, row: Gpu) -> None:
        """Else the cheapest plan of a cluster would be on the GPU of which nobody knows anything."""
        assert unknown_device("X", memory_mib=row.memory_mib).hourly_price >= row.price

    def test_a_price_that_is_known_is_kept(self) -> None:
        device = unknown_device("X", memory_mib=8192, hourly_price=Decimal("2.95") / 3)
        assert device.hourly_price == Decimal("0.9833")

    def test_nothing_with_room_for_the_family_is_slower_but_jetsons(self) -> None:
        """So an unknown GPU is never promised to be faster than the slowest known one of data centres and desks."""
        slower = {row.products[0] for row in CATALOG.gpus if row.bandwidth_gb_per_second * 1e9 < UNKNOWN_BANDWIDTH}
        assert slower <= {"Orin"}
        weaker = {row.products[0] for row in CATALOG.gpus if row.bf16_tflops and row.bf16_tflops * 1e12 < UNKNOWN_FLOPS}
        assert weaker <= {"Orin"}
