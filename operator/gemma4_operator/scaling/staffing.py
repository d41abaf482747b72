"""The fewest replicas that carry a load within the objectives.

The laws are those of the planner (planner/capacity.py), solved for a step that grows evenly with its sequences, and
with three things that the planner does not know before traffic comes: how unevenly requests arrive, how far their
number swings within one answer, and that long prompts take longer than the mean one. With a rate of l requests a second
on one replica, i prompt and o output tokens each, a step of a + c b seconds for b sequences and p seconds for a prompt
token:

    share of time for prompts   rho = l i p
    time per output token       T   = a / (1 - rho - c l o)
    sequences that decode       b   = l o T                                     (Little's law)
    one prompt, steps included  S   = i p' + T_b,  p' = p + T_b / max_batched_tokens,  T_b = a + c b
    share that waits            P_w = (l i p')^(0.75 (sqrt(2 (n + 1)) - 1))      (Sakasegawa, pooled with exponent 0.75)
    how long those wait         theta = S (ca2 + cs2) / 2 / ((1 - l i p') n^0.75)
    first token, at share q     theta ln(P_w / (1 - q)) + i_long p' + 1.5 T_b
"""

import math
from dataclasses import dataclass, replace

from gemma4_operator.scaling.service import Service

CACHE_SHARE = 0.92
"""Of the sequences that fit: the rest is slack for requests that are longer than the mean."""
SWING = 1.0
"""Standard deviations of the traffic in the time of one answer, with which the time per token must still be kept."""
PROMPT_VARIATION = 1.0
"""The squared coefficient of variation of prompts: 1 is what recorded chats and code have (0.9 to 1.3)."""
LONG_PROMPT = 3.0
"""A prompt that only one of twenty is longer than, beside the mean one (-ln 0.05; recorded: 2.5 to 3.7)."""
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
    """

    requests_per_second: float
    input_tokens: float
    output_tokens: float
    variation: float = 1.0

    def times(self, factor: float) -> "Load":
        """Return the same traffic, that many times as much."""
        return Load(
            requests_per_second=self.requests_per_second * factor,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            variation=self.variation,
        )


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
    if found.sequences > CACHE_SHARE * service.most_sequences:
        return False
    swung = point(service, _swung(found, load), replicas=replicas)
    if swung is None or swung.token_seconds > limits.token_seconds:
        return False
    return _first_token_seconds(found, load, limits, replicas) <= limits.first_token_seconds


def _swung(found: Point, load: Load) -> Load:
    """Return the load where by chance more requests come in the time of one answer than on average.

    A replica that is nearly full slows down far more than its traffic swings, so that a mean says little of it.
    """
    deviation = math.sqrt(load.requests_per_second * load.variation / (load.output_tokens * found.token_seconds))
    return replace(load, requests_per_second=load.requests_per_second + SWING * deviation)


def _first_token_seconds(found: Point, load: Load, limits: Limits, replicas: int) -> float:
    each = found.prompt_token_seconds
    busy = load.requests_per_second / replicas * load.input_tokens * each
    if busy >= 1:
        return math.inf
    service = load.input_tokens * each + found.step_seconds
    waits = math.pow(busy, _POOLING * (math.sqrt(2 * (replicas + 1)) - 1))
    pooled = math.pow(replicas, _POOLING)
    mean_wait = service * (load.variation + PROMPT_VARIATION) / 2 / ((1 - busy) * pooled)
    queue = mean_wait * math.log(max(1.0, waits / (1 - limits.attainment)))
    return queue + LONG_PROMPT * load.input_tokens * each + _STEPS_BEFORE_FIRST_TOKEN * found.step_seconds


def needed(service: Service, load: Load, limits: Limits) -> int:
    """Return the fewest replicas that keep the objectives, at least 1.

    Where no number does, because one request alone is too slow, those that carry the load with a tenth to spare.
    """
    if not keeps(service, load.times(1e-6), limits, replicas=1):
        return carrying(service, load)
    low, high = 0, 1
    while not keeps(service, load, limits, replicas=high):
        low, high = high, high * 2
        if high > MOST:
            return MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if keeps(service, load, limits, replicas=middle) else (middle, high)
    return high


def carrying(service: Service, load: Load) -> int:
    """Return how many replicas carry a load whose objectives cannot be kept, a tenth of them to spare, at least 1."""
    work = load.input_tokens * service.prompt_token_seconds + load.output_tokens * service.sequence_seconds
    decode = load.output_tokens * service.fixed_seconds / (CACHE_SHARE * service.most_sequences)
    return max(1, min(MOST, math.ceil(load.requests_per_second * (work + decode) / 0.9)))
