"""Budgets against the replicas that a spec runs: a plan stays when they are scaled, and its limits hold as well."""

from decimal import Decimal, InvalidOperation

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.planner.plan import Plan


def beyond_limits(plan: Plan, spec: Gemma4DeploymentSpec) -> str | None:
    """Return by which limit `spec.replicas` are too many, as a sentence a user can act on; None: by none."""
    limit, needed = spec.placement.maximum_gpus, spec.replicas * plan.gpus_per_replica
    if limit is not None and needed > limit:
        return (
            f"`spec.replicas` is {spec.replicas}, which takes {needed} GPUs, and `spec.placement.maximumGPUs` is "
            f"{limit}: run at most {limit // plan.gpus_per_replica}, or raise the limit."
        )
    most, each = spec.objectives.maximum_hourly_cost, _amount(plan.hourly_cost_per_replica)
    if most is not None and each * spec.replicas > Decimal(most):
        affordable = int(Decimal(most) / each)
        return (
            f"`spec.replicas` is {spec.replicas}, which costs {each * spec.replicas:.2f} {plan.currency} an hour, and "
            f"`spec.objectives.maximumHourlyCost` is {most}: run at most {affordable}, or raise the limit."
        )
    return None


def _amount(text: str) -> Decimal:
    """Return what one replica costs; a status that says something else says nothing."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() else Decimal(0)
