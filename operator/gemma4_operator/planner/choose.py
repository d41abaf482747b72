"""The choice: from a spec and the GPUs there are to the one plan that serves it, or to the reason why nothing does."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.engines.base import Registry
from gemma4_operator.planner.account import account, alternative
from gemma4_operator.planner.ask import Ask, ask_of
from gemma4_operator.planner.candidates import Candidate, candidates, unfit
from gemma4_operator.planner.inventory import GpuClass
from gemma4_operator.planner.lost import Because, Lost, name_of
from gemma4_operator.planner.plan import ENGINE_REFUSES, INFEASIBLE, NO_CHECKPOINT, NO_GPUS, Plan, Rejection
from gemma4_operator.planner.search import Result, search
from gemma4_operator.planner.serving import trial

ALTERNATIVES = 5
"""How many ways that lost a plan tells of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that the choice knows; `lost` holds every way that was not taken, the nearest first."""

    ask: Ask
    plan: Plan | Rejection
    result: Result
    lost: tuple[Lost, ...]


def choose(
    spec: Gemma4DeploymentSpec, *, catalog: Catalog, engines: Registry, classes: Sequence[GpuClass]
) -> Plan | Rejection:
    """Return the plan for a spec; the same spec, catalogue and GPUs give the same plan, byte for byte."""
    return consider(spec, catalog=catalog, engines=engines, classes=classes).plan


def consider(
    spec: Gemma4DeploymentSpec, *, catalog: Catalog, engines: Registry, classes: Sequence[GpuClass]
) -> Outcome:
    """Return the choice with everything that lost."""
    ask = ask_of(spec)
    fit: list[Candidate] = []
    lost: list[Lost] = []
    found = candidates(ask, catalog=catalog, image=spec.engine.image)
    for candidate in found:
        because = unfit(candidate, ask) or _refused(candidate, spec, engines)
        if because is None:
            fit.append(candidate)
        else:
            lost.append(because)
    result = search(ask, fit, classes)
    lost = sorted((*result.lost, *lost), key=nearness)
    if result.best is None:
        rejection = _rejection(spec, ask, catalog, classes, lost, has_candidates=bool(found))
        return Outcome(ask=ask, plan=rejection, result=result, lost=tuple(lost))
    nearest = tuple(alternative(one) for one in islice(lost, ALTERNATIVES))
    plan = account(spec, ask, result.best, catalog=catalog, alternatives=nearest)
    return Outcome(ask=ask, plan=plan, result=result, lost=tuple(lost))


def nearness(lost: Lost) -> tuple[int, Decimal]:
    """Return how far a way got: those that only ranked lower first, by cost; then by how late they failed."""
    return (-_PLACE[lost.because], _UNKNOWN if lost.hourly_cost is None else lost.hourly_cost)


_UNKNOWN = Decimal("Infinity")
_PLACE = {because: place for place, because in enumerate(Because)}


def _refused(candidate: Candidate, spec: Gemma4DeploymentSpec, engines: Registry) -> Lost | None:
    refusal = engines[candidate.engine.engine].refuses(trial(candidate, spec))
    if refusal is None:
        return None
    return Lost(candidate.checkpoint, candidate.engine.engine, Because.REFUSED, (("message", refusal),))


def _rejection(
    spec: Gemma4DeploymentSpec,
    ask: Ask,
    catalog: Catalog,
    classes: Sequence[GpuClass],
    lost: Sequence[Lost],
    *,
    has_candidates: bool,
) -> Rejection:
    """Say why nothing serves a spec; relaxations are added by who can afford to look for them."""
    nearest = tuple(alternative(one) for one in islice(lost, ALTERNATIVES))
    if not has_candidates:
        return _no_checkpoint(ask, catalog)
    if lost and all(one.because is Because.REFUSED for one in lost):
        return Rejection(reason=ENGINE_REFUSES, message=lost[0].sentence, alternatives=nearest)
    if not classes:
        allowed = f" of {', '.join(spec.placement.gpu_products)}" if spec.placement.gpu_products else ""
        message = (
            f"No node offers a GPU{allowed} that the planner understands: add one, "
            "or see `gemma4 doctor` for what it makes of the nodes there are."
        )
        return Rejection(reason=NO_GPUS, message=message)
    first = lost[0]
    return Rejection(
        reason=INFEASIBLE,
        message=f"Nothing serves this. The nearest way, {name_of(first)}, {first.sentence}.",
        alternatives=nearest,
    )


def _no_checkpoint(ask: Ask, catalog: Catalog) -> Rejection:
    if ask.variant is None or ask.quantization is None:
        what = f"`spec.model.quantization` '{ask.quantization}'" if ask.quantization else "what is asked for"
        message = f"The catalogue knows no weights for {what}: ask for another format, or set it to 'Auto'."
        return Rejection(reason=NO_CHECKPOINT, message=message)
    known = ", ".join(catalog.quantizations(ask.variant))
    return Rejection(
        reason=NO_CHECKPOINT,
        message=f"`spec.model.quantization` must be one of {known} for {ask.variant}, "
        f"not '{ask.quantization}': or name the weights in `spec.model.checkpoint`.",
    )
