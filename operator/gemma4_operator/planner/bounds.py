"""Places in the order that ways cannot surpass, each found with far less work than the way itself.

of a class   one GPU, one replica, the best of all candidates
of a pair    what data sheets allow: no product of matrices is faster than the arithmetic, no read than the memory
of a try     what the GPUs reach, with as many sequences as the engine takes in the smallest cache
"""

import math
from collections.abc import Sequence
from decimal import Decimal

from gemma4_operator.api.objectives import OptimizeFor
from gemma4_operator.planner.ask import Ask
from gemma4_operator.planner.candidates import Candidate
from gemma4_operator.planner.capacity import BUSY_SHARE, DEADLINE_SHARE, Load
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.inventory import GpuClass
from gemma4_operator.planner.levers import SEQUENCES
from gemma4_operator.planner.ranking import (
    COMFORTABLE_SECONDS,
    FREE,
    Key,
    lost_capacity,
    steps_of_latency,
    steps_of_price,
)
from gemma4_operator.planner.reach import FLOPS_PER_BYTE
from gemma4_operator.planner.reachable import ROUNDING, Reachable

_MUCH = 1000
"""Steps of capacity that nothing has, 1.25^1000: the bound for what was not worked out."""


def class_bounds(ask: Ask, fit: Sequence[Candidate], classes: Sequence[GpuClass]) -> list[Key]:
    """Return for each class what no candidate on it can surpass; there is at least one candidate."""
    count = ask.gpus_per_replica or 1
    points = min(candidate.lost_points for candidate in fit)
    words = min(candidate.lost_words for candidate in fit)
    return [_bound(ask, one, count=count, replicas=_replicas(ask), points=points, words=words) for one in classes]


def pair_bound(ask: Ask, candidate: Candidate, gpus: GpuClass, *, count: int) -> Key:
    """Return what no configuration of a candidate on so many GPUs can surpass, by the data sheet."""
    replicas = _replicas(ask)
    if ask.load is not None:
        rate = _highest_rate(ask.load, candidate, gpus.device, count)
        replicas = max(1, math.ceil(ask.load.requests_per_second / rate - ROUNDING))
    return _bound(ask, gpus, count=count, replicas=replicas, points=candidate.lost_points, words=candidate.lost_words)


def try_bound(ask: Ask, bound: Key, reach: Reachable, *, hourly_price: Decimal) -> Key:
    """Return a pair's bound made tighter by what the GPUs can reach; `hourly_price` is that of one replica."""
    first, price = bound.first, float(hourly_price)
    if ask.optimize_for is OptimizeFor.LATENCY:
        first = steps_of_latency(reach.token_seconds)
    elif ask.optimize_for is OptimizeFor.THROUGHPUT and price > FREE:
        first = steps_of_price(price / reach.requests_per_second)
    return Key(
        bound.waits,
        first,
        bound.cost if ask.load is None else reach.replicas * hourly_price,
        reach.token_seconds > COMFORTABLE_SECONDS,
        bound.lost_words,
        lost_capacity(reach.requests_per_second),
        bound.lost_points,
        reach.token_seconds,
        (),
    )


def is_hopeless(ask: Ask, reach: Reachable, gpus: GpuClass, *, count: int) -> bool:
    """Whether the best that the GPUs reach is beyond a limit, so that there is nothing to work out but the reason."""
    replicas = reach.replicas if ask.load is not None else max(1, ask.replicas)
    needed, price = replicas * count, gpus.device.hourly_price
    each = ask.deadlines.time_per_output_token_seconds
    first = ask.deadlines.time_to_first_token_seconds
    return (
        (each is not None and reach.token_seconds > DEADLINE_SHARE * each)
        or (first is not None and reach.first_token_seconds > first)
        or (ask.maximum_gpus is not None and needed > ask.maximum_gpus)
        or (ask.maximum_hourly_cost is not None and needed * price > ask.maximum_hourly_cost)
        or (ask.load is not None and gpus.replicas_total(count) < replicas)
    )


def _bound(ask: Ask, gpus: GpuClass, *, count: int, replicas: int, points: float, words: int) -> Key:
    return Key(
        gpus.largest_free < count,
        points if ask.optimize_for is OptimizeFor.QUALITY else -math.inf,
        replicas * count * gpus.device.hourly_price,
        False,
        words,
        -_MUCH,
        points,
        0.0,
        (),
    )


def _replicas(ask: Ask) -> int:
    return 1 if ask.load is not None else max(1, ask.replicas)


def _highest_rate(load: Load, candidate: Candidate, device: Device, count: int) -> float:
    """Return requests per second that data sheets forbid to exceed.

    Each token of a prompt or an answer is multiplied with every active weight, and each step reads the dense ones.
    """
    peak = max(device.bf16_flops or FLOPS_PER_BYTE * device.bandwidth, device.fp8_flops, device.fp4_flops)
    token = 2 * candidate.active_parameters / (count * peak)
    read = candidate.read_bytes / (count * device.bandwidth)
    prompt = load.uncached_input_tokens * token
    return min(BUSY_SHARE / prompt, 1 / (prompt + load.output_tokens * (token + read / SEQUENCES[0])))
