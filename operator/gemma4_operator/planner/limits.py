"""Budgets against the replicas that run: a plan stays when they are scaled, and its limits hold as well."""

from decimal import Decimal, InvalidOperation

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.planner.plan import Plan

GPU_LIMIT = "spec.placement.maximumGPUs"
COST_LIMIT = "spec.objectives.maximumHourlyCost"


def beyond_limits(plan: Plan, spec: Gemma4DeploymentSpec) -> str | None:
    """Return by which limit `spec.replicas` are too many, as a sentence a user can act on; None: by none.

    With autoscaling they never are: what it decides is kept within what is `affordable`.
    """
    if spec.autoscaling is not None:
        return None
    limit, needed = spec.placement.maximum_gpus, spec.replicas * plan.gpus_per_replica
    if limit is not None and needed > limit:
        return (
            f"`spec.replicas` is {spec.replicas}, which takes {needed} GPUs, and `{GPU_LIMIT}` is "
            f"{limit}: run at most {limit // plan.gpus_per_replica}, or raise the limit."
        )
    most, each = spec.objectives.maximum_hourly_cost, _amount(plan.hourly_cost_per_replica) or Decimal(0)
    if most is not None and each * spec.replicas > Decimal(most):
        return (
            f"`spec.replicas` is {spec.replicas}, which costs {each * spec.replicas:.2f} {plan.currency} an hour, and "
            f"`{COST_LIMIT}` is {most}: run at most {int(Decimal(most) // each)}, or raise the limit."
        )
    return None


def affordable(plan: Plan, spec: Gemma4DeploymentSpec, *, running: int) -> tuple[int, str] | None:
    """Return how many replicas the limits leave, and the field that says so; None: nothing limits them.

    Args:
        plan: Says what one replica takes.
        spec: Has the limits.
        running: How many have been told to run; no more may, where there is a limit and no price to judge it by.
    """
    limits = []
    if spec.placement.maximum_gpus is not None:
        limits.append((spec.placement.maximum_gpus // plan.gpus_per_replica, GPU_LIMIT))
    most, each = spec.objectives.maximum_hourly_cost, _amount(plan.hourly_cost_per_replica)
    if most is not None and each is None:
        limits.append((running, COST_LIMIT))
    elif most is not None and each:
        limits.append((int(Decimal(most) // each), COST_LIMIT))
    return min(limits, key=lambda limit: limit[0], default=None)


def _amount(text: str) -> Decimal | None:
    """Return what one replica costs; None: the plan, which a status holds, says nothing that could be a price."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None
