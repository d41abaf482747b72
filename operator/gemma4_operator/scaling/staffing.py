"""The fewest replicas that carry a load within the objectives.

The laws are those of the planner (planner/capacity.py), solved for a step that grows evenly with its sequences, and
with three things that the planner does not know before traffic comes: how unevenly requests arrive, how far their
number swings within one answer, and how they reach replicas. With a rate of l requests a second on one replica,
i prompt and o output tokens each, a step of a + c b seconds for b sequences and p seconds for a prompt token:

    share of time for prompts   rho = l i p
    time per output token       T   = a / (1 - rho - c l o)
    sequences that decode       b   = l o T                                     (Little's law)
    one prompt, steps included  S   = i p' + T_b,  p' = p + T_b / max_batched_tokens,  T_b = a + c b
    share that waits            P_w = (l i p')^(0.75 (sqrt(2 (m + 1)) - 1))      (Sakasegawa, pooled with exponent 0.75)
    how long those wait         theta = S (ca2 + cs2) / 2 / ((1 - l i p') m^0.75)
    first token, at share q     (P_w theta + i p') ln(1 / (1 - q)) + 1.5 T_b   (as if exponential)

Of n replicas m = n take requests together where a router looks for the emptier one, and m = 1 where chance decides:
each then has a queue of its own, in which arrivals are nearer to rain (ca2 - 1 is one nth).
"""

import math
from dataclasses import dataclass, replace

from gemma4_operator.scaling.service import Service

