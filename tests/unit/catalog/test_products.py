"""Names of GPUs: what sharing and slicing add to a label goes, in any order, and nothing else."""

import pytest

from gemma4_operator.catalog.products import normalized


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
