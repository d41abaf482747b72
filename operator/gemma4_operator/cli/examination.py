"""What a cluster shows of the operator, judged: one finding for each thing that must be so, with what to do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Any

from gemma4_operator.cli.installed import watched
from gemma4_operator.kube.version import is_old, too_old
from gemma4_operator.planner.inventory import NOTHING_OFFERED, Inventory

_NAMED = 5
"""How many of a kind a message names."""
Object = Mapping[str, Any]


class Verdict(StrEnum):
    """How it stands."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "unknown"
    """It may not be read by whoever asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found of one thing; the message says what to do unless all is well."""

    check: str
    verdict: Verdict
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a cluster shows; where a part is None, it may not be read.

    Attributes:
        version: Of the API server, such as v1.36.3.
        definition: The installed CustomResourceDefinition; empty: there is none.
        operators: The operator's Deployments.
        denied: Rights that the operator's account lacks, as `kubectl auth can-i` takes them; so are
            `denied_diagnosis` those that it can do without.
        inventory: What pods of a plain Gemma4Deployment may take.
        resources: All Gemma4Deployments.
    """

    version: str | None
    definition: Object | None
    operators: Sequence[Object] | None
    denied: Sequence[str] | None
    denied_diagnosis: Sequence[str]
    inventory: Inventory | None
    resources: Sequence[Object] | None


def examined(seen: Seen, *, definition: Object) -> tuple[Finding, ...]:
    """Return a finding for each check, in the order in which they build on each other.

    Args:
        seen: What the cluster shows.
        definition: The CustomResourceDefinition of this version.
    """
    return (
        _kubernetes(seen.version),
        _definition(seen.definition, definition),
        *_operators(seen.operators),
        *_permissions(seen),
        *_gpus(seen.inventory),
        *_resources(seen.resources),
    )


def _kubernetes(version: str | None) -> Finding:
    check = "kubernetes"
    if version is None:
        return _finding(check, Verdict.UNKNOWN, "You may not ask the API server for its version.")
    match is_old(version):
        case True:
            return _finding(check, Verdict.PROBLEM, too_old(version))
        case False:
            return _finding(check, Verdict.OK, f"Kubernetes is {version}.")
        case None:
            return _finding(check, Verdict.UNKNOWN, f"The API server says that it is '{version}'.")


def _definition(installed: Object | None, ours: Object) -> Finding:
    check, apply = "definition", "`gemma4 crds | kubectl apply --server-side -f -`"
    name = ours["metadata"]["name"]
    if installed is None:
        return _finding(check, Verdict.UNKNOWN, f"You may not read the CustomResourceDefinition '{name}'.")
    if not installed:
        return _finding(check, Verdict.PROBLEM, f"There is no CustomResourceDefinition '{name}': {apply}.")
    there, here = _fields(installed), _fields(ours)
    if here - there:
        return _finding(
            check,
            Verdict.PROBLEM,
            f"'{name}' is older than this version and does not know {_some(sorted(here - there))}: {apply}.",
        )
    if there - here:
        return _finding(
            check,
            Verdict.WARNING,
            f"'{name}' is newer than this version, which does not know {_some(sorted(there - here))}: use the `gemma4` "
            "of the operator's version.",
        )
    return _finding(check, Verdict.OK, f"'{name}' is installed and has the fields of this version.")


def _fields(definition: Object) -> frozenset[str]:
    """Return the paths of all fields that a definition knows."""
    return frozenset(
        path
        for version in definition["spec"]["versions"]
        for path in _paths(version.get("schema", {}).get("openAPIV3Schema", {}), "")
    )


def _paths(schema: Object, before: str) -> Iterator[str]:
    for name, inner in (schema.get("properties") or {}).items():
        path = f"{before}.{name}" if before else name
        yield path
        yield from _paths(inner, path)
    items = schema.get("items")
    if isinstance(items, Mapping):
        yield from _paths(items, f"{before}[]")


def _operators(operators: Sequence[Object] | None) -> Iterator[Finding]:
    check = "operator"
    if operators is None:
        yield _finding(check, Verdict.UNKNOWN, "You may not list Deployments, so the operator is not found.")
        return
    if not operators:
        yield _finding(
            check, Verdict.PROBLEM, "No operator is installed: install its chart, or manifests/base, and ask again."
        )
    for one in operators:
        place = f"{one['metadata']['namespace']}/{one['metadata']['name']}"
        wanted, available = one["spec"].get("replicas", 1), one.get("status", {}).get("availableReplicas", 0)
        if available:
            yield _finding(check, Verdict.OK, f"{place} runs, {available} of {wanted} available.")
        else:
            yield _finding(
                check,
                Verdict.PROBLEM,
                f"{place} has none of {wanted} available: `kubectl -n {one['metadata']['namespace']} logs "
                f"deployment/{one['metadata']['name']}` says why, or `kubectl describe` of its pods.",
            )
    for one, other in combinations(operators, 2):
        if _overlap(watched(one), watched(other)):
            names = " and ".join(f"{who['metadata']['namespace']}/{who['metadata']['name']}" for who in (one, other))
            yield _finding(
                check,
                Verdict.WARNING,
                f"{names} look after the same namespaces and undo each other's work: uninstall one, or give each "
                "namespaces of its own (`watch.namespaces` in the chart).",
            )


def _overlap(ones: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two operators have a namespace in common; who names none has all."""
    return not ones or not others or not set(ones).isdisjoint(others)


