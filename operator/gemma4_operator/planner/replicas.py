"""How many replicas run: as many as the spec says, or, with autoscaling, as many as were decided and may be."""

from dataclasses import dataclass

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.planner.limits import affordable
from gemma4_operator.planner.plan import Plan

MAXIMUM = "spec.autoscaling.maxReplicas"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What is known of a count that the spec leaves open.

    Attributes:
        live: How many the Deployment has been told to run; None: there is no Deployment yet.
        decided: What the autoscaler decided; None: nothing yet, so what runs stays.
    """

    live: int | None = None
    decided: int | None = None


NOTHING_RUNS = Scale()


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many replicas run.

    Attributes:
        replicas: So many.
        limited_by: The field that keeps it below what was decided; empty: none does.
    """

    replicas: int
    limited_by: str = ""


def first_replicas(spec: Gemma4DeploymentSpec) -> int:
    """Return with how many a resource starts; one that may sleep is awake at first."""
    return spec.replicas if spec.autoscaling is None else max(1, spec.autoscaling.min_replicas)


def count(spec: Gemma4DeploymentSpec, plan: Plan | None, scale: Scale) -> Count:
    """Return how many replicas run now.

    A budget goes before `minReplicas`: nobody pays more than they said.

    Args:
        spec: The resource's.
        plan: The one that is followed; None: there is none, and its budgets cannot be told.
        scale: What is known where the spec leaves the count open.
    """
    bounds = spec.autoscaling
    if bounds is None:
        return Count(replicas=spec.replicas)
    known = (scale.decided, scale.live, first_replicas(spec))
    wanted = max(bounds.min_replicas, next(replicas for replicas in known if replicas is not None))
    limits = [(bounds.max_replicas, MAXIMUM)]
    if plan is not None and (budget := affordable(plan, spec, running=scale.live or 0)) is not None:
        limits.append(budget)
    most, limited_by = min(limits)
    return Count(replicas=most, limited_by=limited_by) if most < wanted else Count(replicas=wanted)
