"""From a raw custom resource to what should exist: the pure middle of a pass, or the problem that stopped it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.api.read import InvalidResource, read_deployment
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.engines.base import Dialect, Registry
from gemma4_operator.planner.cache_room import with_cache_room
from gemma4_operator.planner.cache_size import CacheSize, cache_size
from gemma4_operator.planner.choose import choose
from gemma4_operator.planner.inventory import Inventory, inventory
from gemma4_operator.planner.left_out import with_nodes
from gemma4_operator.planner.limits import beyond_limits
from gemma4_operator.planner.node_view import NodeView
from gemma4_operator.planner.plan import Plan, Rejection
from gemma4_operator.planner.record import restore
from gemma4_operator.planner.replan import Wrong, instead
from gemma4_operator.planner.replicas import NOTHING_RUNS, Count, Scale, count
from gemma4_operator.planner.serving import serving
from gemma4_operator.planner.uses import Use
from gemma4_operator.planner.workable import workable
from gemma4_operator.render.context import Owner
from gemma4_operator.render.merge import PatchError
from gemma4_operator.render.render import render
from gemma4_operator.status.pods import mapping
from gemma4_operator.status.project import Problem
from gemma4_operator.status.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Desire:
    """What should exist for one custom resource, as far as it could be worked out.

    Attributes:
        count: How many replicas run; None: the spec says nothing that could be read.
    """

    spec: Gemma4DeploymentSpec | None = None
    plan: Plan | None = None
    rejection: Rejection | None = None
    objects: tuple[dict[str, Any], ...] = ()
    problem: Problem | None = None
    dialects: tuple[Dialect, ...] = ()
    count: Count | None = None


def desire(
    resource: dict[str, Any],
    *,
    catalog: Catalog,
    engines: Registry,
    nodes: Iterable[NodeView] = (),
    uses: Iterable[Use] = (),
    wrong: Wrong | None = None,
    scale: Scale = NOTHING_RUNS,
) -> Desire:
    """Work out what should exist; whatever is wrong with the spec becomes a problem and never an exception.

    A plan that the status holds and that is still the one for the spec stays, unless something is wrong with it and
    another would do better; else one is chosen for these nodes, of whose GPUs others use some. How many replicas run
    is no part of the plan; where the spec leaves it open, `scale` says what is known.
    """
    try:
        spec = read_deployment(resource).spec
    except InvalidResource as error:
        return Desire(problem=Problem(reason=Reason.INVALID_SPEC, message=f"{error}.", planned=False))
    kept = restore(_told(resource), spec)
    plan: Plan | Rejection
    if kept is None:
        plan = _chosen(spec, catalog, engines, _found(spec, catalog, nodes, uses))
    elif wrong is not None:
        classes = _found(spec, catalog, nodes, uses).classes
        plan = instead(kept, wrong, spec, catalog=catalog, engines=engines, classes=classes) or kept
    else:
        plan = kept
    if isinstance(plan, Rejection):
        problem = Problem(reason=Reason(plan.reason), message=plan.message, planned=False)
        return Desire(spec=spec, rejection=plan, problem=problem, count=count(spec, None, scale))
    plan = with_cache_room(plan, spec)
    running = count(spec, plan, scale)
    if (excess := beyond_limits(plan, spec)) is not None:
        problem = Problem(reason=Reason.OVER_BUDGET, message=excess, planned=True)
        return Desire(spec=spec, plan=plan, problem=problem, count=running)
    pod = engines[plan.engine].pod(serving(plan, spec, catalog.models[plan.variant]))
    metadata = resource["metadata"]
    owner = Owner(name=metadata["name"], namespace=metadata["namespace"], uid=metadata["uid"])
    try:
        objects = render(owner=owner, spec=spec, plan=plan, pod=pod, replicas=running.replicas)
    except PatchError as error:
        problem = Problem(reason=Reason.INVALID_SPEC, message=str(error), planned=True)
        return Desire(spec=spec, plan=plan, problem=problem, count=running)
    return Desire(spec=spec, plan=plan, objects=objects, dialects=pod.dialects, count=running)


def _found(spec: Gemma4DeploymentSpec, catalog: Catalog, nodes: Iterable[NodeView], uses: Iterable[Use]) -> Inventory:
    return inventory(
        nodes,
        uses,
        catalog=catalog,
        node_selector=spec.placement.node_selector,
        tolerations=spec.placement.tolerations,
        products=spec.placement.gpu_products,
    )


def _chosen(spec: Gemma4DeploymentSpec, catalog: Catalog, engines: Registry, found: Inventory) -> Plan | Rejection:
    plan = with_nodes(choose(spec, catalog=catalog, engines=engines, classes=found.classes), found)
    if isinstance(plan, Plan):
        return plan
    return workable(plan, spec, catalog=catalog, engines=engines, classes=found.classes, unselected=found.unselected)


@dataclass(frozen=True, slots=True)
class _Known:
    generation: int
    nodes: tuple[NodeView, ...]
    scale: Scale
    desire: Desire


class Desires:
    """Remembers the last desire of each custom resource, since most passes are about news of children.

    It hangs on uid and generation, and on the plan in the status: whoever deletes that one asks for another choice.
    Only where nothing served it, it hangs on the nodes as well, and only with autoscaling on the scale.
    """

    def __init__(self, *, catalog: Catalog, engines: Registry, nodes: Callable[[], tuple[NodeView, ...]]) -> None:
        self._catalog = catalog
        self._engines = engines
        self._nodes = nodes
        self._known: dict[str, _Known] = {}

    def must_choose(self, resource: dict[str, Any], scale: Scale = NOTHING_RUNS) -> bool:
        """Whether the next answer takes a choice, for which it matters what GPUs are free."""
        return self._fresh(resource, scale) is None and not _has_plan(resource)

    def of(self, resource: dict[str, Any], scale: Scale = NOTHING_RUNS) -> Desire:
        """Return what should exist for a resource."""
        known = self._fresh(resource, scale)
        return known.desire if known is not None else self.choose(resource, (), self._nodes(), scale=scale)

    def choose(
        self,
        resource: dict[str, Any],
        uses: Iterable[Use],
        nodes: tuple[NodeView, ...],
        *,
        wrong: Wrong | None = None,
        scale: Scale = NOTHING_RUNS,
    ) -> Desire:
        """Work out what should exist, on these nodes, of whose GPUs others use some; safe in a thread of its own."""
        made = desire(
            resource, catalog=self._catalog, engines=self._engines, nodes=nodes, uses=uses, wrong=wrong, scale=scale
        )
        self._known[resource["metadata"]["uid"]] = _Known(resource["metadata"]["generation"], nodes, scale, made)
        return made

    def _fresh(self, resource: dict[str, Any], scale: Scale) -> _Known | None:
        known = self._known.get(resource["metadata"]["uid"])
        if known is None or known.generation != resource["metadata"]["generation"] or self._is_outdated(known, scale):
            return None
        return known if _is_told(resource, known.desire.plan) else None

    def cache_size(self, plan: Plan, *, blocks: int) -> CacheSize:
        """Return how large a cache of so many blocks is for a plan, and how large it should be."""
        return cache_size(plan, self._catalog.models[plan.variant], blocks=blocks)

    def forget(self, uid: str) -> None:
        """Drop what is remembered of a resource that is gone."""
        self._known.pop(uid, None)

    def _is_outdated(self, known: _Known, scale: Scale) -> bool:
        if known.desire.rejection is not None and known.nodes != self._nodes():
            return True
        spec = known.desire.spec
        return spec is not None and spec.autoscaling is not None and known.scale != scale


def _is_told(resource: dict[str, Any], plan: Plan | None) -> bool:
    """Whether the status tells of this plan, as far as its sentence and its tries can say, and of no other."""
    told = _told(resource)
    return plan is None or (told.get("hash"), told.get("why"), told.get("tries", 0)) == (
        plan.hash,
        plan.why,
        plan.tries,
    )


def _has_plan(resource: dict[str, Any]) -> bool:
    """Whether the status holds a plan that stands; a spec that cannot be read gets none in any case."""
    try:
        spec = read_deployment(resource).spec
    except InvalidResource:
        return True
    return restore(_told(resource), spec) is not None


def _told(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the plan of a status, in which anything may stand that the CRD of the day lets in."""
    return mapping(mapping(resource.get("status")).get("plan"))
