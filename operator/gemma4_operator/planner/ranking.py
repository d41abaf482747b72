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
from gemma4_operator.planner.configure import Option

COMFORTABLE_SECONDS = 0.05
"""For one output token: twenty tokens are some fifteen words, four times what an adult reads in a second, since a model
that thinks writes several times what it shows."""
_STEP = math.log(1.05)
_CAPACITY_STEP = math.log(1.25)
FREE = 1e-6
"""Of the currency an hour: what costs less is free, and has no logarithm."""


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
        lost_capacity=lost_capacity(option.requests_per_second),
        lost_points=candidate.lost_points,
        token_seconds=seconds,
        names=(candidate.checkpoint.repository, candidate.checkpoint.file or "", candidate.engine.engine, product),
    )


def lost_capacity(requests_per_second: float) -> int:
    """Return the steps of 25 % that a rate is below one request per second."""
    return -math.floor(math.log(requests_per_second) / _CAPACITY_STEP)


def steps_of_latency(token_seconds: float) -> int:
    """Return a time per token in steps of 5 %."""
    return math.floor(math.log(token_seconds) / _STEP)


def steps_of_price(price_of_rate: float) -> int:
    """Return what one request per second costs, in steps of 5 %."""
    return math.floor(math.log(price_of_rate) / _STEP)


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
            return steps_of_latency(option.fare.time_per_output_token_seconds)
        case OptimizeFor.THROUGHPUT:
            carried = option.replicas * option.requests_per_second
            return steps_of_price(max(float(cost), FREE) / carried)


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
