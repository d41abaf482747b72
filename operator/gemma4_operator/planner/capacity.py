"""How much traffic one replica carries within its objectives, and how many replicas a workload needs.

A replica is a server that shares each step between sequences that decode and prompts that are read. With a rate of
l requests per second, i uncached prompt tokens and o output tokens each, p seconds for one prompt token and T(b) for a
decode step of b sequences:

    share of time spent on prompts     rho = l i p
    time per output token              T   = T(b) / (1 - rho)
    sequences that decode              b   = l o T          (Little's law)

so that b fixes the rate: l = b / (o T(b) + b i p). The wait for the first token is that of a queue of n servers in
Sakasegawa's approximation, with the pooling exponent 3/4 of the staffing rule that the autoscaler uses as well.
Arrivals and prompt lengths vary like exponential ones (squared coefficient of variation 1), as recorded chats do.
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
    """

    step_seconds: Callable[[float], float]
    prompt_token_seconds: float
    max_batch: float
    max_batched_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """How one of n replicas fares under its share of a load."""

    batch: float
    time_per_output_token_seconds: float
    time_to_first_token_seconds: float


def rate_at(server: Server, load: Load, batch: float) -> float:
    """Return the requests per second at which a replica decodes that many sequences at once."""
    prompt = load.uncached_input_tokens * server.prompt_token_seconds
    return batch / (load.output_tokens * server.step_seconds(batch) + batch * prompt)


def token_seconds_at(server: Server, load: Load, batch: float) -> float:
    """Return the time per output token at that batch, prompts of others included."""
    prompt = load.uncached_input_tokens * server.prompt_token_seconds
    return server.step_seconds(batch) + batch * prompt / load.output_tokens


def largest_batch(server: Server, load: Load, deadlines: Deadlines) -> float:
    """Return the most sequences within memory, the time per token, and a stable queue; 0: not even one."""
    limit = deadlines.time_per_output_token_seconds
    ceiling = max(1.0, CACHE_SHARE * server.max_batch) if server.max_batch >= 1 else 0.0

    def holds(batch: float) -> bool:
        in_time = limit is None or token_seconds_at(server, load, batch) <= DEADLINE_SHARE * limit
        return in_time and rate_at(server, load, batch) * _prompt_seconds(server, load, batch) <= BUSY_SHARE

    return _last(holds, ceiling)


def operation(server: Server, load: Load, *, replicas: int, attainment: float) -> Operation | None:
    """Return how each of n replicas fares, or None if they cannot carry the load."""
    share = load.requests_per_second / replicas
    if rate_at(server, load, server.max_batch) < share:
        return None
    batch = _first(lambda count: rate_at(server, load, count) >= share, server.max_batch)
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


def first_token_seconds_alone(server: Server, load: Load) -> float:
    """Return how long a request waits that meets nobody else: what no number of replicas can better."""
    return _prompt_seconds(server, load, 1.0) + _STEPS_BEFORE_FIRST_TOKEN * server.step_seconds(1.0)


def _prompt_seconds(server: Server, load: Load, batch: float) -> float:
    """Return how long a prompt is read: its own arithmetic, and the decode steps that carry its pieces."""
    steps = load.uncached_input_tokens / server.max_batched_tokens
    return load.uncached_input_tokens * server.prompt_token_seconds + steps * server.step_seconds(batch)


def replicas_needed(server: Server, load: Load, deadlines: Deadlines) -> int | None:
    """Return the fewest replicas that keep the deadlines, or None if no number does."""
    batch = largest_batch(server, load, deadlines)
    if batch <= 0:
        return None
    fewest = max(1, math.ceil(load.requests_per_second / rate_at(server, load, batch) - 1e-9))
    limit = deadlines.time_to_first_token_seconds
    if limit is None:
        return fewest

    if first_token_seconds_alone(server, load) > limit:
        return None

    def in_time(replicas: int) -> bool:
        found = operation(server, load, replicas=replicas, attainment=deadlines.attainment)
        return found is not None and found.time_to_first_token_seconds <= limit

    return _fewest(in_time, fewest)


def _fewest(holds: Callable[[int], bool], start: int) -> int | None:
    """Return the first count from `start` on that holds, for a law that holds ever after; 1024 times it at most."""
    low, high = start - 1, start
    while not holds(high):
        if high >= start * 1024:
            return None
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _last(holds: Callable[[float], bool], ceiling: float) -> float:
    """Return the largest batch from 1 to `ceiling` that holds, for a law that fails ever after; 0: none."""
    if ceiling < 1.0 or not holds(1.0):
        return 0.0
    if holds(ceiling):
        return ceiling
    low, high = 1.0, ceiling
    while high - low > 0.01 * low:
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _first(holds: Callable[[float], bool], ceiling: float) -> float:
    """Return the smallest batch up to `ceiling` that holds, which the ceiling does."""
    low, high = 0.0, ceiling
    while high - low > 0.01 * high and high > 0.05:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
