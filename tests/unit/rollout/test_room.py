"""For how many more pods there are GPUs, by the scheduler's rules."""

from typing import Any

import pytest

from gemma4_operator.planner.node_view import NodeView, node_view
from gemma4_operator.planner.uses import Use
from gemma4_operator.rollout.room import footprint, room
from tests.cluster.fakenodes import fake_gpu_node

GPU, PRODUCT = "nvidia.com/gpu", "nvidia.com/gpu.product"


def template(gpus: int = 1, **spec: Any) -> dict[str, Any]:
    limits = {GPU: str(gpus)} if gpus else {}
    return {"spec": {"containers": [{"name": "vllm", "resources": {"limits": limits, "requests": limits}}], **spec}}


def node(name: str = "a", gpus: int = 4, **fake: Any) -> NodeView:
    return node_view(fake_gpu_node(name, count=gpus, **fake))


def affinity(*terms: list[dict[str, Any]]) -> dict[str, Any]:
    wanted = {"nodeSelectorTerms": [{"matchExpressions": list(term)} for term in terms]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": wanted}}}


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


def has_room(pod: dict[str, Any], *nodes: NodeView, uses: tuple[Use, ...] = ()) -> int:
    return room(footprint(pod), nodes, uses)


def test_what_is_free_counts_on_each_node_by_itself() -> None:
    uses = (Use("a", GPU, 3), Use("b", GPU, 1), Use("b", GPU, 1))
    assert has_room(template(2), node("a"), node("b"), node("c", 3), uses=uses) == 0 + 1 + 1


def test_a_node_that_is_more_than_full_has_room_for_none() -> None:
    assert has_room(template(), node(gpus=1), uses=(Use("a", GPU, 5),)) == 0


def test_without_gpus_nothing_is_told() -> None:
    assert footprint(template(0)).gpus == {}
    assert has_room(template(0), node()) == 0


def test_an_init_container_counts_as_the_scheduler_counts_it() -> None:
    pod = template(1, initContainers=[{"name": "check", "resources": {"limits": {GPU: "2"}}}])
    assert has_room(pod, node(gpus=4)) == 2


@pytest.mark.parametrize(
    ("spec", "fits"),
    [
        ({}, True),
        ({"nodeSelector": {PRODUCT: "NVIDIA-L4"}}, True),
        ({"nodeSelector": {PRODUCT: "NVIDIA-L40S"}}, False),
        (affinity([expression(PRODUCT, "In", "NVIDIA-L4", "NVIDIA-T4")]), True),
        (affinity([expression(PRODUCT, "In", "NVIDIA-T4")]), False),
        (affinity([expression(PRODUCT, "In", "NVIDIA-T4")], [expression(PRODUCT, "Exists")]), True),
        (affinity([expression(PRODUCT, "Exists"), expression("zone", "DoesNotExist")]), True),
        (affinity([expression(PRODUCT, "NotIn", "NVIDIA-L4")]), False),
        (affinity([expression("zone", "NotIn", "b")]), True),
        (affinity([expression("zone", "Exists")]), False),
        # What only the scheduler judges counts as fitting, and it has the last word.
        (affinity([expression("generation", "Gt", "4")]), True),
    ],
    ids=str,
)
def test_nodes_must_be_such_as_the_pod_asks_for(spec: dict[str, Any], fits: bool) -> None:
    assert (has_room(template(**spec), node(product="NVIDIA-L4")) > 0) is fits


@pytest.mark.parametrize(
    ("tolerations", "fits"),
    [
        ([], False),
        ([{"key": "team", "operator": "Exists"}], True),
        ([{"key": "team", "operator": "Equal", "value": "a", "effect": "NoSchedule"}], True),
        ([{"key": "team", "operator": "Equal", "value": "b", "effect": "NoSchedule"}], False),
        ([{"key": "team", "operator": "Sometimes"}], False),
    ],
)
def test_taints_are_tolerated_or_not(tolerations: list[dict[str, str]], fits: bool) -> None:
    tainted = node(taints=[{"key": "team", "value": "a", "effect": "NoSchedule"}])
    assert (has_room(template(tolerations=tolerations), tainted) > 0) is fits


def test_nobody_goes_where_nobody_may() -> None:
    cordoned = fake_gpu_node("a", count=4)
    cordoned["spec"]["unschedulable"] = True
    assert has_room(template(), node_view(cordoned)) == 0
