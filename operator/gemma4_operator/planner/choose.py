"""The choice: from a spec and the GPUs there are to the one plan that serves it, or to the reason why nothing does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import nsmallest
from typing import NamedTuple

from gemma4_operator.api.deployment import EngineChoice, Gemma4DeploymentSpec
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.catalog.models import Model
from gemma4_operator.engines import images
from gemma4_operator.engines.base import Registry
from gemma4_operator.planner.account import account, alternative
from gemma4_operator.planner.ask import Ask, ask_of
from gemma4_operator.planner.cache_room import with_cache_room
from gemma4_operator.planner.candidates import Candidate, candidates, unfit
from gemma4_operator.planner.inventory import GpuClass
from gemma4_operator.planner.known_weights import mistaken
from gemma4_operator.planner.lost import Because, Lost, name_of, nearness
from gemma4_operator.planner.plan import (
    ENGINE_REFUSES,
    INFEASIBLE,
    INVALID_SPEC,
    NO_CHECKPOINT,
    NO_GPUS,
    Plan,
    Rejection,
)
from gemma4_operator.planner.search import Result, search
from gemma4_operator.planner.serving import serving, trial
from gemma4_operator.planner.unknown import unknown_products

ALTERNATIVES = 5
"""How many ways that lost a plan tells of."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """All that the choice knows; `unfit` are those that lost on any GPU."""

    ask: Ask
    plan: Plan | Rejection
    result: Result
    unfit: tuple[Lost, ...]

    @cached_property
    def lost(self) -> tuple[Lost, ...]:
        """Every way that was not taken, the nearest first."""
        return tuple(sorted((*self.result.lost, *self.unfit), key=nearness))


def choose(
    spec: Gemma4DeploymentSpec, *, catalog: Catalog, engines: Registry, classes: Sequence[GpuClass]
) -> Plan | Rejection:
    """Return the plan for a spec; the same spec, catalogue and GPUs give the same plan, byte for byte."""
    return consider(spec, catalog=catalog, engines=engines, classes=classes).plan


def feasible(
    spec: Gemma4DeploymentSpec, *, catalog: Catalog, engines: Registry, classes: Sequence[GpuClass]
) -> Plan | None:
    """Return the same plan without what it was better than; None: nothing serves the spec, whatever the reason.

    Reasons are most of the work where nothing does, and who tries one change after the other needs none.
    """
    ask = ask_of(spec)
    best = search(ask, _sorted_out(spec, ask, catalog, engines).fit, classes).best
    return account(spec, ask, best, catalog=catalog, alternatives=()) if best is not None else None


def consider(
    spec: Gemma4DeploymentSpec, *, catalog: Catalog, engines: Registry, classes: Sequence[GpuClass]
) -> Outcome:
    """Return the choice with everything that lost."""
    ask = ask_of(spec)
    fit, lost, undecided = _sorted_out(spec, ask, catalog, engines)
    result = search(ask, fit, classes)
    if undecided is not None:
        return Outcome(ask=ask, plan=undecided, result=result, unfit=lost)
    nearest = nsmallest(ALTERNATIVES, (*result.nearest(ALTERNATIVES), *lost), key=nearness)
    plan: Plan | Rejection
    if result.best is None:
        is_refused = bool(lost) and not fit and all(one.because is Because.REFUSED for one in lost)
        has_candidates = bool(fit or lost)
        plan = _rejection(spec, ask, catalog, classes, nearest, has_candidates=has_candidates, is_refused=is_refused)
        if plan.reason in (NO_GPUS, INFEASIBLE):
            plan = replace(plan, message=" ".join((plan.message, *unknown_products(spec, catalog, classes))))
    else:
        told = tuple(map(alternative, nearest))
        plan = account(spec, ask, result.best, catalog=catalog, alternatives=told)
        plan = replace(plan, notes=(*plan.notes, *unknown_products(spec, catalog, classes)))
        plan = with_cache_room(_remarked(plan, spec, result.best.candidate.model, engines), spec)
    return Outcome(ask=ask, plan=plan, result=result, unfit=lost)


def _remarked(plan: Plan, spec: Gemma4DeploymentSpec, model: Model, engines: Registry) -> Plan:
    """Return the plan with what its engine has to say of it."""
    return replace(plan, notes=(*plan.notes, *engines[plan.engine].remarks(serving(plan, spec, model))))


class _Sorted(NamedTuple):
    """The candidates that some GPU may serve, and why the others are none.

    Attributes:
        undecided: Why none may be chosen, whatever they are; None: one may. Nothing fits then.
    """

    fit: tuple[Candidate, ...]
    lost: tuple[Lost, ...]
    undecided: Rejection | None = None


def _sorted_out(spec: Gemma4DeploymentSpec, ask: Ask, catalog: Catalog, engines: Registry) -> _Sorted:
    if mistake := mistaken(ask, catalog):
        return _Sorted((), (), Rejection(reason=INVALID_SPEC, message=mistake))
    fit: list[Candidate] = []
    refused: list[Candidate] = []
    lost: list[Lost] = []
    for candidate in candidates(ask, catalog=catalog, image=spec.engine.image):
        if (because := unfit(candidate, ask)) is not None:
            lost.append(because)
        elif (refusal := _refused(candidate, spec, engines)) is not None:
            refused.append(candidate)
            lost.append(refusal)
        else:
            fit.append(candidate)
    undecided = _undecided(spec, (*fit, *refused), engines)
    if undecided:
        return _Sorted((), tuple(lost), Rejection(reason=ENGINE_REFUSES, message=undecided))
    return _Sorted(tuple(fit), tuple(lost))


def _undecided(spec: Gemma4DeploymentSpec, possible: Sequence[Candidate], engines: Registry) -> str:
    """Return why arguments and variables forbid to choose an engine: they are written for one, and would follow any.

    What one engine refuses would else lead to another, which is told the same and does not know it.
    """
    if spec.engine.type is not EngineChoice.AUTO or not (spec.engine.extra_args or spec.engine.env):
        return ""
    bare = spec.model_copy(update={"engine": spec.engine.model_copy(update={"extra_args": (), "env": ()})})
    choice = [one for one in possible if _refused(one, bare, engines) is None]
    names = sorted({one.engine.engine for one in choice})
    if len(names) < 2:
        return ""
    if spec.engine.extra_args:
        which = " or ".join(f"'{name}'" for name in names)
        return (
            "`spec.engine.extraArgs` are for one engine, and several may serve this: "
            f"set `spec.engine.type` to {which}."
        )
    refusal = next((lost for one in choice if (lost := _refused(one, spec, engines)) is not None), None)
    return refusal.sentence if refusal is not None else ""


def _refused(candidate: Candidate, spec: Gemma4DeploymentSpec, engines: Registry) -> Lost | None:
    engine = engines[candidate.engine.engine]
    tried = trial(candidate, spec)
    refusal = images.clash(tried, engine.type, engines) or engine.refuses(tried)
    if refusal is None:
        return None
    return Lost(candidate.checkpoint, candidate.engine.engine, Because.REFUSED, (("message", refusal),))


def _rejection(
    spec: Gemma4DeploymentSpec,
    ask: Ask,
    catalog: Catalog,
    classes: Sequence[GpuClass],
    nearest: Sequence[Lost],
    *,
    has_candidates: bool,
    is_refused: bool,
) -> Rejection:
    """Say why nothing serves a spec; relaxations are added by who can afford to look for them."""
    told = tuple(map(alternative, nearest))
    if not has_candidates:
        return _no_checkpoint(ask, catalog)
    if is_refused:
        return Rejection(reason=ENGINE_REFUSES, message=nearest[0].sentence, alternatives=told)
    if not classes:
        allowed = f" of {', '.join(spec.placement.gpu_products)}" if spec.placement.gpu_products else ""
        message = (
            f"No node offers a GPU{allowed} that the planner understands and these pods may use: add one, or see that "
            "`kubectl describe nodes` shows GPUs, the labels of GPU feature discovery, and no cordon, taint or missing "
            "label that keeps these pods away."
        )
        return Rejection(reason=NO_GPUS, message=message)
    return Rejection(
        reason=INFEASIBLE,
        message=f"Nothing serves this{_nearest(nearest[0])}.",
        alternatives=told,
    )


OF_THE_WAY = frozenset(
    {
        Because.QUALITY,
        Because.MEMORY,
        Because.TOKEN_TIME,
        Because.FIRST_TOKEN,
        Because.BUDGET,
        Because.STOCK,
        Because.COST,
        Because.RANKED,
    }
)
"""The reasons whose sentences begin with what a way does, and not with whose fault it is."""


def _nearest(first: Lost) -> str:
    """Return how a rejection goes on: with the nearest way and its reason, as sentences that a person would write."""
    because = first.sentence.rstrip(".")
    if first.because is Because.REFUSED:  # By a field of the user's, whichever way it is.
        return f": {because}"
    if first.because in OF_THE_WAY:
        return f". The nearest way, {name_of(first)}, {because}"
    return f". The nearest way is {name_of(first)}: {because}"


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
