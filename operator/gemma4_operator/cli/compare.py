"""`gemma4 plan --compare`: what a change of Gemma4Deployments would do, for whoever reviews it."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from gemma4_operator.api.read import InvalidResource
from gemma4_operator.cli.access import files_namespace
from gemma4_operator.cli.compare_report import report
from gemma4_operator.cli.given import Given, given_in, given_of, require_one_standard_input
from gemma4_operator.cli.inputs import InvalidInput, Object, find_deployments
from gemma4_operator.cli.namespaces import DEFAULT, filled
from gemma4_operator.cli.output import emit
from gemma4_operator.cli.render import objects_of
from gemma4_operator.cli.room import runs
from gemma4_operator.cli.situation import Situation, situation, within_limits
from gemma4_operator.cli.verb import Exit
from gemma4_operator.planner.plan import Plan

Result = dict[str, Any]
Tell = Callable[[Situation, Given], Result]
Name = tuple[str, str]
_KEPT = ("feasible", "fits", "reason", "message", "plan", "replicas", "nodes")
_NO_PLAN: Result = {"feasible": False, "fits": False, "plan": None, "replicas": 0}
_NOTHING = Decimal("0.00")


class Change(StrEnum):
    """What becomes of a deployment."""

    ADDED = "Added"
    REMOVED = "Removed"
    CHANGED = "Changed"
    UNCHANGED = "Unchanged"


class Pause(StrEnum):
    """What `spec.suspend` makes of a change, as a sentence."""

    ADDED = "It is suspended from the start: nothing is made until `spec.suspend` is false."
    BEGINS = (
        "It becomes suspended: its pods stay as they are, and any later change waits until `spec.suspend` is false."
    )
    BEGINS_WITH_MORE = (
        "It becomes suspended: its pods stay as they are, and what else is changed waits until `spec.suspend` is false."
    )
    GOES_ON = "It stays suspended: its pods stay as they are, and the change waits until `spec.suspend` is false."
    ENDS = (
        "It is no longer suspended: what waited meanwhile is applied at once, which may be more than these files show."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """A deployment before or after.

    Attributes:
        given: None where it could not be read before.
        template: Of its pods; None where there are none.
    """

    given: Given | None
    told: Result
    template: Object | None

    @property
    def suspended(self) -> bool:
        """Whether the operator leaves everything as it is."""
        return self.given is not None and self.given.deployment.spec.suspend


def compare(args: argparse.Namespace, tell: Tell) -> Exit:
    """Print what a change does; the exit code is of what will be. Raises InvalidInput, InvalidResource."""
    if args.name is not None or args.file is None:
        raise InvalidInput("`--compare` must be given with `-f`: it sets one file beside another")
    require_one_standard_input(args)
    # What was refused before must not keep a change from mending it.
    were = find_deployments(args.compare, may_be_none=True, may_repeat=True)
    will_be = find_deployments(*args.file, may_be_none=True)
    if not were and not will_be:
        raise InvalidInput("`-f` or `--compare` must hold a Gemma4Deployment, and neither does")
    valid = given_of(will_be, args)
    old = filled(were, args.namespace, lambda: files_namespace(args))
    where = situation(args)
    after = dict(_will_be(where, tell, one) for one in valid)
    before = dict(_was(where, tell, raw) for raw in old)
    told = [_difference(before.get(name), after.get(name), name) for name in dict.fromkeys((*after, *before))]
    result = {"deployments": told, **_sums(told)}
    emit(result, args.output, table=lambda: report(result))
    afterwards = [one["after"] for one in told if one["after"] is not None]
    return Exit.OK if all(after["fits"] for after in afterwards) else Exit.INFEASIBLE


def _will_be(where: Situation, tell: Tell, one: Given) -> tuple[Name, _Side]:
    """Return a deployment as it will be. Raises InvalidInput, if its patch cannot be merged."""
    plan = _planned(where, one)
    template = _template(where, one, plan) if plan is not None else None
    return (one.namespace, one.name), _Side(given=one, told=_told(where, tell, one, plan), template=template)


def _was(where: Situation, tell: Tell, raw: Object) -> tuple[Name, _Side]:
    """Return a deployment as it was; one that was not valid must not keep a change from mending it."""
    one: Given | None = None
    try:
        (one,) = given_in((raw,))
        return _will_be(where, tell, one)
    except (InvalidResource, InvalidInput) as error:
        metadata = raw.get("metadata")
        if not isinstance(metadata, dict) or not metadata.get("name"):
            raise
        name = (str(metadata.get("namespace") or DEFAULT), str(metadata["name"]))
        message = str(error).removeprefix(f"{'/'.join(name)}: ").rstrip(".") + "."
        told = {**_NO_PLAN, "reason": "InvalidSpec", "message": message, "nodes": []}
        return name, _Side(given=one, told=told, template=None)


def _planned(where: Situation, one: Given) -> Plan | None:
    spec = one.deployment.spec
    plan = within_limits(where.consider(spec, where.inventory(one)).plan, spec)
    return plan if isinstance(plan, Plan) else None


def _told(where: Situation, tell: Tell, one: Given, plan: Plan | None) -> Result:
    """Return what the verb tells, and with a plan how many replicas are needed, and how many run and are paid for."""
    told = tell(where, one)
    kept = {key: told[key] for key in _KEPT if key in told}
    if plan is None:
        return kept
    spec = one.deployment.spec
    running = runs(spec, plan)
    needs = plan.replicas if spec.workload is not None else None
    cost = running * Decimal(plan.hourly_cost_per_replica)
    return {**kept, "needs": needs, "runs": running, "hourlyCost": f"{cost:.2f}"}


def _template(where: Situation, one: Given, plan: Plan) -> Object:
    objects = objects_of(where, one, replace(plan, replicas=1))
    template: Object = next(item["spec"]["template"] for item in objects if item["kind"] == "Deployment")
    return template


def _difference(before: _Side | None, after: _Side | None, name: Name) -> Result:
    change = _change(before, after)
    suspended = after is not None and after.suspended
    pause = _pause(before, after, change)
    old, new = (side.told if side is not None else None for side in (before, after))
    unknown = _is_unserved(old) or _is_unserved(new)
    difference = _NOTHING if suspended else _cost(new) - _cost(old)
    return {
        "namespace": name[0],
        "name": name[1],
        "change": change.value,
        "replacesPods": not suspended and change is Change.CHANGED and _replaces_pods(before, after),
        "suspended": suspended,
        "note": pause.value if pause is not None else None,
        "before": old,
        "after": new,
        "hourlyCostDifference": None if unknown else _signed(difference),
    }


def _change(before: _Side | None, after: _Side | None) -> Change:
    if before is None:
        return Change.ADDED
    if after is None:
        return Change.REMOVED
    old, new = (side.given.deployment.spec if side.given is not None else None for side in (before, after))
    # As the operator reads them: whether a default is written down or left out is no change.
    return Change.UNCHANGED if old == new else Change.CHANGED


def _pause(before: _Side | None, after: _Side | None, change: Change) -> Pause | None:
    if after is None or change is Change.UNCHANGED or after.given is None:
        return None
    was = before is not None and before.suspended
    if not after.suspended:
        return Pause.ENDS if was else None
    if before is None:
        return Pause.ADDED
    if was:
        return Pause.GOES_ON
    running = after.given.deployment.spec.model_copy(update={"suspend": False})
    alone = before.given is not None and before.given.deployment.spec == running
    return Pause.BEGINS if alone else Pause.BEGINS_WITH_MORE


def _replaces_pods(before: _Side | None, after: _Side | None) -> bool:
    """Whether pods that run would be replaced by others, and not only be more or fewer."""
    old, new = (side.template if side is not None else None for side in (before, after))
    return old is not None and new is not None and old != new


def _is_unserved(told: Result | None) -> bool:
    return told is not None and not told["feasible"]


def _cost(told: Result | None) -> Decimal:
    return Decimal(told.get("hourlyCost", _NOTHING)) if told is not None else _NOTHING


def _runs_at(one: Result) -> Decimal:
    """Return what is paid afterwards: of a suspended one, what it was."""
    return _cost(one["before"] if one["suspended"] else one["after"])


def _sums(told: list[Result]) -> Result:
    before = sum((_cost(one["before"]) for one in told), start=_NOTHING)
    after = sum(map(_runs_at, told), start=_NOTHING)
    plans = [side["plan"] for one in told for side in (one["before"], one["after"]) if side and side["plan"]]
    return {
        "hourlyCostBefore": str(before),
        "hourlyCostAfter": str(after),
        "hourlyCostDifference": _signed(after - before),
        "currency": plans[0]["currency"] if plans else None,
    }


def _signed(amount: Decimal) -> str:
    return f"{amount:+.2f}" if amount else "0.00"
