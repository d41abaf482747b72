"""docs/guides/inventory.md says what the code does: its labels are read, and its sentences are said."""

import re
from pathlib import Path

import pytest

from gemma4_operator.api.placement import TaintEffect, Toleration, TolerationOperator
from gemma4_operator.planner.inventory import inventory
from gemma4_operator.planner.node_labels import told_of
from gemma4_operator.planner.node_view import node_view
from tests.nodes import H100, ORIN, discovered, gpu_node, mixed_mig_node, node
from tests.rendering import CATALOG

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "inventory.md").read_text(encoding="utf-8")
NODES = [
    node("a", allocatable={"nvidia.com/gpu": "1"}),
    gpu_node("b", "NVIDIA-X900", memory=None),
    node("c", labels={"nvidia.com/gpu.product": ORIN}, allocatable={"nvidia.com/gpu": "1"}, capacity={"memory": ""}),
    gpu_node("d", memory=163_118),
    mixed_mig_node("e", whole=0, slices={"5g.50gb": (1, 0)}),
    gpu_node("f", f"{H100}-MIG-INVALID", memory="0"),
    mixed_mig_node("g", whole=0, slices={"1c.3g.40gb": (3, 40_448)}),
    node("h", capacity={"nvidia.com/gpu": "8"}),
    gpu_node("i", unschedulable=True),
    gpu_node("l", f"{H100}-SHARED"),
    gpu_node("j", taints=[{"key": "spot", "effect": "NoSchedule"}]),
    gpu_node("m", taints=[{"key": "drain", "effect": "NoExecute"}]),
]
SHORTLY = Toleration(
    key="drain", operator=TolerationOperator.EXISTS, effect=TaintEffect.NO_EXECUTE, toleration_seconds=60
)
ELSEWHERE = gpu_node("k", labels={"team": "b"})


def notes() -> tuple[str, ...]:
    views = [node_view(raw) for raw in NODES]
    choosy = inventory([node_view(ELSEWHERE)], catalog=CATALOG, node_selector={"team": "a"})
    return (*inventory(views, catalog=CATALOG, tolerations=(SHORTLY,)).notes, *choosy.notes)


def told_in_guide() -> list[str]:
    table = GUIDE.split("## When a node is left out, or doubted")[1].split("\n## ")[0]
    rows = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")]
    return rows[2:]


def says(sentence: str, told: str) -> bool:
    """Whether a sentence says what a row tells, with anything in the place of each ellipsis."""
    return re.search(".*".join(map(re.escape, told.split("…"))), sentence) is not None


@pytest.mark.parametrize("told", told_in_guide())
def test_each_row_is_a_sentence_that_is_said(told: str) -> None:
    assert any(says(sentence, told) for sentence in notes())


@pytest.mark.parametrize("sentence", notes(), ids=lambda sentence: sentence[:8])
def test_each_sentence_has_a_row(sentence: str) -> None:
    assert any(says(sentence, told) for told in told_in_guide())


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("nvidia.com/gpu.product", "NVIDIA-L4"),
        ("nvidia.com/gpu.memory", "23034"),
        ("nvidia.com/gpu.replicas", "3"),
        ("nvidia.com/gpu.sharing-strategy", "mps"),
        ("nvidia.com/gpu.compute.major", "8"),
        ("nvidia.com/gpu.compute.minor", "9"),
    ],
)
def test_each_label_of_the_guide_makes_a_difference(label: str, value: str) -> None:
    assert f"`{label}`" in GUIDE
    labels = discovered(H100, gpus=8, memory=81_559)
    assert told_of("nvidia.com/gpu", labels | {label: value}) != told_of("nvidia.com/gpu", labels)
