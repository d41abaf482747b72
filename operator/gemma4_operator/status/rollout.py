"""A Deployment, reduced to what its controller says of its rollout."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """What the Deployment controller says; nothing of it counts before it has seen the current generation."""

    current: bool
    replicas: int
    updated: int
    ready: int
    deadline_message: str = ""
    refused_message: str = ""

    @property
    def old(self) -> int:
        """Pods that still run an earlier plan."""
        return max(0, self.replicas - self.updated)

    def of_plan(self, pods: int) -> "Rollout":
        """Return what counts of it where only so many pods are of the current plan.

        Right after an edit the controller still counts those of the plan before as up to date.
        """
        return self if self.current else replace(self, updated=min(self.updated, pods))


def rollout(deployment: Mapping[str, Any] | None) -> Rollout:
    """Read a raw Deployment; None stands for one that does not exist yet."""
    if deployment is None:
        return Rollout(current=False, replicas=0, updated=0, ready=0)
    status = deployment.get("status", {})
    conditions = {condition["type"]: condition for condition in status.get("conditions", ())}
    progressing, refused = conditions.get("Progressing", {}), conditions.get("ReplicaFailure", {})
    late = progressing.get("reason") == "ProgressDeadlineExceeded"
    return Rollout(
        current=status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0),
        replicas=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        ready=status.get("readyReplicas", 0),
        deadline_message=progressing.get("message", "") if late else "",
        refused_message=refused.get("message", "") if refused.get("status") == "True" else "",
    )


def told_replicas(deployment: Mapping[str, Any] | None) -> int | None:
    """Return how many replicas a raw Deployment has been told to run; None stands for one that does not exist yet."""
    return None if deployment is None else int(deployment["spec"].get("replicas", 1))
