"""What a fake GPU node looks like, and that the stages belong together."""

from pathlib import Path

import yaml

from tests.cluster import fakenodes
from tests.cluster.fakenodes import fake_gpu_node

STAGES = sorted((Path(fakenodes.__file__).parent / "stages").glob("*.yaml"))


def test_a_node_offers_and_labels_its_gpus() -> None:
    node = fake_gpu_node("a", product="NVIDIA-L4", count=2, memory_mib=23034, family="ada-lovelace", compute=(8, 9))
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "2"
    labels = node["metadata"]["labels"]
    assert labels["nvidia.com/gpu.product"] == "NVIDIA-L4"
    assert labels["nvidia.com/gpu.count"] == "2"
    assert labels["nvidia.com/gpu.memory"] == "23034"
    assert (labels["nvidia.com/gpu.compute.major"], labels["nvidia.com/gpu.compute.minor"]) == ("8", "9")
    assert all(isinstance(value, str) for value in labels.values())


def test_a_node_without_gpus_has_no_gpu_labels() -> None:
    node = fake_gpu_node("a", count=0)
    assert "nvidia.com/gpu" not in node["status"]["capacity"]
    assert not [label for label in node["metadata"]["labels"] if label.startswith("nvidia.com/")]


def test_given_labels_and_resources_win() -> None:
    node = fake_gpu_node("a", labels={"nvidia.com/gpu.product": "X", "zone": "z"}, resources={"cpu": "4"})
    assert node["metadata"]["labels"]["nvidia.com/gpu.product"] == "X"
    assert node["metadata"]["labels"]["zone"] == "z"
    assert node["status"]["capacity"]["cpu"] == "4"


def test_kwok_manages_it_and_no_other() -> None:
    assert fake_gpu_node("a")["metadata"]["annotations"] == {"kwok.x-k8s.io/node": "fake"}


def test_every_fault_has_a_stage() -> None:
    stages = [stage for path in STAGES for stage in yaml.safe_load_all(path.read_text())]
    selected = [one for stage in stages for one in stage["spec"]["selector"]["matchExpressions"]]
    named = {value for one in selected if "fault" in one["key"] for value in one.get("values", ())}
    assert named == set(fakenodes.FAULTS)


def test_stage_names_are_unique() -> None:
    names = [stage["metadata"]["name"] for path in STAGES for stage in yaml.safe_load_all(path.read_text())]
    assert len(names) == len(set(names)) > 8
