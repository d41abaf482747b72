"""Names of GPUs: what sharing and slicing add to a label goes, in any order, and nothing else."""

import pytest

from gemma4_operator.catalog.products import alike, normalized


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("NVIDIA-L40S", "nvidia-l40s"),
        ("NVIDIA-L40S-SHARED", "nvidia-l40s"),
        ("NVIDIA-A100-SXM4-40GB-MIG-3g.20gb", "nvidia-a100-sxm4-40gb"),
        ("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb.me", "nvidia-a100-sxm4-40gb"),
        ("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb+me", "nvidia-a100-sxm4-40gb"),
        ("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb-SHARED", "nvidia-a100-sxm4-40gb"),
        ("NVIDIA-A100-SXM4-40GB-SHARED-MIG-1g.5gb", "nvidia-a100-sxm4-40gb"),
        ("SHARED-GPU", "shared-gpu"),
        ("NVIDIA-MIGHTY-1", "nvidia-mighty-1"),
        ("", ""),
    ],
)
def test_a_label_is_compared_by_its_name(label: str, name: str) -> None:
    assert normalized(label) == name


KNOWN = (
    "NVIDIA-A10",
    "NVIDIA-A100-SXM4-80GB",
    "NVIDIA-H100-PCIe",
    "NVIDIA-H100-80GB-HBM3",
    "NVIDIA-H20",
    "NVIDIA-H200",
    "NVIDIA-GeForce-RTX-4090",
    "NVIDIA-L4",
    "NVIDIA-L40S",
    "Tesla-T4",
)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("H100", ("NVIDIA-H100-PCIe", "NVIDIA-H100-80GB-HBM3")),
        ("NVIDIA-A100", ("NVIDIA-A100-SXM4-80GB", "NVIDIA-A10")),
        ("RTX 4090", ("NVIDIA-GeForce-RTX-4090",)),
        ("nvidia-l4", ("NVIDIA-L4", "NVIDIA-L40S")),
        ("t4", ("Tesla-T4",)),
        ("NVIDIA-H20O", ("NVIDIA-H20", "NVIDIA-H200")),
        ("Spark", ()),
        ("nvidia", ()),
        ("1", ()),
    ],
)
def test_what_a_slip_means_begins_with_names_that_contain_it(name: str, meant: tuple[str, ...]) -> None:
    assert alike(name, KNOWN, most=2) == meant
