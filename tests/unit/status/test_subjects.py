"""What a pod hangs on, of which events may say why it does not serve."""

from typing import Any

import pytest

from gemma4_operator.status.pods import pod_view
from gemma4_operator.status.subjects import Subject, subjects

UNBOUND = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."
NO_GPU = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
VOLUMES = [
    {"name": "weights", "persistentVolumeClaim": {"claimName": "models"}},
    {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}},
    {"name": "shm", "emptyDir": {"medium": "Memory"}},
]


def pod(*, node: str = "", said: str = "", volumes: Any = VOLUMES) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said}
    spec = {"volumes": volumes} | ({"nodeName": node} if node else {})
    return {"metadata": {"name": "chat-1"}, "spec": spec, "status": {"conditions": [condition] if said else []}}


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (pod(said=UNBOUND), (("PersistentVolumeClaim", "models"), ("PersistentVolumeClaim", "chat-1-scratch"))),
        (
            pod(said='persistentvolumeclaim "models" not found', volumes=VOLUMES[:1]),
            (("PersistentVolumeClaim", "models"),),
        ),
        (pod(said=NO_GPU), ()),
        (pod(), ()),
        (pod(node="gpu-1"), (("Node", "gpu-1"),)),
        (pod(said=UNBOUND, volumes="none"), ()),
    ],
    ids=["waits for claims", "for one that is not there", "for a GPU", "for the scheduler", "has a node", "malformed"],
)
def test_a_pod_hangs_on_its_claims_until_it_has_a_node(one: dict[str, Any], expected: tuple[Subject, ...]) -> None:
    assert subjects(pod_view(one)) == expected


def test_events_of_nodes_lie_in_a_namespace_of_their_own() -> None:
    assert Subject("Node", "gpu-1").namespace == "default"
    assert Subject("PersistentVolumeClaim", "models").namespace == ""
