"""The guide's examples: each applies as it stands there, and does what the text around it says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.catalog.loader import Catalog, builtin_catalog
from gemma4_operator.catalog.overrides import KEYS, override

CATALOG = builtin_catalog()
GUIDE = (Path(__file__).parents[3] / "docs/guides/catalog.md").read_text()
EXAMPLES: list[dict[str, Any]] = [
    {"prices": {}} | example.get("catalog", {}).get("overrides", example)
    for example in map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL))
]


def all_applied() -> Catalog:
    catalog = CATALOG
    for example in EXAMPLES:
        catalog, faults = override(catalog, yaml.safe_dump(example))
        assert faults == ()
    return catalog


def test_there_is_one_for_each_key() -> None:
    assert {key for example in EXAMPLES for key in example} == set(KEYS)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: ", ".join(example))
def test_it_applies_and_changes_something(example: dict[str, Any]) -> None:
    catalog, faults = override(CATALOG, yaml.safe_dump(example))
    assert faults == ()
    assert catalog != CATALOG


def test_prices_are_the_teams() -> None:
    prices = {name: all_applied().gpu(name, memory) for name, memory in (("NVIDIA-L40S", None), ("Orin", 15656))}
    assert {name: row.hourly_price for name, row in prices.items() if row} == {"NVIDIA-L40S": "0.99", "Orin": "0.05"}


def test_the_new_gpu_is_known_and_was_not() -> None:
    assert CATALOG.gpu("NVIDIA-NEW-GPU") is None
    assert all_applied().gpu("NVIDIA-NEW-GPU") is not None


def test_the_own_checkpoint_is_preferred_and_the_other_format_is_not() -> None:
    catalog = all_applied()
    preferred = catalog.preferred(Variant.V31B, Quantization.BF16)
    assert preferred is not None
    assert preferred.repository == "team/gemma-4-31b-support"
    assert catalog.preferred(Variant.V12B, Quantization.NVFP4) is None
    assert CATALOG.preferred(Variant.V12B, Quantization.NVFP4) is not None


def test_the_image_comes_from_the_mirror() -> None:
    assert all_applied().engines[EngineType.VLLM].image.startswith("registry.example.com/")
