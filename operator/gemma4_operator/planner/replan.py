"""A plan that turned out wrong: another in its place, where one would do better."""

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum, auto

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.engines.base import Registry
from gemma4_operator.planner.choose import choose, consider
from gemma4_operator.planner.inventory import GpuClass
from gemma4_operator.planner.plan import Plan

MOST_TRIES = 3
"""After which a plan that runs out of memory stays: a fourth would fail for something that planning cannot mend."""
STEP_PERCENT = 5
"""Of the GPU's memory, which each try leaves free beyond the one before: what estimates have missed is less."""


class Wrong(Enum):
    """What is wrong with a plan."""

    UNPLACED = auto()
    """No node takes any of its pods."""
    MEMORY = auto()
    """Its engine finds too little of the GPU's memory."""


def instead(
    plan: Plan,
    wrong: Wrong,
    spec: Gemma4DeploymentSpec,
    *,
    catalog: Catalog,
    engines: Registry,
    classes: Sequence[GpuClass],
) -> Plan | None:
    """Return the plan to take in place of a wrong one; None: there is no better."""
    match wrong:
        case Wrong.UNPLACED:
            return _elsewhere(plan, spec, catalog, engines, classes)
        case Wrong.MEMORY:
            return _leaner(plan, spec, catalog, engines, classes)


def _elsewhere(
    stuck: Plan, spec: Gemma4DeploymentSpec, catalog: Catalog, engines: Registry, classes: Sequence[GpuClass]
) -> Plan | None:
    """Return a plan in place of one that waits for GPUs.

    It must have free GPUs for all its replicas now, since to wait for others instead would gain nothing, and ask for
    other GPUs, since pods that ask for the same would wait for the same.
    """
    outcome = consider(spec, catalog=catalog, engines=engines, classes=_smaller(classes, stuck.tries))
    best, plan = outcome.result.best, outcome.plan
    if best is None or not best.placeable or not isinstance(plan, Plan) or _asks(plan) == _asks(stuck):
        return None
    note = f"Chosen anew, because the pods of the plan before, {_named(stuck)}, found no node."
    return replace(plan, notes=(note, *plan.notes), tries=stuck.tries)


def _leaner(
    full: Plan, spec: Gemma4DeploymentSpec, catalog: Catalog, engines: Registry, classes: Sequence[GpuClass]
) -> Plan | None:
    """Return a plan in place of one whose engine ran out of memory, for GPUs that are taken to be smaller."""
    tries = full.tries + 1
    if tries > MOST_TRIES:
        return None
    plan = choose(spec, catalog=catalog, engines=engines, classes=_smaller(classes, tries))
    if not isinstance(plan, Plan):
        return None
    note = (
        f"Chosen anew, try {tries} of {MOST_TRIES}, because the plan before, {_named(full)}, found too little "
        f"of the GPU's memory: {tries * STEP_PERCENT} % of it are left free now, beside what is anyway."
    )
    return replace(plan, notes=(note, *plan.notes), tries=tries)


def _smaller(classes: Sequence[GpuClass], tries: int) -> tuple[GpuClass, ...]:
    share = 100 - tries * STEP_PERCENT
    return tuple(
        replace(one, device=replace(one.device, memory_bytes=one.device.memory_bytes * share // 100)) for one in classes
    )


def _named(plan: Plan) -> str:
    return f"{plan.variant} in {plan.quantization} with {plan.gpus_per_replica}x {plan.gpu_product}"


def _asks(plan: Plan) -> tuple[object, ...]:
    """Return what the scheduler looks at."""
    return plan.gpu_resource, plan.gpus_per_replica, plan.node_labels
