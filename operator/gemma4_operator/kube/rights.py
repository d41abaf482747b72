"""What the operator may do in a cluster: the rights that its role must grant, and nothing besides.

A test holds them against the chart's role, in both directions.
"""

from dataclasses import dataclass

from gemma4_operator.kube.kinds import (
    DEPLOYMENT,
    EVENT,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_DISRUPTION_BUDGET,
    SERVICE,
    Kind,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One verb on one resource; `subresource` is empty for the resource itself.

    Attributes:
        namespaced: Whether its objects live in namespaces, so that a Role may grant it.
    """

    group: str
    resource: str
    verb: str
    subresource: str = ""
    namespaced: bool = True

    @property
    def text(self) -> str:
        """As `kubectl auth can-i` takes it."""
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {resource}" + (f"/{self.subresource}" if self.subresource else "")


def _of(kind: Kind, *verbs: str, subresource: str = "") -> tuple[Right, ...]:
    return tuple(
        Right(group=kind.group, resource=kind.plural, verb=verb, subresource=subresource, namespaced=kind.namespaced)
        for verb in verbs
    )


_CHILD = ("get", "list", "watch", "create", "patch")
DEFINITION = Kind(
    group="apiextensions.k8s.io",
    version="v1",
    kind="CustomResourceDefinition",
    plural="customresourcedefinitions",
    namespaced=False,
)
DIAGNOSIS = (*_of(EVENT, "list"), *_of(POD, "get", subresource="log"))
"""Those without which the cause of a failing pod is told by its status alone."""


def rights(custom_resource: Kind) -> tuple[Right, ...]:
    """Return the rights without which the operator does not work.

    Args:
        custom_resource: Whose objects it looks after.
    """
    return (
        *_of(custom_resource, "list", "watch"),
        *_of(custom_resource, "patch", subresource="status"),
        *_of(custom_resource, "update", subresource="finalizers"),
        *(
            right
            for kind in (DEPLOYMENT, PERSISTENT_VOLUME_CLAIM, SERVICE, POD_DISRUPTION_BUDGET)
            for right in _of(kind, *_CHILD)
        ),
        *_of(POD, "list", "watch"),
        *_of(NODE, "list", "watch"),
        *_of(EVENT, "create", "patch"),
        *_of(DEFINITION, "list", "watch"),
    )
