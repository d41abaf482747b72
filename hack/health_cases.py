"""Gemma4Deployments in each state that a GitOps tool must tell apart, with the status that the operator writes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gemma4_operator.api.common import GROUP, VERSION
from gemma4_operator.api.deployment import KIND
from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.engines.registry import engines
from gemma4_operator.planner.node_view import node_view
from gemma4_operator.render.labels import selector
from gemma4_operator.runtime.desire import desire
from gemma4_operator.status.pods import ContainerView, Ended, PodView
from gemma4_operator.status.project import Subject, project
from gemma4_operator.status.rollout import Rollout

Object = dict[str, Any]

_NODES = Path(__file__).resolve().parent.parent / "docs" / "guides" / "examples" / "nodes.json"
_CREATED = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
_SEEN = _CREATED + timedelta(minutes=3)
_GENERATION = 2
UNSEEN: Mapping[str, Any] = {"observedGeneration": -1}
"""The CRD's default: what the API server gives a resource that the operator has not looked at."""

_NOTHING = Rollout(current=False, replicas=0, updated=0, ready=0)
_STARTING = Rollout(current=True, replicas=1, updated=1, ready=0)
_SERVING = Rollout(current=True, replicas=1, updated=1, ready=1)
_EMPTY = Rollout(current=True, replicas=0, updated=0, ready=0)
_LATE = replace(_STARTING, deadline_message='ReplicaSet "chat" has timed out progressing.')
_CRASHING = PodView(
    name="chat-7d9f-x2x4q",
    ready=False,
    scheduled=True,
    containers=(ContainerView(name="llama-server", restarts=3, ended=Ended(exit_code=137, reason="OOMKilled")),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCase:
    """One state.

    Attributes:
        health: What Argo CD must make of it.
        spec: What differs from the smallest spec.
        rollout: What the Deployment's controller says.
        pending: Children that a suspended resource's changes wait for.
        is_seen: Whether the operator has looked at it at all.
        is_edited: Whether the spec has changed since it looked.
        is_deleted: Whether it has been told to go.
    """

    name: str
    health: str
    spec: Mapping[str, Any]
    rollout: Rollout
    pods: Sequence[PodView] = ()
    pending: Sequence[str] = ()
    is_seen: bool = True
    is_edited: bool = False
    is_deleted: bool = False


HEALTH_CASES = (
    HealthCase(name="created", health="Progressing", spec={}, rollout=_NOTHING, is_seen=False),
    HealthCase(name="progressing", health="Progressing", spec={}, rollout=_STARTING),
    HealthCase(name="crashing", health="Progressing", spec={}, rollout=_STARTING, pods=(_CRASHING,)),
    HealthCase(name="edited", health="Progressing", spec={}, rollout=_SERVING, is_edited=True),
    HealthCase(name="deleted", health="Progressing", spec={}, rollout=_SERVING, is_deleted=True),
    HealthCase(name="healthy", health="Healthy", spec={}, rollout=_SERVING),
    HealthCase(name="scaled_to_zero", health="Healthy", spec={"replicas": 0}, rollout=_EMPTY),
    HealthCase(name="suspended", health="Suspended", spec={"suspend": True}, rollout=_SERVING),
    HealthCase(
        name="suspended_changes_wait",
        health="Suspended",
        spec={"suspend": True},
        rollout=_SERVING,
        pending=("Deployment",),
    ),
    HealthCase(name="suspended_crashing", health="Progressing", spec={"suspend": True}, rollout=_STARTING),
    HealthCase(name="degraded_deadline", health="Degraded", spec={}, rollout=_LATE),
    HealthCase(
        name="degraded_infeasible",
        health="Degraded",
        spec={"objectives": {"maximumHourlyCost": "0.01"}},
        rollout=_NOTHING,
    ),
    HealthCase(
        name="degraded_invalid",
        health="Degraded",
        spec={"podTemplatePatch": {"spec": {"hostNetwork": True}}},
        rollout=_NOTHING,
    ),
)


def resource_of(case: HealthCase) -> Object:
    """Return the resource as the API server would show it: the spec, and the status that the operator makes of it."""
    metadata: Object = {
        "name": "chat",
        "namespace": "team-a",
        "uid": "5f0c1d5e-0000-4000-8000-000000000001",
        "generation": _GENERATION,
        "creationTimestamp": _written(_CREATED),
    }
    model = {"variant": "E2B", "quantization": "Q4_K_M"}
    spec = {"model": model, "engine": {"type": "LlamaCpp"}, **case.spec}
    resource = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "metadata": metadata, "spec": spec}
    status = _status(resource, case) if case.is_seen else dict(UNSEEN)
    if case.is_edited:
        metadata["generation"] += 1
    if case.is_deleted:
        metadata |= {"deletionTimestamp": _written(_SEEN), "deletionGracePeriodSeconds": 0}
        metadata["finalizers"] = ["foregroundDeletion"]
    return {**resource, "status": status}


def _status(resource: Object, case: HealthCase) -> Object:
    nodes = json.loads(_NODES.read_text())["items"]
    wanted = desire(resource, catalog=builtin_catalog(), engines=engines(), nodes=tuple(map(node_view, nodes)))
    metadata = resource["metadata"]
    subject = Subject(
        namespace=metadata["namespace"],
        name=metadata["name"],
        generation=metadata["generation"],
        previous={},
        spec=wanted.spec,
        wanted=wanted.count.replicas if wanted.count is not None else None,
        plan=wanted.plan,
        problem=wanted.problem,
        rejection=wanted.rejection,
        rollout=case.rollout,
        pods=case.pods,
        selector=selector(metadata["name"]),
        pending=case.pending,
    )
    return project(subject, now=_SEEN)


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
