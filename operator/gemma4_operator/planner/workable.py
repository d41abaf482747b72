"""A rejection with the changes that would help: of the spec, or of the cluster."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.engines.base import Registry
from gemma4_operator.planner.choose import choose, feasible
from gemma4_operator.planner.inventory import GpuClass, pools
from gemma4_operator.planner.plan import ENGINE_REFUSES, INVALID_SPEC, NO_CHECKPOINT, Plan, Rejection, Relaxation
from gemma4_operator.planner.relax import MAXIMUM, Try, relaxations

NODES = "nodes"
"""What a relaxation names instead of a field, where the cluster would have to change."""
SELECTOR = "spec.placement.nodeSelector"
_GIB = 2**30
HELPS = " What would work: "
"""Between a message and the relaxations that it names."""
TOLD = 3
"""How many relaxations the message itself names."""


def workable(
    rejection: Rejection,
    spec: Gemma4DeploymentSpec,
    *,
    catalog: Catalog,
    engines: Registry,
    classes: Sequence[GpuClass],
    unselected: Sequence[GpuClass] = (),
) -> Rejection:
    """Return the rejection with relaxations, each proved by choosing again, and a message that names the first.

    `unselected` are the classes that there would be without the node selector, where it is to blame.
    """
    if rejection.reason in (INVALID_SPEC, NO_CHECKPOINT, ENGINE_REFUSES):
        return rejection

    def attempt(raw: Mapping[str, Any]) -> Plan | None:
        changed = _valid(raw)
        if changed is None:
            return None
        return feasible(changed, catalog=catalog, engines=engines, classes=classes)

    found = (
        *(relaxations(spec.to_json(), attempt) if classes else ()),
        *_any_node(spec, catalog=catalog, engines=engines, classes=unselected),
        *_more_nodes(spec, catalog=catalog, engines=engines),
    )[:MAXIMUM]
    if not found:
        return rejection
    helps = "; or ".join(one.message.rstrip(".") for one in found[:TOLD]) + "."
    return replace(rejection, relaxations=found, message=f"{rejection.message}{HELPS}{helps}")


def attempts(*, catalog: Catalog, engines: Registry, classes: Sequence[GpuClass]) -> Try:
    """Return a choice for raw specs on given GPUs."""

    def attempt(raw: Mapping[str, Any]) -> Plan | Rejection | None:
        changed = _valid(raw)
        if changed is None:
            return None
        return choose(changed, catalog=catalog, engines=engines, classes=classes)

    return attempt


def _valid(raw: Mapping[str, Any]) -> Gemma4DeploymentSpec | None:
    try:
        return Gemma4DeploymentSpec.model_validate(raw)
    except ValidationError:
        return None


def _any_node(
    spec: Gemma4DeploymentSpec, *, catalog: Catalog, engines: Registry, classes: Sequence[GpuClass]
) -> Iterator[Relaxation]:
    """Yield to drop a selector of nodes that no node has, where the others serve the spec."""
    if not classes:
        return
    open_to_all = spec.model_copy(update={"placement": spec.placement.model_copy(update={"node_selector": {}})})
    plan = feasible(open_to_all, catalog=catalog, engines=engines, classes=classes)
    if plan is not None:
        yield Relaxation(field=SELECTOR, value=None, message=f"drop `{SELECTOR}`: {plan.why}")


def _more_nodes(spec: Gemma4DeploymentSpec, *, catalog: Catalog, engines: Registry) -> Iterator[Relaxation]:
    """Yield the GPUs that would serve the spec as it is: the best of all that the catalogue knows."""
    classes = _sold(catalog, spec.placement.gpu_products)
    plan = _surest(spec, catalog=catalog, engines=engines, classes=classes)
    if plan is None:
        return
    value = f"{plan.replicas * plan.gpus_per_replica}x {plan.gpu_product}"
    alike = [one for one in classes if one.device.product == plan.gpu_product]
    if len(alike) > 1:
        # Machines of one name, of which whoever has one may have another.
        device = next(
            one.device for one in alike if feasible(spec, catalog=catalog, engines=engines, classes=[one]) == plan
        )
        value += f" of {(device.memory_bytes + device.reserved_bytes) / _GIB:.0f} GiB"
    why = " ".join((plan.why, *_doubts(plan, catalog)))
    yield Relaxation(field=NODES, value=value, message=f"add nodes with {value}: {why}")


def _surest(
    spec: Gemma4DeploymentSpec, *, catalog: Catalog, engines: Registry, classes: Sequence[GpuClass]
) -> Plan | None:
    """Return the best plan on whose GPUs nobody doubts that the engine runs; where all are doubted, the best."""
    best = plan = feasible(spec, catalog=catalog, engines=engines, classes=classes)
    while plan is not None and _doubts(plan, catalog):
        product = plan.gpu_product
        classes = [one for one in classes if one.device.product != product]
        plan = feasible(spec, catalog=catalog, engines=engines, classes=classes)
    return plan or best


def _doubts(plan: Plan, catalog: Catalog) -> list[str]:
    """Return what a plan notes of its engine on its GPUs."""
    known = {doubt.because for doubt in catalog.engines[plan.engine].doubts}
    return [note for note in plan.notes if note in known]


def _sold(catalog: Catalog, products: Sequence[str]) -> tuple[GpuClass, ...]:
    """Return pools of all GPUs of the catalogue, or of those that are named: of machines of one name, each."""
    every = pools(catalog)
    if not products:
        return every
    named = pools(catalog, products)
    return (*named, *(one for one in every if one.product in products and one not in named))
