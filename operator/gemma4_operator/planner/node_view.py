"""One node as far as GPUs go: what it offers, and what decides whether pods may come.

What is allocatable counts more than any label. Nothing here knows a product: a view is made once for each news of a
node, and kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gemma4_operator.planner.amounts import amount
from gemma4_operator.planner.node_labels import COUNT_LABEL, GPU, MIG, PREFIX, Told, slices_differ, told_of

_STATES = tuple(f"node.kubernetes.io/{state}" for state in ("not-ready", "unreachable", "unschedulable"))
"""Taints by which the node controller repeats what a node's state says."""


class Offer(NamedTuple):
    """How many a node has of them, allocatable and busy or not."""

    told: Told
    gpus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """What keeps pods away that do not tolerate it."""

    key: str
    value: str
    effect: str


class NodeView(NamedTuple):
    """One node: its offers, and what decides whether pods may come.

    Attributes:
        obstacle: Why no pod may come at all, such as "is cordoned"; empty: nothing.
        is_mute: Whether it has GPUs, by its capacity or labels, and offers none.
        labels: All of them, for node selectors; empty where there are no GPUs.
        allocatable_bytes: Of the host's memory, for pods; 0: not known.
        memory_bytes: Of the host, all of it.
    """

    name: str
    labels: Mapping[str, str]
    obstacle: str = ""
    offers: tuple[Offer, ...] = ()
    is_mute: bool = False
    taints: tuple[Taint, ...] = ()
    allocatable_bytes: int = 0
    memory_bytes: int = 0


def node_view(node: Mapping[str, Any]) -> NodeView:
    """Return what one raw node offers, as the API server or `kubectl get node -o json` gives it."""
    metadata, spec, status = node["metadata"], node.get("spec") or {}, node.get("status") or {}
    labels: Mapping[str, str] = metadata.get("labels") or {}
    allocatable, capacity = status.get("allocatable") or {}, status.get("capacity") or {}
    offers = _offers(allocatable, labels)
    is_mute = not offers and _should_offer(capacity, labels)
    if not offers and not is_mute:
        return NodeView(name=metadata["name"], labels={})
    return NodeView(
        name=metadata["name"],
        obstacle=_obstacle(metadata, spec, status),
        offers=offers,
        is_mute=is_mute,
        labels=dict(labels),
        taints=tuple(_taints(spec)) if spec.get("taints") else (),
        allocatable_bytes=amount(allocatable.get("memory", 0)),
        memory_bytes=amount(capacity.get("memory", 0)),
    )


def _obstacle(metadata: Mapping[str, Any], spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    if metadata.get("deletionTimestamp"):
        return "is being deleted"
    if spec.get("unschedulable"):
        return "is cordoned"
    for condition in status.get("conditions") or ():
        if condition.get("type") == "Ready" and condition.get("status") != "True":
            return "is not ready"
    return ""


def _taints(spec: Mapping[str, Any]) -> Iterator[Taint]:
    """Yield the taints that keep pods away."""
    for taint in spec["taints"]:
        key, effect = taint.get("key", ""), taint.get("effect", "")
        if effect != "PreferNoSchedule" and key not in _STATES:
            yield Taint(key=key, value=taint.get("value") or "", effect=effect)


def _should_offer(capacity: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a node without offers has GPUs: by its capacity, by a count, or by slices that do not go together."""
    has = any(amount(capacity[name]) for name in capacity if name == GPU or name.startswith(MIG))
    return has or amount(labels.get(COUNT_LABEL, 0)) > 0 or slices_differ(labels)


def _offers(allocatable: Mapping[str, Any], labels: Mapping[str, str]) -> tuple[Offer, ...]:
    offers = []
    for resource in allocatable:
        if resource.startswith(PREFIX) and (gpus := amount(allocatable[resource])):
            told = told_of(resource, labels)
            if told is not None:
                offers.append(Offer(told, gpus))
    return tuple(offers)
