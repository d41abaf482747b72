"""How many replicas an autoscaled plan may come to, and what the fewest and the most of them take."""

from collections.abc import Iterator
from decimal import Decimal

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.replicas import NOTHING_RUNS, Scale, count


def explain_count(spec: Gemma4DeploymentSpec, plan: Plan) -> Iterator[str]:
    """Yield what is to be known of the count of a plan that was just chosen; nothing where the spec says it."""
    bounds = spec.autoscaling
    if bounds is None:
        return
    first = count(spec, plan, NOTHING_RUNS).replicas
    most = count(spec, plan, Scale(live=first, decided=bounds.max_replicas))
    fewest = min(bounds.min_replicas, most.replicas)
    each, gpus = Decimal(plan.hourly_cost_per_replica), plan.gpus_per_replica
    yield (
        f"The operator's autoscaler decides, in place of `spec.replicas`: {fewest} to {most.replicas}, "
        f"{first} at first."
    )
    yield (
        f"They take {fewest * gpus} to {most.replicas * gpus} GPUs and cost {fewest * each:.2f} to "
        f"{most.replicas * each:.2f} {plan.currency} an hour."
    )
    if most.limited_by:
        yield f"`{most.limited_by}` keeps them below the {bounds.max_replicas} of `spec.autoscaling.maxReplicas`."
    if bounds.min_replicas == 0:
        yield f"After {bounds.idle_seconds} s in which nothing is asked, none runs."
