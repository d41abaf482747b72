"""Whether all replicas that would run have room on the GPUs there are, whoever has them now.

The operator plans them all the same, and some of its pods wait: nodes may come. Whoever asks before anything is applied
wants to know that they would wait for good as things are.
"""

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.planner.choose import Outcome
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.replicas import Scale, count


def runs(spec: Gemma4DeploymentSpec, plan: Plan) -> int:
    """Return how many replicas would run; an autoscaler is taken to run what the workload needs, as far as it may."""
    return count(spec, plan, Scale(decided=plan.replicas)).replicas


def lack(spec: Gemma4DeploymentSpec, outcome: Outcome) -> str | None:
    """Return by how much the GPUs are too few, as a sentence a user can act on; None: there is room, or no plan."""
    plan, best = outcome.plan, outcome.result.best
    if not isinstance(plan, Plan) or best is None:
        return None
    wanted, room = runs(spec, plan), best.gpus.replicas_total(plan.gpus_per_replica)
    if wanted <= room:
        return None
    field = "spec.replicas" if spec.autoscaling is None else "spec.autoscaling.minReplicas"
    each = f"each takes {plan.gpus_per_replica}x {best.gpus.device.product}"
    return (
        f"Only {room} of {wanted} replicas can run: {each}, and all nodes together have no more, taken or free. "
        f"Add nodes, or lower `{field}`."
    )
