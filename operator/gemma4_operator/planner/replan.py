"""A plan whose pods find no node: another in its place, if one could start at once."""

from collections.abc import Sequence
from dataclasses import replace

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.engines.base import Registry
from gemma4_operator.planner.choose import consider
from gemma4_operator.planner.inventory import GpuClass
from gemma4_operator.planner.plan import Plan


def elsewhere(
    stuck: Plan, spec: Gemma4DeploymentSpec, *, catalog: Catalog, engines: Registry, classes: Sequence[GpuClass]
) -> Plan | None:
    """Return the plan to take in place of one that waits for GPUs; None: waiting is still the best there is.

    It must have free GPUs for all its replicas now, since to wait for others instead would gain nothing, and ask for
    other GPUs, since pods that ask for the same would wait for the same.
    """
    outcome = consider(spec, catalog=catalog, engines=engines, classes=classes)
    best, plan = outcome.result.best, outcome.plan
    if best is None or not best.placeable or not isinstance(plan, Plan) or _asks(plan) == _asks(stuck):
        return None
    note = (
        f"Chosen anew, because the pods of the plan before, {stuck.variant} in {stuck.quantization} with "
        f"{stuck.gpus_per_replica}x {stuck.gpu_product}, found no node."
    )
    return replace(plan, notes=(note, *plan.notes))


def _asks(plan: Plan) -> tuple[object, ...]:
    """Return what the scheduler looks at."""
    return plan.gpu_resource, plan.gpus_per_replica, plan.node_labels
