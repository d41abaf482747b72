"""Raw Nodes and Pods, as the kubelet, the device plugin and GPU feature discovery leave them behind.

`python -m tests.nodes` writes the whole clusters of this module to tests/data/inventories, where tests and the command
line read them.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

H100 = "NVIDIA-H100-80GB-HBM3"
A100_40 = "NVIDIA-A100-SXM4-40GB"
L40S = "NVIDIA-L40S"
L4 = "NVIDIA-L4"
GB10 = "NVIDIA-GB10"
ORIN = "Orin"
THOR = "NVIDIA-Thor"
MIB = {H100: 81559, A100_40: 40960, L40S: 46068, L4: 23034}
COMPUTE = {H100: (9, 0), A100_40: (8, 0), L40S: (8, 9), L4: (8, 9), GB10: (12, 1), ORIN: (8, 7), THOR: (11, 0)}
FOLDER = Path(__file__).parent / "data" / "inventories"

Object = dict[str, Any]


def discovered(product: str, *, gpus: int, memory: int | str | None = None, **more: str) -> dict[str, str]:
    """Return the labels of GPU feature discovery; further ones by the part after `nvidia.com/gpu.`, dots as `_`."""
    major, minor = COMPUTE.get(product, (0, 0))
    labels = {
        "product": product,
        "count": str(gpus),
        "replicas": "1",
        "sharing-strategy": "none",
        "compute.major": str(major),
        "compute.minor": str(minor),
    }
    if memory is not None:
        labels["memory"] = str(memory)
    labels |= {key.replace("_", "."): value for key, value in more.items()}
    return {f"nvidia.com/gpu.{key}": value for key, value in labels.items() if value}


def node(
    name: str,
    *,
    labels: Mapping[str, str] | None = None,
    allocatable: Mapping[str, Any] | None = None,
    capacity: Mapping[str, Any] | None = None,
    memory_kib: int = 528_208_880,
    ready: str = "True",
    taints: Iterable[Mapping[str, str]] = (),
    **spec: Any,
) -> Object:
    """Return a node; what is not said of its capacity is as what is allocatable."""
    bare = {"cpu": "64", "memory": f"{memory_kib - 102_400}Ki", "pods": "110"}
    whole = {**bare, "memory": f"{memory_kib}Ki"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}},
        "spec": {**spec, **({"taints": [dict(taint) for taint in taints]} if taints else {})},
        "status": {
            "allocatable": bare | dict(allocatable or {}),
            "capacity": whole | dict((allocatable or {}) if capacity is None else capacity),
            "conditions": [
                {"type": "MemoryPressure", "status": "False"},
                {"type": "Ready", "status": ready},
            ],
        },
    }


def gpu_node(name: str, product: str = H100, *, gpus: int = 8, memory: int | str | None = 0, **more: Any) -> Object:
    """Return a node with whole GPUs and all their labels; memory 0: what the product has."""
    shown = MIB.get(product) if memory == 0 else memory
    labels = discovered(product, gpus=gpus, memory=shown) | dict(more.pop("labels", {}))
    return node(name, labels=labels, allocatable={"nvidia.com/gpu": str(gpus)} | more.pop("allocatable", {}), **more)


def shared_node(
    name: str, product: str = L4, *, gpus: int = 1, by: int = 4, how: str = "time-slicing", **more: Any
) -> Object:
    """Return a node whose GPUs are each offered several times under their own name."""
    labels = discovered(
        f"{product}-SHARED", gpus=gpus, memory=MIB[product], replicas=str(by), **{"sharing-strategy": how}
    )
    return node(name, labels=labels, allocatable={"nvidia.com/gpu": str(gpus * by)}, **more)


def single_mig_node(name: str, product: str = H100, *, profile: str, slices: int, memory: int, **more: Any) -> Object:
    """Return a node whose slices are all alike and stand under nvidia.com/gpu."""
    labels = discovered(f"{product}-MIG-{profile}", gpus=slices, memory=memory) | {"nvidia.com/mig.strategy": "single"}
    return node(name, labels=labels, allocatable={"nvidia.com/gpu": str(slices)}, **more)


def mixed_mig_node(
    name: str, product: str = H100, *, whole: int, slices: Mapping[str, tuple[int, int]], **more: Any
) -> Object:
    """Return a node with whole GPUs and slices, each profile with its count and its MiB."""
    labels = discovered(product, gpus=8, memory=MIB[product], replicas="1" if whole else "0")
    labels["nvidia.com/mig.strategy"] = "mixed"
    allocatable = {"nvidia.com/gpu": str(whole)}
    for profile, (count, mib) in slices.items():
        resource = f"nvidia.com/mig-{profile}"
        allocatable[resource] = str(count)
        labels |= {
            f"{resource}.product": f"{product}-MIG-{profile}",
            f"{resource}.count": str(count),
            f"{resource}.replicas": "1",
            f"{resource}.memory": str(mib),
        }
    return node(name, labels=labels, allocatable=allocatable, **more)


def pod(name: str, node_name: str | None, *gpus: int, resource: str = "nvidia.com/gpu", **spec: Any) -> Object:
    """Return a running pod with a container for each count of GPUs."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "team-a", "labels": {}},
        "spec": {
            **({"nodeName": node_name} if node_name else {}),
            "containers": [container(count, resource) for count in gpus],
            **spec,
        },
        "status": {"phase": "Running"},
    }


