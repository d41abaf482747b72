"""One way worked out in full: its levers set, its replicas placed, within the limits of budget, stock and price."""

from dataclasses import dataclass
from decimal import Decimal

from gemma4_operator.planner.ask import Ask
from gemma4_operator.planner.candidates import Candidate
from gemma4_operator.planner.configure import Failure, Option, configure
from gemma4_operator.planner.inventory import GpuClass
from gemma4_operator.planner.levers import way
from gemma4_operator.planner.lost import Because
from gemma4_operator.planner.ranking import Key, key_of
from gemma4_operator.planner.reachable import Reachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One way that works: a candidate, configured, on a class of GPUs."""

    candidate: Candidate
    gpus: GpuClass
    option: Option
    hourly_cost: Decimal
    """Of all replicas."""
    placeable: bool
    """Whether all replicas have free GPUs now."""
    key: Key


def worked_out(
    ask: Ask, candidate: Candidate, gpus: GpuClass, count: int, reach: Reachable | None = None
) -> Found | Failure:
    """Return the way with its levers set and its replicas placed, or why it does not work; `reach` if it is known."""
    option = configure(ask, way(candidate, gpus.device, count), reach)
    if isinstance(option, Failure):
        return option
    needed = option.replicas * count
    if ask.maximum_gpus is not None and needed > ask.maximum_gpus:
        return Failure(Because.BUDGET, (("needed", needed), ("limit", ask.maximum_gpus)))
    room = gpus.replicas_total(count)
    # A count that only the spec names may wait for nodes; one that a workload needs is the plan itself.
    if room < (option.replicas if ask.load is not None else 1):
        return Failure(Because.STOCK, (("replicas", option.replicas), ("gpus", count), ("has", room)))
    cost = needed * gpus.device.hourly_price
    if ask.maximum_hourly_cost is not None and cost > ask.maximum_hourly_cost:
        return Failure(Because.COST, (("cost", _money(cost)), ("limit", _money(ask.maximum_hourly_cost))))
    placeable = gpus.replicas_free(count) >= option.replicas
    return Found(
        candidate=candidate,
        gpus=gpus,
        option=option,
        hourly_cost=cost,
        placeable=placeable,
        key=key_of(ask, candidate, option, product=gpus.device.product, cost=cost, placeable=placeable),
    )


def _money(amount: Decimal) -> str:
    """Return an amount with two decimals, or with those that it has, where two would make something else of it."""
    text = f"{amount:.2f}"
    return text if Decimal(text) == amount else f"{amount:f}"
