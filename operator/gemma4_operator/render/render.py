"""The renderer: a plan in, the objects that should exist out, always the same for the same input."""

from collections.abc import Iterator
from typing import Any

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.engines.base import EnginePod
from gemma4_operator.planner.plan import Plan
from gemma4_operator.render import context
from gemma4_operator.render.context import Owner
from gemma4_operator.render.hash import stamped
from gemma4_operator.render.layout import lay_out
from gemma4_operator.render.patch import patched
from gemma4_operator.render.template import recorded


def render(
    *, owner: Owner, spec: Gemma4DeploymentSpec, plan: Plan, pod: EnginePod, replicas: int
) -> tuple[dict[str, Any], ...]:
    """Return the claim for downloads where there is one, the Deployment, the Service and the PodDisruptionBudget.

    How many replicas run is said apart from the spec, which with autoscaling leaves it open.

    Raises:
        PatchError: If the spec's pod template patch touches what is protected.
    """
    told = context.deployment(owner=owner, spec=spec, plan=plan, pod=pod, replicas=replicas)
    deployment = lay_out("deployment.yaml.j2", told)
    deployment["spec"]["template"] = patched(deployment["spec"]["template"], spec.pod_template_patch)
    deployment = recorded(deployment, spec=spec, plan=plan)
    service = lay_out("service.yaml.j2", context.service(owner=owner, spec=spec))
    budget = lay_out("poddisruptionbudget.yaml.j2", context.budget(owner=owner, spec=spec, replicas=replicas))
    return tuple(stamped(obj) for obj in (*_claims(owner, spec), deployment, service, budget))


def _claims(owner: Owner, spec: Gemma4DeploymentSpec) -> Iterator[dict[str, Any]]:
    if spec.cache is not None:
        yield lay_out("persistentvolumeclaim.yaml.j2", context.claim(owner=owner, cache=spec.cache.claim))
