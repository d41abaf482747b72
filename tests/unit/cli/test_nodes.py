"""Nodes and pods of files: what nobody's API server has judged is judged here, with the name and the field."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from gemma4_operator.cli.inputs import InvalidInput
from gemma4_operator.cli.nodes import read_inventory, read_pods
from gemma4_operator.planner.node_view import node_view
from tests.cluster.fakenodes import fake_gpu_node

NODE = fake_gpu_node("gpu-1")
POD: dict[str, Any] = {
    "kind": "Pod",
    "metadata": {"name": "training", "namespace": "batch"},
    "spec": {"nodeName": "gpu-1", "containers": [{"resources": {"limits": {"nvidia.com/gpu": "1"}}}]},
}


def file_of(folder: Path, *objects: dict[str, Any]) -> str:
    path = folder / "nodes.json"
    path.write_text(json.dumps({"kind": "List", "items": objects}))
    return str(path)


def changed(obj: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """Return the object with one value set, or taken away with `...`."""
    copy = deepcopy(obj)
    *way, last = path
    inner: Any = copy
    for step in way:
        inner = inner.setdefault(step, {}) if isinstance(step, str) else inner[step]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return copy


def test_nodes_and_pods_of_one_file(tmp_path: Path):
    nodes, pods = read_inventory(file_of(tmp_path, NODE, {"kind": "Service", "metadata": {"name": "x"}}, POD))
    assert ([one["metadata"]["name"] for one in nodes], list(pods)) == (["gpu-1"], [POD])


def test_what_a_kubelet_reports_is_fine(tmp_path: Path):
    node = changed(NODE, ("status", "allocatable", "memory"), "1056270840Ki")
    assert read_inventory(file_of(tmp_path, node))[0] == (node,)


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a node without a name": (changed(NODE, ("metadata", "name"), ...), "a Node: `metadata.name` must be given"),
    "a node without metadata": (changed(NODE, ("metadata",), ...), "a Node: `metadata.name` must be given"),
    "a name that is a number": (changed(NODE, ("metadata", "name"), 7), "a Node: `metadata.name` must be given"),
    "labels as a list": (
        changed(NODE, ("metadata", "labels"), ["a"]),
        "Node 'gpu-1': `metadata.labels` must be an object, and is '['a']'",
    ),
    "a label without quotes": (
        changed(NODE, ("metadata", "labels", "nvidia.com/gpu.memory"), 81559),
        "Node 'gpu-1': `metadata.labels.nvidia.com/gpu.memory` must be a text, and is '81559': put it in quotes",
    ),
    "a status that is a word": (
        changed(NODE, ("status",), "Ready"),
        "Node 'gpu-1': `status` must be an object, and is 'Ready'",
    ),
    "many GPUs": (
        changed(NODE, ("status", "allocatable", "nvidia.com/gpu"), "many"),
        "Node 'gpu-1': `status.allocatable.nvidia.com/gpu` must be a whole number, and is 'many'",
    ),
    "half a GPU": (
        changed(NODE, ("status", "allocatable", "nvidia.com/gpu"), "0.5"),
        "Node 'gpu-1': `status.allocatable.nvidia.com/gpu` must be a whole number, and is '0.5'",
    ),
    "fewer than none": (
        changed(NODE, ("status", "capacity", "nvidia.com/gpu"), -1),
        "Node 'gpu-1': `status.capacity.nvidia.com/gpu` must be a whole number, and is '-1'",
    ),
    "memory in no unit that there is": (
        changed(NODE, ("status", "allocatable", "memory"), "64GB"),
        "Node 'gpu-1': `status.allocatable.memory` must be a quantity such as 64Gi, and is '64GB'",
    ),
    "allocatable as a list": (
        changed(NODE, ("status", "allocatable"), [1]),
        "Node 'gpu-1': `status.allocatable` must be an object, and is '[1]'",
    ),
    "a taint without an effect": (
        changed(NODE, ("spec", "taints"), [{"key": "a"}]),
        "Node 'gpu-1': `spec.taints[0].effect` must be given",
    ),
    "a taint that is a word": (
        changed(NODE, ("spec", "taints"), "gpu"),
        "Node 'gpu-1': `spec.taints[0].key` must be given",
    ),
    "a condition without its status": (
        changed(NODE, ("status", "conditions"), [{"type": "Ready"}]),
        "Node 'gpu-1': `status.conditions[0]` must have `type` and `status`",
    ),
    "a pod that takes some GPUs": (
        changed(POD, ("spec", "containers", 0, "resources", "limits", "nvidia.com/gpu"), "some"),
        "Pod 'training': `spec.containers[0].resources.limits.nvidia.com/gpu` must be a whole number, and is 'some'",
    ),
    "limits as a list": (
        changed(POD, ("spec", "containers", 0, "resources", "limits"), ["x"]),
        "Pod 'training': `spec.containers[0].resources.limits` must be an object, and is '['x']'",
    ),
    "a container that is a word": (
        changed(POD, ("spec", "containers"), ["x"]),
        "Pod 'training': `spec.containers[0].resources` must be an object",
    ),
}


@pytest.mark.parametrize("what", FAULTS)
def test_what_cannot_be_a_node_or_a_pod(what: str, tmp_path: Path):
    wrong, sentence = FAULTS[what]
    path = file_of(tmp_path, NODE, wrong)
    with pytest.raises(InvalidInput) as caught:
        read_inventory(path)
    assert str(caught.value) == f"{path}: {sentence}"


def test_a_bare_node_is_enough_for_the_planner(tmp_path: Path):
    nodes, _ = read_inventory(file_of(tmp_path, {"kind": "Node", "metadata": {"name": "bare"}}))
    assert node_view(nodes[0]).offers == ()


@pytest.mark.parametrize("kind", ["List", "NodeList"])
def test_a_cluster_may_have_no_nodes(kind: str, tmp_path: Path):
    (tmp_path / "nodes.json").write_text(json.dumps({"apiVersion": "v1", "kind": kind, "items": []}))
    assert read_inventory(str(tmp_path / "nodes.json")) == ((), ())


def test_an_empty_file_is_a_command_that_failed(tmp_path: Path):
    (tmp_path / "nodes.json").write_text("")
    with pytest.raises(InvalidInput, match="must hold what `kubectl get nodes -o json` prints, and is empty"):
        read_inventory(str(tmp_path / "nodes.json"))


class TestPods:
    def test_a_cluster_may_have_none(self, tmp_path: Path):
        assert read_pods(file_of(tmp_path)) == ()

    def test_an_empty_file_is_a_command_that_failed(self, tmp_path: Path):
        (tmp_path / "pods.json").write_text("\n")
        with pytest.raises(InvalidInput, match="must hold what `kubectl get pods -A -o json` prints, and is empty"):
            read_pods(str(tmp_path / "pods.json"))

    def test_nodes_are_not_pods(self, tmp_path: Path):
        with pytest.raises(InvalidInput, match="must hold what `kubectl get pods -A -o json` prints, and has Node"):
            read_pods(file_of(tmp_path, NODE))

    def test_pods_are_read(self, tmp_path: Path):
        assert read_pods(file_of(tmp_path, POD)) == (POD,)


def test_an_inventory_of_other_kinds(tmp_path: Path):
    with pytest.raises(InvalidInput, match="must hold what `kubectl get nodes -o json` prints, and has Service"):
        read_inventory(file_of(tmp_path, {"kind": "Service", "metadata": {"name": "x"}}))
