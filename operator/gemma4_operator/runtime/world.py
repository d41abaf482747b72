"""The shelves the operator keeps: its custom resources, their children and pods, and the nodes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gemma4_operator.api.common import GROUP, VERSION
from gemma4_operator.api.deployment import KIND, PLURAL
from gemma4_operator.kube.kinds import (
    DEPLOYMENT,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_DISRUPTION_BUDGET,
    SERVICE,
    Kind,
)
from gemma4_operator.kube.owners import controller
from gemma4_operator.planner.node_view import NodeView, node_view
from gemma4_operator.render.labels import MANAGED_BY, MANAGED_BY_LABEL, OWNER_LABEL
from gemma4_operator.runtime.store import Key, Shelf, key_of
from gemma4_operator.status.pods import PodView, pod_view

GEMMA4_DEPLOYMENT = Kind(group=GROUP, version=VERSION, kind=KIND, plural=PLURAL)
USUAL_KINDS = (DEPLOYMENT, SERVICE, POD_DISRUPTION_BUDGET)
"""What every custom resource has."""
CHILD_KINDS = (PERSISTENT_VOLUME_CLAIM, *USUAL_KINDS)
EVERYONE = Key("", "")
"""Whom nodes concern: every custom resource; a plan that is kept makes the pass a short one."""
OUR_LABEL_SELECTOR = f"{MANAGED_BY_LABEL}={MANAGED_BY}"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything known of the cluster."""

    custom_resources: Shelf[dict[str, Any]]
    children: Mapping[str, Shelf[dict[str, Any]]]
    pods: Shelf[PodView]
    nodes: Shelf[NodeView]

    def shelves(self) -> Mapping[Kind, "Shelf[Any]"]:
        """Return the shelf of each watched kind."""
        by_kind: dict[Kind, Shelf[Any]] = {
            GEMMA4_DEPLOYMENT: self.custom_resources,
            POD: self.pods,
            NODE: self.nodes,
        }
        return by_kind | {kind: self.children[kind.kind] for kind in CHILD_KINDS}

    def concerned(self, owner: Key) -> tuple[Key, ...]:
        """Return the custom resources for which news of an owner's object is news."""
        return self.custom_resources.owners() if owner == EVERYONE else (owner,)

    def node_views(self) -> tuple[NodeView, ...]:
        """Return all nodes, in the order of their names."""
        return self.nodes.owned_by(EVERYONE)

    def child(self, kind: str, key: Key) -> dict[str, Any] | None:
        """Return a child by its kind's name; children bear the name of their custom resource.

        An object of that name that another owns, and be it a predecessor of the resource, is none of its children.
        """
        found, resource = self.children[kind].get(key), self.custom_resources.get(key)
        if found is None or resource is None:
            return found
        return found if controller(found).get("uid") == resource["metadata"]["uid"] else None


def empty_world() -> World:
    """Return a world of which nothing is known yet.

    Children bear their custom resource's name, so whose they are does not hang on a label that somebody may remove.
    """
    return World(
        custom_resources=Shelf(owner=key_of, reduce=_without_managed_fields),
        children={kind.kind: Shelf(owner=key_of, reduce=_without_managed_fields) for kind in CHILD_KINDS},
        pods=Shelf(owner=owner_of_pod, reduce=pod_view),
        nodes=Shelf(owner=lambda node: EVERYONE, reduce=node_view),
    )


def selector_of(kind: Kind) -> str:
    """Return the label selector under which a kind is watched; empty for what others make: custom resources, nodes."""
    return "" if kind in (GEMMA4_DEPLOYMENT, NODE) else OUR_LABEL_SELECTOR


def owner_of_pod(pod: Mapping[str, Any]) -> Key | None:
    """Return whose pod it is: by its label, if a ReplicaSet of the Deployment of that name controls it.

    Anybody who may make pods may give them any label. A reference to a ReplicaSet can be forged as well, but then the
    garbage collector deletes the pod, or Kubernetes itself counts it.
    """
    name: str | None = (pod["metadata"].get("labels") or {}).get(OWNER_LABEL)
    owner = controller(pod)
    of_deployment, _, _ = owner.get("name", "").rpartition("-")
    if not name or owner.get("kind") != "ReplicaSet" or of_deployment != name:
        return None
    return Key(pod["metadata"]["namespace"], name)


def _without_managed_fields(obj: dict[str, Any]) -> dict[str, Any]:
    metadata = {name: value for name, value in obj["metadata"].items() if name != "managedFields"}
    return {**obj, "metadata": metadata}
