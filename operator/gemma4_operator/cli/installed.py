"""What an installed operator's Deployment says: whose account it has, which namespaces are its own, what it must do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gemma4_operator.kube.rights import Right

Object = Mapping[str, Any]
_LEASE, _WATCHED = "GEMMA4_LEASE_NAMESPACE", "GEMMA4_WATCH_NAMESPACES"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whether a user may do something, in one namespace or everywhere; `text` is what it is for people."""

    text: str
    user: str
    groups: tuple[str, ...]
    attributes: Mapping[str, str]


def is_operator(deployment: Object) -> bool:
    """Whether a Deployment is an operator's: its pods are told where their Lease is."""
    return any(name == _LEASE for name, _ in _variables(deployment))


def watched(operator: Object) -> tuple[str, ...]:
    """Return the namespaces that an operator's Deployment names as its own; none: all are."""
    named = ",".join(value for name, value in _variables(operator) if name == _WATCHED)
    return tuple(name.strip() for name in named.split(",") if name.strip())


def questions(operator: Object, asked_for: Sequence[Right]) -> Iterator[Question]:
    """Yield what to ask for rights, in each of its namespaces where an operator has some."""
    namespace = operator["metadata"]["namespace"]
    account = _pod(operator).get("serviceAccountName", "default")
    for right in asked_for:
        for place in (right.namespaced and watched(operator)) or ("",):
            yield Question(
                text=right.text + (f" in {place}" if place else ""),
                user=f"system:serviceaccount:{namespace}:{account}",
                groups=("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"),
                attributes={
                    "group": right.group,
                    "resource": right.resource,
                    "subresource": right.subresource,
                    "verb": right.verb,
                    "namespace": place,
                },
            )


def _pod(deployment: Object) -> Object:
    spec: Object = deployment["spec"]["template"]["spec"]
    return spec


def _variables(deployment: Object) -> Iterator[tuple[str, str]]:
    for container in _pod(deployment)["containers"]:
        for variable in container.get("env") or ():
            yield variable["name"], variable.get("value", "")
