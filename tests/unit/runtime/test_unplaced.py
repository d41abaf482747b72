"""A plan whose pods no node takes: another in its place, if one could start at once."""

from typing import Any

from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.engines.registry import engines
from gemma4_operator.planner.node_view import node_view
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.record import record
from gemma4_operator.planner.replan import Wrong
from gemma4_operator.planner.uses import Use
from gemma4_operator.runtime.desire import Desire, desire
from tests.cluster.fakenodes import fake_gpu_node

H100 = fake_gpu_node("big", product="NVIDIA-H100-80GB-HBM3", count=4)
L4 = fake_gpu_node("small", product="NVIDIA-L4", count=1, memory_mib=23034, compute=(8, 9))
TAKEN = (Use("small", "nvidia.com/gpu", 1),)


def wanted(*nodes: dict[str, Any], status: Any = None, uses: tuple[Use, ...] = (), **spec: Any) -> Desire:
    metadata = {"namespace": "team", "name": "chat", "uid": "u", "generation": 1, "resourceVersion": "1"}
    model = {"variant": "E2B", "quantization": "Q4_K_M"}
    kind = {"apiVersion": "gemma4.dev/v1alpha1", "kind": "Gemma4Deployment"}
    raw = {**kind, "metadata": metadata, "spec": {"model": model, **spec}, "status": status or {}}
    views = tuple(map(node_view, nodes))
    wrong = Wrong.UNPLACED if status is not None else None
    return desire(raw, catalog=builtin_catalog(), engines=engines(), nodes=views, uses=uses, wrong=wrong)


def again(*nodes: dict[str, Any], uses: tuple[Use, ...] = (), **spec: Any) -> tuple[Plan, Plan]:
    """Return the plan on both nodes, and the one that stands after its pods found none."""
    kept = wanted(L4, H100, **spec).plan
    assert kept is not None
    later = wanted(*nodes, status={"plan": record(kept).to_json()}, uses=uses, **spec).plan
    assert later is not None
    return kept, later


def test_its_node_is_gone() -> None:
    before, after = again(H100)
    assert (before.gpu_product, after.gpu_product) == ("NVIDIA-L4", "NVIDIA-H100-80GB-HBM3")
    assert after.notes[0] == (
        "Chosen anew, because the pods of the plan before, E2B in Q4_K_M with 1x NVIDIA-L4, found no node."
    )
    assert after.hash == before.hash


def test_others_have_taken_its_gpus() -> None:
    _, after = again(L4, H100, uses=TAKEN)
    assert after.gpu_product == "NVIDIA-H100-80GB-HBM3"


def test_no_other_gpus_are_there() -> None:
    before, after = again(L4, uses=TAKEN)
    assert after == before


def test_no_other_gpus_are_free() -> None:
    before, after = again(H100, uses=(Use("big", "nvidia.com/gpu", 4),))
    assert after == before


def test_no_node_is_left() -> None:
    before, after = again()
    assert after == before


def test_what_keeps_pods_away_has_nothing_to_do_with_gpus() -> None:
    """The GPUs are free, so the same would be chosen: a claim in another zone is no reason to move."""
    before, after = again(L4, H100)
    assert after == before


def test_the_spec_allows_no_other() -> None:
    before, after = again(H100, placement={"gpuProducts": ["NVIDIA-L4"]})
    assert after == before
