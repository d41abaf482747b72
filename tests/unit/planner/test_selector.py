"""A node selector that no node has: it is said, and to drop it is offered where that would help."""

from typing import Any

import pytest

from gemma4_operator.planner.choose import choose
from gemma4_operator.planner.inventory import Inventory, inventory
from gemma4_operator.planner.left_out import with_nodes
from gemma4_operator.planner.node_view import node_view
from gemma4_operator.planner.plan import NO_GPUS, Plan, Rejection
from gemma4_operator.planner.workable import NODES, SELECTOR, workable
from gemma4_operator.runtime.desire import desire
from tests.nodes import L40S, gpu_node, node
from tests.rendering import CATALOG, ENGINES, spec_of

MODEL = {"variant": "31B", "quantization": "FP8"}
SENTENCE = (
    "No node with GPUs has pool=gpu2, which `spec.placement.nodeSelector` asks for: label the nodes, correct it, or "
    "drop it."
)
LATE = gpu_node("late", L40S, gpus=1, labels={"pool": "gpu2"})
POOL = [gpu_node(f"n{number}", L40S, gpus=4, labels={"pool": "gpu"}) for number in range(3)]
PLAIN = node("plain", labels={"pool": "gpu2"})


def found(selector: dict[str, str], *nodes: dict[str, Any], **more: Any) -> Inventory:
    return inventory(map(node_view, nodes or POOL), catalog=CATALOG, node_selector=selector, **more)


def rejected(selector: dict[str, str], *nodes: dict[str, Any]) -> Rejection:
    spec = spec_of({"model": MODEL, "placement": {"nodeSelector": selector}})
    there = found(selector, *nodes)
    plan = with_nodes(choose(spec, catalog=CATALOG, engines=ENGINES, classes=there.classes), there)
    assert isinstance(plan, Rejection), plan
    return workable(plan, spec, catalog=CATALOG, engines=ENGINES, classes=there.classes, unselected=there.unselected)


def test_it_is_said_that_no_node_has_the_labels() -> None:
    there = found({"pool": "gpu2"})
    assert there.classes == ()
    assert there.notes[0] == SENTENCE
    assert there.unselected == found({}).classes


@pytest.mark.parametrize(
    ("selector", "nodes"),
    [({}, POOL), ({"pool": "gpu"}, POOL), ({"pool": "gpu2"}, [*POOL, LATE])],
    ids=["none", "one that all have", "one that a single node has"],
)
def test_a_selector_that_a_node_has_is_nobodys_matter(selector: dict[str, str], nodes: list[dict[str, Any]]) -> None:
    there = found(selector, *nodes)
    assert there.classes
    assert there.unselected == ()
    assert not any("No node with GPUs" in note for note in there.notes)


def test_where_no_node_has_gpus_at_all_the_selector_is_not_to_blame() -> None:
    there = found({"pool": "gpu2"}, PLAIN)
    assert (there.notes, there.unselected) == ((), ())


def test_to_drop_it_is_offered_before_nodes_are_and_works() -> None:
    rejection = rejected({"pool": "gpu2"})
    assert rejection.reason == NO_GPUS
    first, second = rejection.relaxations
    assert (first.field, first.value, second.field) == (SELECTOR, None, NODES)
    assert first.message.startswith(f"drop `{SELECTOR}`: 31B in FP8 on VLLM with 1x NVIDIA-L40S")
    assert SENTENCE in rejection.message
    plan = choose(spec_of({"model": MODEL}), catalog=CATALOG, engines=ENGINES, classes=found({}).classes)
    assert isinstance(plan, Plan)
    assert plan.why in first.message


def test_where_the_other_nodes_would_not_serve_it_either_it_is_not_offered() -> None:
    small = gpu_node("small", "NVIDIA-L4", gpus=1, labels={"pool": "gpu"})
    assert [one.field for one in rejected({"pool": "gpu2"}, small).relaxations] == [NODES]


def test_a_resource_tells_both() -> None:
    resource = {
        "apiVersion": "gemma4.dev/v1alpha1",
        "kind": "Gemma4Deployment",
        "metadata": {"namespace": "team", "name": "chat", "uid": "u", "generation": 1},
        "spec": {"model": MODEL, "placement": {"nodeSelector": {"pool": "gpu2"}}},
    }
    problem = desire(resource, catalog=CATALOG, engines=ENGINES, nodes=list(map(node_view, POOL))).problem
    assert problem is not None
    assert SENTENCE in problem.message
    assert f"drop `{SELECTOR}`" in problem.message
