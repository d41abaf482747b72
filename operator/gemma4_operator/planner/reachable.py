"""What no configuration of one way can better, so that most ways need not be configured at all."""

import math
from typing import NamedTuple

from gemma4_operator.catalog.engines import Backend
from gemma4_operator.planner.ask import Ask
from gemma4_operator.planner.capacity import BUSY_SHARE, Load, Server, first_token_seconds_alone, rate_at
from gemma4_operator.planner.levers import (
    BATCHED_TOKENS,
    SEQUENCES,
    SLOTS,
    UBATCH_TOKENS,
    Way,
    cache_formats,
    shape_of,
)
from gemma4_operator.planner.speed import Speed, speed

ROUNDING = 2e-6
"""Of a replica: what bounds on a count leave to the rounding of the count itself."""
TYPICAL = Load(requests_per_second=0.0, input_tokens=1500.0, uncached_input_tokens=1500.0, output_tokens=300.0)
"""The request by which latencies are told where no workload is given: the CRD's own default."""


class Reachable(NamedTuple):
    """What no configuration of a way can better, whatever its cache holds."""

    replicas: int
    token_seconds: float
    first_token_seconds: float
    requests_per_second: float
    """Of one replica."""


def reachable(ask: Ask, way: Way) -> Reachable:
    """Return bounds that need no budget: as many sequences as the engine takes, in the smallest cache."""
    load = ask.load or TYPICAL
    rates = speed(shape_of(ask, way, cache_formats(ask, way)[-1], tokens=UBATCH_TOKENS, sequences=1))
    most = SEQUENCES[0] if way.engine.backend is Backend.VLLM else SLOTS[0]
    server = server_of(load, rates, max_batch=most, max_batched_tokens=BATCHED_TOKENS[0])
    rate = rate_at(server, load, most)
    if server.prompt_token_seconds > 0:
        rate = min(rate, BUSY_SHARE / (load.uncached_input_tokens * server.prompt_token_seconds))
    return Reachable(
        replicas=max(1, math.ceil(load.requests_per_second / rate - ROUNDING)),
        token_seconds=server.step_seconds(1.0),
        first_token_seconds=first_token_seconds_alone(server, load),
        requests_per_second=rate,
    )


def server_of(
    load: Load, rates: Speed, *, max_batch: float, max_batched_tokens: int, full_step_counts: bool = False
) -> Server:
    """Return a replica at work on a load: steps at its mean context, prompts at their mean length."""
    context = load.mean_context_tokens
    return Server(
        step_seconds=lambda batch: rates.decode_seconds(batch=batch, context_tokens=context),
        prompt_token_seconds=rates.prefill_seconds_per_token(load.uncached_input_tokens),
        max_batch=max_batch,
        max_batched_tokens=max_batched_tokens,
        full_step_counts=full_step_counts,
    )