def container(gpus: int, resource: str = "nvidia.com/gpu", **more: Any) -> Object:
    """Return a container that asks for GPUs as people do: by the limit."""
    return {"name": "engine", "resources": {"limits": {resource: str(gpus)}} if gpus else {}, **more}


def clusters() -> dict[str, list[Object]]:
    """Return whole clusters by their names."""
    return {
        "dgx-spark": [gpu_node("spark-1", GB10, gpus=1, memory=None, memory_kib=125_513_728)],
        "jetson": [
            gpu_node("nano", ORIN, gpus=1, memory=7620, memory_kib=7_802_880),
            gpu_node("nx", ORIN, gpus=1, memory=15_656, memory_kib=16_031_744),
            gpu_node("agx", ORIN, gpus=1, memory=62_841, memory_kib=64_349_184),
            # Feature discovery does not run here: the product was put on by hand.
            node(
                "nano-by-hand",
                labels={"nvidia.com/gpu.product": ORIN},
                allocatable={"nvidia.com/gpu": "1"},
                memory_kib=7_802_880,
            ),
            gpu_node("thor", THOR, gpus=1, memory=125_772, memory_kib=128_790_528),
        ],
        "l4-fleet": [gpu_node(f"l4-{number:02}", L4, gpus=1) for number in range(1, 13)],
        "mixed-a100-l40s-h100": [
            *(gpu_node(f"a100-{number}", A100_40) for number in (1, 2)),
            *(gpu_node(f"l40s-{number}", L40S, gpus=4) for number in (1, 2, 3)),
            gpu_node("h100-1"),
            node("cpu-1"),
            pod("training", "h100-1", 6),
        ],
        "mig-mixed": [
            mixed_mig_node("cut-1", whole=4, slices={"3g.40gb": (4, 40_448), "1g.10gb": (14, 9_984)}),
            single_mig_node("cut-2", profile="3g.40gb", slices=16, memory=40_448),
            gpu_node("whole-1"),
        ],
        "empty": [node("cpu-1"), node("cpu-2")],
        "liars": [
            gpu_node("not-available", memory="[N/A]"),
            gpu_node("zero", memory="0"),
            gpu_node("gigabytes", memory="80"),
            gpu_node("too-much", memory=163_118),
            gpu_node("too-little", memory=20_000),
            gpu_node("counts-more", labels={"nvidia.com/gpu.count": "16"}, gpus=8),
            gpu_node("counts-none", labels={"nvidia.com/gpu.count": "0"}, gpus=8),
            node("plugin-gone", labels=discovered(H100, gpus=8, memory=MIB[H100]), capacity={"nvidia.com/gpu": "8"}),
            node("no-labels", allocatable={"nvidia.com/gpu": "2"}),
            gpu_node("stranger", "NVIDIA-X900", gpus=4, memory=98_304),
            gpu_node("mute-stranger", "NVIDIA-X900", gpus=4, memory=None),
        ],
    }


def written(items: Iterable[Object]) -> str:
    """Return objects as a file holds them: a List as kubectl prints it, one object in a line."""
    lines = ",\n".join(json.dumps(one, separators=(", ", ": ")) for one in items)
    return f'{{"apiVersion": "v1", "kind": "List", "items": [\n{lines}\n]}}\n'


def file_of(cluster: str) -> Path:
    """Return where a cluster is kept."""
    return FOLDER / f"{cluster}.json"


if __name__ == "__main__":
    for title, content in clusters().items():
        file_of(title).write_text(written(content), encoding="utf-8")
