"""The order of ways that work: what the user optimizes for, and what decides where that is equal.

Everywhere, a way whose GPUs are free now comes before one that must wait. Then, by `spec.objectives.optimizeFor`:

    Cost        the cheapest, then one that is comfortably fast, then quality in words, then how many requests it
                carries in steps of 25 %, then quality in points, then speed
    Quality     the best in points, then as for Cost
    Latency     the least time per output token, in steps of 5 %, then as for Cost
    Throughput  the least cost per request, in steps of 5 %, then as for Cost

Names come last, so that the same inputs give the same plan.
"""

import math
from decimal import Decimal
from typing import NamedTuple

from gemma4_operator.api.objectives import OptimizeFor
from gemma4_operator.planner.ask import Ask
from gemma4_operator.planner.candidates import Candidate
from gemma4_operator.planner.configure import Option, Reachable
from gemma4_operator.planner.inventory import GpuClass

COMFORTABLE_SECONDS = 0.05
"""For one output token: twenty tokens are some fifteen words, four times what an adult reads in a second, since a model
that thinks writes several times what it shows."""
_STEP = math.log(1.05)
_CAPACITY_STEP = math.log(1.25)
_FREE = 1e-6
"""Of the currency an hour: what costs less is free, and has no logarithm."""
_MUCH = 1000
"""Steps of capacity that nothing has, 1.25^1000: the bound for what was not worked out."""


class Key(NamedTuple):
    """Smaller is better, field by field. `first` depends on what is optimized for."""

    waits: bool
    first: float
    cost: Decimal
    is_slow: bool
    lost_words: int
    lost_capacity: int
    lost_points: float
    token_seconds: float
    names: tuple[str, ...]


def key_of(ask: Ask, candidate: Candidate, option: Option, *, product: str, cost: Decimal, placeable: bool) -> Key:
    """Return the place of a way that works."""
    seconds = option.fare.time_per_output_token_seconds
    return Key(
        waits=not placeable,
        first=_first(ask, candidate, option, cost),
        cost=cost,
        is_slow=seconds > COMFORTABLE_SECONDS,
        lost_words=candidate.lost_words,
        lost_capacity=_lost_capacity(option.requests_per_second),
        lost_points=candidate.lost_points,
        token_seconds=seconds,
        names=(candidate.checkpoint.repository, candidate.checkpoint.file or "", candidate.engine.engine, product),
    )


def first_bound(ask: Ask, candidate: Candidate, gpus: GpuClass, *, count: int) -> Key:
    """Return a place that no configuration of a candidate on so many GPUs can surpass: at best one replica will do."""
    replicas = 1 if ask.load is not None else max(1, ask.replicas)
    return Key(
        gpus.largest_free < count,
        candidate.lost_points if ask.optimize_for is OptimizeFor.QUALITY else -math.inf,
        replicas * count * gpus.device.hourly_price,
        False,
        candidate.lost_words,
        -_MUCH,
        candidate.lost_points,
        0.0,
        (),
    )


def tight_bound(ask: Ask, bound: Key, reach: Reachable, *, hourly_price: Decimal) -> Key:
    """Return a bound that knows what the GPUs can reach; `hourly_price` is that of one replica."""
    first, price = bound.first, float(hourly_price)
    if ask.optimize_for is OptimizeFor.LATENCY:
        first = _latency_step(reach.token_seconds)
    elif ask.optimize_for is OptimizeFor.THROUGHPUT and price > _FREE:
        first = math.floor(math.log(price / reach.requests_per_second) / _STEP)
    return bound._replace(
        first=first,
        cost=bound.cost if ask.load is None else reach.replicas * hourly_price,
        is_slow=reach.token_seconds > COMFORTABLE_SECONDS,
        lost_capacity=_lost_capacity(reach.requests_per_second),
        token_seconds=reach.token_seconds,
    )


def _lost_capacity(requests_per_second: float) -> int:
    return -math.floor(math.log(requests_per_second) / _CAPACITY_STEP)


def _latency_step(token_seconds: float) -> int:
    return math.floor(math.log(token_seconds) / _STEP)


class Comparison(NamedTuple):
    """By what a way lost to the best; the text is made when it is asked for. `at_best`: its figures are bounds."""

    lost: Key
    best: Key
    optimize_for: OptimizeFor
    at_best: bool = False

    def __str__(self) -> str:
        """Say it."""
        return _compared(*self)


def _compared(lost: Key, best: Key, optimize_for: OptimizeFor, at_best: bool) -> str:
    least = "at least " if at_best else ""
    if lost.waits > best.waits:
        return "has no free GPUs now, and the plan has"
    if lost.first > best.first and optimize_for is not OptimizeFor.COST:
        return _by_objective(lost, best, optimize_for)
    if lost.cost > best.cost:
        return f"costs {least}{lost.cost:.2f} an hour, and the plan {best.cost:.2f}"
    if lost.is_slow > best.is_slow:
        return f"is uncomfortably slow, {lost.token_seconds * 1000:.0f} ms per output token, at the same cost"
    if lost.lost_words > best.lost_words:
        return (
            f"is of lower quality at the same cost: {100 - lost.lost_points:.1f} points, and the plan {_points(best)}"
        )
    if lost.lost_capacity > best.lost_capacity:
        share = math.exp((best.lost_capacity - lost.lost_capacity) * _CAPACITY_STEP)
        return f"carries about {share:.0%} of the plan's requests at the same cost and quality"
    if lost.lost_points > best.lost_points:
        return f"has {100 - lost.lost_points:.1f} points of quality at the same cost, and the plan {_points(best)}"
    if lost.token_seconds > best.token_seconds:
        return f"takes {_milliseconds(lost)} ms per output token, and the plan {_milliseconds(best)}, all else equal"
    return "is equal in everything but its name"


def _first(ask: Ask, candidate: Candidate, option: Option, cost: Decimal) -> float:
    match ask.optimize_for:
        case OptimizeFor.COST:
            return -math.inf
        case OptimizeFor.QUALITY:
            return candidate.lost_points
        case OptimizeFor.LATENCY:
            return _latency_step(option.fare.time_per_output_token_seconds)
        case OptimizeFor.THROUGHPUT:
            carried = option.replicas * option.requests_per_second
            return math.floor(math.log(max(float(cost), _FREE) / carried) / _STEP)


def _by_objective(lost: Key, best: Key, optimize_for: OptimizeFor) -> str:
    match optimize_for:
        case OptimizeFor.QUALITY:
            return f"has {100 - lost.lost_points:.1f} points of quality, and the plan {_points(best)}"
        case OptimizeFor.LATENCY:
            return f"takes {_milliseconds(lost)} ms per output token, and the plan {_milliseconds(best)}"
        case _:
            share = math.exp((lost.first - best.first) * _STEP) - 1
            return f"costs about {share:.0%} more for each request"


def _points(key: Key) -> str:
    return f"{100 - key.lost_points:.1f}"


def _milliseconds(key: Key) -> str:
    return f"{key.token_seconds * 1000:.1f}"
