"""How many more pods of one template the nodes have GPUs for.

It follows the scheduler's rules as far as GPUs go: what nodes offer and pods hold, node selectors, required node
affinity, taints. Of the rest (memory of the host, volumes, spreading) the scheduler itself has the last word, and a pod
that it does not place counts as proof that there is no room.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from gemma4_operator.api.placement import Toleration
from gemma4_operator.planner.admission import refusal
from gemma4_operator.planner.node_view import NodeView
from gemma4_operator.planner.uses import Use, uses_of

_SOME_NODE = "some"


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a pod of a template asks of its node.

    Attributes:
        gpus: By resource; none for a pod that runs on CPUs.
        node_labels: What the node must bear.
        terms: Required node affinity: one of them must hold.
    """

    gpus: Mapping[str, int]
    node_labels: Mapping[str, str]
    terms: Sequence[Mapping[str, Any]]
    tolerations: Sequence[Toleration]


def footprint(template: Mapping[str, Any]) -> Footprint:
    """Read a rendered pod template."""
    spec = template["spec"]
    placed = {"spec": {**spec, "nodeName": _SOME_NODE}}
    affinity = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or {}
    return Footprint(
        gpus={use.resource: use.gpus for use in uses_of([placed]) if use.gpus},
        node_labels=spec.get("nodeSelector") or {},
        terms=tuple(affinity.get("nodeSelectorTerms") or ()),
        tolerations=tuple(_tolerations(spec.get("tolerations") or ())),
    )


def room(pod: Footprint, nodes: Iterable[NodeView], uses: Iterable[Use]) -> int:
    """Return how many more pods fit on the nodes, of whose GPUs some are in use; of pods without GPUs, none is told."""
    taken: dict[tuple[str, str], int] = {}
    for use in uses:
        taken[use.node, use.resource] = taken.get((use.node, use.resource), 0) + use.gpus
    return sum(_fitting(pod, node, taken) for node in nodes if _admits(node, pod))


def _fitting(pod: Footprint, node: NodeView, taken: Mapping[tuple[str, str], int]) -> int:
    offered = {offer.told.resource: offer.gpus for offer in node.offers}
    free = ((offered.get(name, 0) - taken.get((node.name, name), 0)) // count for name, count in pod.gpus.items())
    return max(0, min(free, default=0))


def _admits(node: NodeView, pod: Footprint) -> bool:
    if refusal(node, pod.node_labels, pod.tolerations):
        return False
    return not pod.terms or any(_matches(node.labels, term) for term in pod.terms)


def _matches(labels: Mapping[str, str], term: Mapping[str, Any]) -> bool:
    """Whether a node bears what one term asks for; what it asks in other ways is left to the scheduler."""
    return all(_holds(labels, one) for one in term.get("matchExpressions") or ())


def _holds(labels: Mapping[str, str], expression: Mapping[str, Any]) -> bool:
    has, values = labels.get(expression.get("key", "")), expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return has in values
        case "NotIn":
            return has not in values
        case "Exists":
            return has is not None
        case "DoesNotExist":
            return has is None
        case _:
            return True


def _tolerations(raw: Iterable[Any]) -> Iterable[Toleration]:
    for one in raw:
        try:
            yield Toleration.model_validate(one)
        except ValidationError:
            continue