def _permissions(seen: Seen) -> Iterator[Finding]:
    check = "permissions"
    if not seen.operators:
        return
    if seen.denied is None:
        yield _finding(check, Verdict.UNKNOWN, "You may not ask what others may do (`create subjectaccessreviews`).")
        return
    if seen.denied:
        yield _finding(
            check,
            Verdict.PROBLEM,
            f"The operator may not {_some(seen.denied)}: grant it, as the chart's ClusterRole does.",
        )
    else:
        yield _finding(check, Verdict.OK, "The operator may do all that it must.")
    if seen.denied_diagnosis:
        yield _finding(
            check,
            Verdict.WARNING,
            f"The operator may not {_some(seen.denied_diagnosis)}, so causes are told by pods' status alone: "
            "`rbac.diagnosis: true` in the chart grants it.",
        )


def _gpus(found: Inventory | None) -> Iterator[Finding]:
    check = "gpus"
    if found is None:
        yield _finding(check, Verdict.UNKNOWN, "You may not list nodes, so GPUs are not seen.")
        return
    for one in found.classes:
        total, free = sum(one.gpus_by_node), sum(one.free_by_node)
        yield _finding(check, Verdict.OK, f"{one.product}: {total} on {_count(one.nodes, 'node')}, {free} free.")
    if not found.classes:
        yield _finding(check, Verdict.WARNING, NOTHING_OFFERED)
    for note in found.notes:
        yield _finding(check, Verdict.WARNING, note)


def _resources(resources: Sequence[Object] | None) -> Iterator[Finding]:
    check = "resources"
    if resources is None:
        yield _finding(check, Verdict.UNKNOWN, "You may not list Gemma4Deployments.")
        return
    waiting = [(one, ready) for one in resources if (ready := _ready(one)).get("status") != "True"]
    served = len(resources) - len(waiting)
    if resources:
        yield _finding(check, Verdict.OK, f"{served} of {_count(len(resources), 'Gemma4Deployment')} Ready.")
    for one, ready in waiting[:_NAMED]:
        place = f"{one['metadata']['namespace']}/{one['metadata']['name']}"
        told = f"{ready['reason']}: {ready['message']}" if ready else "the operator has not looked at it"
        yield _finding(check, Verdict.WARNING, f"{place} is not Ready, {told}")
    if len(waiting) > _NAMED:
        yield _finding(check, Verdict.WARNING, f"{len(waiting) - _NAMED} more are not Ready: `kubectl get g4d -A`.")


def _ready(resource: Object) -> Object:
    conditions = (resource.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one.get("type") == "Ready"), {})


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _finding(check: str, verdict: Verdict, message: str) -> Finding:
    return Finding(check=check, verdict=verdict, message=message)