CACHE_SHARE = 0.92
"""Of the sequences that fit: the rest is slack for requests that are longer than the mean."""
SWING = 1.0
"""Standard deviations of the traffic in the time of one answer, with which the time per token must still be kept."""
SPREAD = 1.25
"""The same for what one replica gets more than others by chance: more, because no forecast looks out for that."""
PROMPT_VARIATION = 1.0
"""The squared coefficient of variation of prompts: 1 is what recorded chats and code have (0.9 to 1.3)."""
ROOM = 1.25
"""Times what a request takes that meets nobody else: less is promised of no number of replicas."""
_POOLING = 0.75
_STEPS_BEFORE_FIRST_TOKEN = 1.5
MOST = 100_000
"""Where the search for a count ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Traffic, over all replicas.

    Attributes:
        requests_per_second: That arrive.
        input_tokens: Of the mean prompt that no cache holds; `output_tokens` of the mean answer.
        variation: The squared coefficient of variation of their arrival; 1: like rain.
        imbalance: How they reach replicas: 0, each gets its share; 1, chance decides for each request.
    """

    requests_per_second: float
    input_tokens: float
    output_tokens: float
    variation: float = 1.0
    imbalance: float = 0.0

    def times(self, factor: float) -> "Load":
        """Return the same traffic, that many times as much."""
        return replace(self, requests_per_second=self.requests_per_second * factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a request must keep."""

    first_token_seconds: float
    token_seconds: float
    attainment: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """How one replica fares under its share.

    Attributes:
        sequences: That decode together.
        step_seconds: One decode step of them.
        token_seconds: One token of an answer, other requests' prompts included.
        prompt_token_seconds: One token of a prompt, the decode steps that carry it included.
    """

    sequences: float
    step_seconds: float
    token_seconds: float
    prompt_token_seconds: float


def point(service: Service, load: Load, *, replicas: float) -> Point | None:
    """Return how each of so many replicas fares; None: they cannot carry the load."""
    share = load.requests_per_second / replicas
    prompts = share * load.input_tokens * service.prompt_token_seconds
    left = 1 - prompts - service.sequence_seconds * share * load.output_tokens
    if left <= 0:
        return None
    token = service.fixed_seconds / left
    sequences = share * load.output_tokens * token
    step = service.step_seconds(sequences)
    each = service.prompt_token_seconds + step / service.max_batched_tokens
    return Point(sequences=sequences, step_seconds=step, token_seconds=token, prompt_token_seconds=each)


def keeps(service: Service, load: Load, limits: Limits, *, replicas: int) -> bool:
    """Whether so many replicas keep the objectives."""
    if load.requests_per_second <= 0:
        return True
    found = point(service, load, replicas=replicas)
    if found is None:
        return False
    swung = _swung(found, load, replicas)
    times = swung.requests_per_second / load.requests_per_second
    if found.sequences * max(times, 1 / CACHE_SHARE) > service.most_sequences:
        return False
    if _swung_token_seconds(service, found, swung, times, replicas) > limits.token_seconds:
        return False
    return _first_token_seconds(found, load, limits, replicas) <= limits.first_token_seconds


def _swung_token_seconds(service: Service, found: Point, swung: Load, times: float, replicas: int) -> float:
    """Return the time per token while more requests come than on average.

    However many prompts come, a step reads `max_batched_tokens` of them at most, and a swing is over before sequences
    pile up: so a token takes no longer than such a step with as many more sequences as requests.
    """
    full = service.step_seconds(found.sequences * times) + service.max_batched_tokens * service.prompt_token_seconds
    lasting = point(service, swung, replicas=replicas)
    return full if lasting is None else min(full, lasting.token_seconds)


def _swung(found: Point, load: Load, replicas: int) -> Load:
    """Return the load where by chance more requests come in the time of one answer than on average.

    A replica that is nearly full slows down far more than its traffic swings, so that a mean says little of it. Where
    chance spreads the traffic, each of n replicas swings for itself beside the whole: a share of 1 / n of its requests,
    which varies as rain does, and counts n - 1 times as much for the whole.
    """
    apart = load.imbalance * (replicas - 1)
    per_second = load.requests_per_second / (load.output_tokens * found.token_seconds)
    deviation = math.sqrt(per_second * (SWING * SWING * load.variation + SPREAD * SPREAD * apart))
    return replace(load, requests_per_second=load.requests_per_second + deviation)


def _first_token_seconds(found: Point, load: Load, limits: Limits, replicas: int) -> float:
    each = found.prompt_token_seconds
    together = math.pow(replicas, 1 - load.imbalance)
    busy = load.requests_per_second / replicas * load.input_tokens * each
    if busy >= 1:
        return math.inf
    service = load.input_tokens * each + found.step_seconds
    waits = math.pow(busy, _POOLING * (math.sqrt(2 * (together + 1)) - 1))
    pooled = math.pow(together, _POOLING)
    variation = 1 + (load.variation - 1) * together / replicas
    mean_wait = service * (variation + PROMPT_VARIATION) / 2 / ((1 - busy) * pooled)
    mean = waits * mean_wait + load.input_tokens * each
    return mean * -math.log(1 - limits.attainment) + _STEPS_BEFORE_FIRST_TOKEN * found.step_seconds


def reachable(service: Service, load: Load, limits: Limits) -> Limits:
    """Return the limits that are staffed for: as asked, or what more replicas can come near to.

    A request that meets nobody else takes its time, whatever their number, and near to that each further replica gains
    less and less. So the number grows until none needs more than `ROOM` times as long, and no further.
    """
    alone = replace(load, requests_per_second=0.0)
    found = point(service, alone, replicas=1)
    assert found is not None, "a replica that nobody asks carries its load"
    return replace(
        limits,
        first_token_seconds=max(limits.first_token_seconds, ROOM * _first_token_seconds(found, alone, limits, 1)),
        token_seconds=max(limits.token_seconds, ROOM * found.token_seconds),
    )


def needed(service: Service, load: Load, limits: Limits) -> int:
    """Return the fewest replicas that keep the objectives, as far as they can be reached, at least 1."""
    within = reachable(service, load, limits)
    low, high = 0, 1
    while not keeps(service, load, within, replicas=high):
        low, high = high, high * 2
        if high > MOST:
            return MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if keeps(service, load, within, replicas=middle) else (middle, high)
    return high
