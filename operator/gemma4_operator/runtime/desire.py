"""From a raw custom resource to what should exist: the pure middle of a pass, or the problem that stopped it."""

from dataclasses import dataclass
from typing import Any

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.api.read import InvalidResource, read_deployment
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.engines.base import Registry
from gemma4_operator.planner.choose import choose
from gemma4_operator.planner.plan import Plan, Rejection
from gemma4_operator.planner.serving import serving
from gemma4_operator.render.context import Owner
from gemma4_operator.render.merge import PatchError
from gemma4_operator.render.render import render
from gemma4_operator.status.project import Problem
from gemma4_operator.status.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Desire:
    """What should exist for one custom resource, as far as it could be worked out."""

    spec: Gemma4DeploymentSpec | None = None
    plan: Plan | None = None
    objects: tuple[dict[str, Any], ...] = ()
    problem: Problem | None = None


def desire(resource: dict[str, Any], *, catalog: Catalog, engines: Registry) -> Desire:
    """Work out what should exist; whatever is wrong with the spec becomes a problem and never an exception."""
    try:
        spec = read_deployment(resource).spec
    except InvalidResource as error:
        return Desire(problem=Problem(reason=Reason.INVALID_SPEC, message=f"{error}.", planned=False))
    plan = choose(spec, catalog=catalog, engines=engines)
    if isinstance(plan, Rejection):
        problem = Problem(reason=Reason(plan.reason), message=plan.message, planned=False)
        return Desire(spec=spec, problem=problem)
    pod = engines[plan.engine].pod(serving(plan, spec))
    metadata = resource["metadata"]
    owner = Owner(name=metadata["name"], namespace=metadata["namespace"], uid=metadata["uid"])
    try:
        objects = render(owner=owner, spec=spec, plan=plan, pod=pod)
    except PatchError as error:
        problem = Problem(reason=Reason.INVALID_SPEC, message=str(error), planned=True)
        return Desire(spec=spec, plan=plan, problem=problem)
    return Desire(spec=spec, plan=plan, objects=objects)


class Desires:
    """Remembers the last desire of each custom resource: it hangs on name, uid and generation alone.

    Most passes are about news of children, and working everything out anew is most of a pass's time.
    """

    def __init__(self, *, catalog: Catalog, engines: Registry) -> None:
        self._catalog = catalog
        self._engines = engines
        self._known: dict[str, tuple[int, Desire]] = {}

    def of(self, resource: dict[str, Any]) -> Desire:
        """Return what should exist for a resource."""
        uid, generation = resource["metadata"]["uid"], resource["metadata"]["generation"]
        known = self._known.get(uid)
        if known is None or known[0] != generation:
            known = (generation, desire(resource, catalog=self._catalog, engines=self._engines))
            self._known[uid] = known
        return known[1]

    def forget(self, uid: str) -> None:
        """Drop what is remembered of a resource that is gone."""
        self._known.pop(uid, None)
