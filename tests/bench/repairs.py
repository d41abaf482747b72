"""Children deleted or changed by hand, and how long until the operator has put them right."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gemma4_operator.kube.kinds import DEPLOYMENT, POD_DISRUPTION_BUDGET, SERVICE, Kind
from tests.bench.admin import BenchError, Object
from tests.bench.counts import answered_seconds, refusals, writes_to
from tests.bench.figures import Repair
from tests.bench.stage import USER, Stage
from tests.integration.home import names

PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Something done by hand.

    Attributes:
        patch: A JSON patch, or None to delete the child.
        reads: What must be as before once it is repaired.
    """

    what: str
    kind: Kind
    patch: tuple[Object, ...] | None
    reads: Callable[[Object], Any]


def _replace(path: str, value: Any) -> tuple[Object, ...]:
    return ({"op": "replace", "path": path, "value": value},)


def _image(deployment: Object) -> Any:
    return deployment["spec"]["template"]["spec"]["containers"][0]["image"]


def _ports(service: Object) -> Any:
    return [port["port"] for port in service["spec"]["ports"]]


DAMAGES = (
    Damage(what="Service deleted", kind=SERVICE, patch=None, reads=_ports),
    Damage(what="Deployment deleted", kind=DEPLOYMENT, patch=None, reads=_image),
    Damage(what="PodDisruptionBudget deleted", kind=POD_DISRUPTION_BUDGET, patch=None, reads=lambda obj: obj["spec"]),
    Damage(
        what="Deployment scaled to 0",
        kind=DEPLOYMENT,
        patch=_replace("/spec/replicas", 0),
        reads=lambda obj: obj["spec"]["replicas"],
    ),
    Damage(
        what="Deployment's image changed",
        kind=DEPLOYMENT,
        patch=_replace("/spec/template/spec/containers/0/image", "registry.example/other:1"),
        reads=_image,
    ),
    Damage(what="Service's port changed", kind=SERVICE, patch=_replace("/spec/ports/0/port", 9999), reads=_ports),
)


def measure(stage: Stage, namespace: str) -> tuple[Repair, ...]:
    """Do all damage, one after the other, each to the children of another custom resource where there are enough."""
    which = names(stage.deployments)
    return tuple(_repair(stage, damage, namespace, which[number % len(which)]) for number, damage in enumerate(DAMAGES))


def _repair(stage: Stage, damage: Damage, namespace: str, name: str) -> Repair:
    before = damage.reads(stage.admin.get(damage.kind, namespace, name))
    offset = stage.cluster.audit_offset()
    if damage.patch is None:
        stage.admin.delete(damage.kind, namespace, name)
    else:
        stage.admin.patch(damage.kind, namespace, name, list(damage.patch))
    done = time.time()

    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = stage.audit(offset)
        for event in writes_to(found, user=USER, resources=(damage.kind.plural,), name=name):
            if damage.reads(stage.admin.get(damage.kind, namespace, name)) != before:
                raise BenchError(f"{damage.what}: it was written, but is not as before")
            return Repair(what=damage.what, seconds=max(answered_seconds(event) - done, 0.0))
        time.sleep(0.02)
    # Once it is deleted it is made anew: what follows starts from a good state.
    stage.admin.delete(damage.kind, namespace, name)
    return Repair(what=damage.what, seconds=None, refused=next(refusals(found, user=USER, name=name), ""))
