"""What is wrong with nodes, told where no GPU is left: it says more than that there is none."""

from dataclasses import replace

from gemma4_operator.planner.inventory import Inventory
from gemma4_operator.planner.plan import NO_GPUS, Plan, Rejection

NODES_TOLD = 3
"""How many notes about nodes that were left out a message has."""


def with_nodes(plan: Plan | Rejection, found: Inventory) -> Plan | Rejection:
    """Return a plan, or a rejection that tells of the nodes if it is for want of GPUs."""
    if isinstance(plan, Plan) or plan.reason != NO_GPUS:
        return plan
    return replace(plan, message=" ".join((plan.message, *found.notes[:NODES_TOLD])))
