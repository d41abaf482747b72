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
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.quality import words_above

COMFORTABLE_SECONDS = 0.05
"""For one output token: twenty tokens are some fifteen words, four times what an adult reads in a second, since a model
that thinks writes several times what it shows."""
_STEP = math.log(1.05)
_CAPACITY_STEP = math.log(1.25)
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
        lost_words=words_above(candidate.score),
        lost_capacity=-math.floor(math.log(option.requests_per_second) / _CAPACITY_STEP),
        lost_points=100.0 - candidate.score,
        token_seconds=seconds,
        names=(candidate.checkpoint.repository, candidate.checkpoint.file or "", candidate.engine.engine, product),
    )


def bound_key(ask: Ask, candidate: Candidate, device: Device, *, gpus: int, placeable: bool) -> Key:
    """Return a place that no configuration of a candidate on a device can surpass: at best one replica of it works."""
    lost_points = 100.0 - candidate.score
    return Key(
        waits=not placeable,
        first=lost_points if ask.optimize_for is OptimizeFor.QUALITY else -math.inf,
        cost=gpus * device.hourly_price * (1 if ask.load is not None else max(1, ask.replicas)),
        is_slow=False,
        lost_words=words_above(candidate.score),
        lost_capacity=-_MUCH,
        lost_points=lost_points,
        token_seconds=0.0,
        names=(),
    )


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
            return 100.0 - candidate.score
        case OptimizeFor.LATENCY:
            return math.floor(math.log(option.fare.time_per_output_token_seconds) / _STEP)
        case OptimizeFor.THROUGHPUT:
            carried = option.replicas * option.requests_per_second
            return math.floor(math.log(max(float(cost), 1e-6) / carried) / _STEP)


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
