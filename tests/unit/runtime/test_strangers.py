"""What bears our labels or our name and is not ours: it counts neither as a pod nor as a child."""

from typing import Any

import pytest

from gemma4_operator.render.labels import labels
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT, World, empty_world, owner_of_pod

CHAT = Key("team", "chat")
REPLICA_SET = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "chat-5f9c7d", "uid": "r", "controller": True}


def pod(*owners: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    whole = {"namespace": "team", "name": "chat-5f9c7d-x", "uid": "p", "resourceVersion": "1", "labels": labels("chat")}
    return {"metadata": {**whole, "ownerReferences": list(owners), **metadata}, "status": {}}


def test_a_pod_of_a_replica_set_of_our_deployment_is_ours() -> None:
    assert owner_of_pod(pod(REPLICA_SET)) == CHAT


@pytest.mark.parametrize(
    "stranger",
    [
        pod(),
        pod(labels=None),
        pod(REPLICA_SET, labels={}),
        pod(REPLICA_SET, labels=labels("other")),
        pod({**REPLICA_SET, "controller": False}),
        pod({**REPLICA_SET, "kind": "Job"}),
        pod({**REPLICA_SET, "name": "other-5f9c7d"}),
        pod({**REPLICA_SET, "name": "chat-canary-5f9c7d"}),
        pod({**REPLICA_SET, "name": "chat"}),
        pod({**REPLICA_SET, "kind": "StatefulSet"}, {**REPLICA_SET, "controller": False}),
    ],
    ids=[
        "made by hand", "no labels", "no label of ours", "another's label", "owned but not controlled", "of a job",
        "of another deployment", "of one with a longer name", "of no replica set's name", "of two",
    ],
)  # fmt: skip
def test_any_other_pod_is_not(stranger: dict[str, Any]) -> None:
    world = empty_world()
    assert owner_of_pod(stranger) is None
    assert world.pods.put(stranger) is None
    assert world.pods.owned_by(CHAT) == ()


def test_a_pod_that_its_replica_set_let_go_is_ours_no_more() -> None:
    world = empty_world()
    assert world.pods.put(pod(REPLICA_SET)) == CHAT
    assert world.pods.put(pod(resourceVersion="2")) == CHAT
    assert world.pods.owned_by(CHAT) == ()


def owned(kind: str, uid: str | None) -> dict[str, Any]:
    owner = {"kind": GEMMA4_DEPLOYMENT.kind, "name": "chat", "uid": uid, "controller": True}
    return {
        "kind": kind,
        "metadata": {
            "namespace": "team", "name": "chat", "uid": "d", "resourceVersion": "1", "labels": labels("chat"),
            "ownerReferences": [owner] if uid else [],
        },
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["Deployment", "Service", "PodDisruptionBudget", "PersistentVolumeClaim"])
@pytest.mark.parametrize(("uid", "ours"), [("now", True), ("before", False), (None, False)])
def test_a_child_belongs_to_the_resource_that_is_there_now(kind: str, uid: str | None, ours: bool) -> None:
    world: World = empty_world()
    resource = {"metadata": {"namespace": "team", "name": "chat", "uid": "now", "resourceVersion": "1"}}
    world.custom_resources.put(resource)
    world.children[kind].put(owned(kind, uid))
    assert (world.child(kind, CHAT) is not None) is ours
