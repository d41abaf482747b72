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

