"""How much traffic one replica carries within its objectives, and how many replicas a workload needs.

A replica is a server that shares each step between sequences that decode and prompts that are read. With a rate of
l requests per second, i uncached prompt tokens and o output tokens each, p seconds for one prompt token and T(b) for a
decode step of b sequences:

    share of time spent on prompts     rho = l i p
    time per output token              T   = T(b) / (1 - rho)
    sequences that decode              b   = l o T          (Little's law)

so that b fixes the rate: l = b / (o T(b) + b i p). Below one sequence b is the share of the time in which there is one,
and T stays T(1). The laws all grow with b, so the largest batch and the fewest replicas are roots, found to the last
digits: were they not, a longer deadline could cost a replica more by rounding. The wait for the first token is that of
a queue of n servers in Sakasegawa's approximation, with the pooling exponent 3/4 of the staffing rule that the
autoscaler uses as well. Arrivals and prompt lengths vary like exponential ones (squared coefficient of variation 1), as
recorded chats do.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

CACHE_SHARE = 0.92
"""Of the sequences that the cache holds: the rest is slack for requests that are longer than the mean."""
DEADLINE_SHARE = 0.95
"""Of the time per token: a plan that is right on average must not be late half of the time."""
BUSY_SHARE = 0.90
"""The most of a replica's time that prompts may take without any deadline: beyond it queues grow without need."""
_STEPS_BEFORE_FIRST_TOKEN = 1.5
"""A request waits half a step on average for the running one to end, and its own first token ends another."""
_POOLING = 0.75
_EXACT = 1e-9
"""Of a batch: how near to its root it is looked for."""
_ROUNDING = 1e-6
"""Of a replica: less than that is no reason for one more."""
MAXIMUM_REPLICAS = 1_000_000
"""Where the search for a count ends: a load that needs more is served by none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is expected: requests per second, and tokens of the mean request; cached prompt tokens cost no time."""

    requests_per_second: float
    input_tokens: float
    uncached_input_tokens: float
    output_tokens: float

    @property
    def mean_context_tokens(self) -> float:
        """What a sequence holds on average while it decodes."""
        return self.input_tokens + self.output_tokens / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """What a request may wait; None: no limit. `attainment` is the share of requests that must keep them."""

    time_to_first_token_seconds: float | None = None
    time_per_output_token_seconds: float | None = None
    attainment: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One replica at work.

    Attributes:
        step_seconds: One decode step, by the number of sequences in it.
        prompt_token_seconds: One prompt token more in a step.
        max_batch: The most sequences that may decode together.
        max_batched_tokens: The most tokens of one step.
        full_step_counts: Whether a step that is full of a prompt must keep the time per token as well.
    """

    step_seconds: Callable[[float], float]
    prompt_token_seconds: float
    max_batch: float
    max_batched_tokens: int
    full_step_counts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """How one of n replicas fares under its share of a load."""

    batch: float
    time_per_output_token_seconds: float
    time_to_first_token_seconds: float


def rate_at(server: Server, load: Load, batch: float) -> float:
    """Return the requests per second at which a replica decodes that many sequences at once."""
    prompt = load.uncached_input_tokens * server.prompt_token_seconds
    return batch / (load.output_tokens * server.step_seconds(max(1.0, batch)) + batch * prompt)


def token_seconds_at(server: Server, load: Load, batch: float) -> float:
    """Return the time per output token at that batch, prompts of others included."""
    prompt = load.uncached_input_tokens * server.prompt_token_seconds
    return server.step_seconds(max(1.0, batch)) + batch * prompt / load.output_tokens


def least_token_seconds(server: Server) -> float:
    """Return the time per token of a request that meets nobody else, or of a full step where that counts."""
    prompt = server.max_batched_tokens * server.prompt_token_seconds if server.full_step_counts else 0.0
    return server.step_seconds(1.0) + prompt


def largest_batch(server: Server, load: Load, deadlines: Deadlines) -> float:
    """Return the most sequences within memory, the time per token, and a stable queue; 0: not even one."""
    limit = deadlines.time_per_output_token_seconds
    if server.max_batch < 1 or (limit is not None and least_token_seconds(server) > DEADLINE_SHARE * limit):
        return 0.0
    full = server.max_batched_tokens * server.prompt_token_seconds

    def excess(batch: float) -> float:
        share = rate_at(server, load, batch) * _prompt_seconds(server, load, batch) / BUSY_SHARE
        if limit is not None:
            slowest = token_seconds_at(server, load, batch)
            if server.full_step_counts:
                slowest = max(slowest, server.step_seconds(batch) + full)
            share = max(share, slowest / (DEADLINE_SHARE * limit))
        return share - 1.0

    return _root(excess, max(1.0, CACHE_SHARE * server.max_batch))


def operation(server: Server, load: Load, *, replicas: int, attainment: float) -> Operation | None:
    """Return how each of n replicas fares, or None if they cannot carry the load."""
    share = load.requests_per_second / replicas
    if rate_at(server, load, server.max_batch) * (1 + 2 * _ROUNDING) < share:
        return None
    batch = _batch_at(server, load, share)
    step, prompt = server.step_seconds(batch), _prompt_seconds(server, load, batch)
    busy = share * prompt
    if busy >= 1.0:
        return None
    service = prompt + step
    waits = busy ** (_POOLING * (math.sqrt(2 * (replicas + 1)) - 1))
    mean_wait = service / ((1 - busy) * replicas**_POOLING)
    queue = mean_wait * math.log(max(1.0, waits / (1 - attainment)))
    return Operation(
        batch=batch,
        time_per_output_token_seconds=token_seconds_at(server, load, batch),
        time_to_first_token_seconds=queue + prompt + _STEPS_BEFORE_FIRST_TOKEN * step,
    )


def _batch_at(server: Server, load: Load, rate: float) -> float:
    """Return the sequences in flight at a rate that the server can carry: the root of b = l o T(b) + l i p b."""
    prompt = load.uncached_input_tokens * server.prompt_token_seconds

    def excess(batch: float) -> float:
        return batch - rate * (load.output_tokens * server.step_seconds(max(1.0, batch)) + batch * prompt)

    return _root(excess, server.max_batch)


def first_token_seconds_alone(server: Server, load: Load) -> float:
    """Return how long a request waits that meets nobody else: what no number of replicas can better."""
    return _prompt_seconds(server, load, 1.0) + _STEPS_BEFORE_FIRST_TOKEN * server.step_seconds(1.0)


def _prompt_seconds(server: Server, load: Load, batch: float) -> float:
    """Return how long a prompt is read: its own arithmetic, and the decode steps that carry its pieces."""
    steps = load.uncached_input_tokens / server.max_batched_tokens
    return load.uncached_input_tokens * server.prompt_token_seconds + steps * server.step_seconds(batch)


def replicas_needed(server: Server, load: Load, deadlines: Deadlines) -> int | None:
    """Return the fewest replicas that keep the deadlines, or None if no number does."""
    return replicas_at(server, load, deadlines, batch=largest_batch(server, load, deadlines))


def replicas_at(server: Server, load: Load, deadlines: Deadlines, *, batch: float) -> int | None:
    """Return the same for the largest batch, which is known already."""
    limit = deadlines.time_to_first_token_seconds
    if batch <= 0 or (limit is not None and first_token_seconds_alone(server, load) > limit):
        return None
    fewest = max(1, math.ceil(load.requests_per_second / rate_at(server, load, batch) - _ROUNDING))
    if limit is None:
        return fewest

    def in_time(replicas: int) -> bool:
        found = operation(server, load, replicas=replicas, attainment=deadlines.attainment)
        return found is not None and found.time_to_first_token_seconds <= limit

    return _fewest(in_time, fewest)


def _fewest(holds: Callable[[int], bool], start: int) -> int | None:
    """Return the first count from `start` on that holds, for a law that holds ever after."""
    low, high = start - 1, start
    while not holds(high):
        if high >= MAXIMUM_REPLICAS:
            return None
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _root(excess: Callable[[float], float], ceiling: float) -> float:
    """Return the largest batch up to `ceiling` of which there is no excess, for one that grows and is below 0 at 0.

    Regula falsi in the Illinois variant: exact at once where a step grows evenly with its sequences.
    """
    high, over = ceiling, excess(ceiling)
    if over <= 0:
        return ceiling
    low, under, side = 0.0, excess(0.0), 0
    while high - low > _EXACT * high and under < 0:
        middle = (low * over - high * under) / (over - under)
        found = excess(middle)
        if found <= 0:
            low, under = middle, found
            over, side = (over / 2 if side < 0 else over), -1
        else:
            high, over = middle, found
            under, side = (under / 2 if side > 0 else under), 1
    return low
