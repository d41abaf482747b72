"""How many replicas a mix of requests needs, with queueing and memory, for a rule that knows the mix exactly.

With l requests per second and replica, i and o tokens of the mean request, and p seconds for a prompt token:

    share of time spent on prompts   rho = l i p
    decode step                      T   = a / (1 - rho - (c + k (i + o/2)) l o)
    sequences                        b   = l o T, at most 92 % of what the cache holds
    time per token                   T, at most 95 % of its objective
    a prompt token, steps included   p'  = p + T(b) / tokens of a step
    time to first token              mean wait x ln(P(wait) / (1 - attainment)) + i95 p' + 1.5 T(b)

where a, c, k are a step's fixed time and those of a sequence and of a token of context, T(b) = T (1 - rho) is a step
without prompts, i95 a long prompt, and of a queue of n servers with the variation of arrivals and prompts

    P(wait)   = (l i p')^(0.75 (sqrt(2 (n + 1)) - 1))
    mean wait = (i p' + T(b)) (ca2 + cs2) / 2 / ((1 - l i p') n^0.75)
"""

import math
from dataclasses import dataclass

from gemma4_operator.sim.setting import EngineModel, Objectives, Setting

_CACHE_SHARE, _TOKEN_SHARE = 0.92, 0.95
_POOLING = 0.75
_STEPS_BEFORE_FIRST_TOKEN = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What comes.

    Attributes:
        long_input_tokens: That 95 % of prompts do not exceed.
        arrival_variation: Variance over mean of arrivals' counts; 1: as by chance.
        input_variation: Squared coefficient of variation of prompts.
    """

    requests_per_second: float
    input_tokens: float
    long_input_tokens: float
    output_tokens: float
    arrival_variation: float
    input_variation: float


def needed(mix: Mix, setting: Setting) -> int:
    """Return the fewest replicas that keep the objectives, or the most allowed if none does."""
    low, high = 0, 1
    while high < setting.maximum and not keeps(high, mix, setting.engine, setting.objectives):
        low, high = high, min(setting.maximum, high * 2)
    while high - low > 1:
        middle = (low + high) // 2
        holds = keeps(middle, mix, setting.engine, setting.objectives)
        low, high = (low, middle) if holds else (middle, high)
    return high


def keeps(replicas: int, mix: Mix, engine: EngineModel, objectives: Objectives) -> bool:
    """Return whether so many replicas keep the objectives."""
    share = mix.requests_per_second / replicas
    read, written = mix.input_tokens, mix.output_tokens
    context = read + written / 2
    busy = share * read * engine.prompt_token_seconds
    each = engine.sequence_seconds + engine.context_token_seconds * context
    left = 1 - busy - each * share * written
    if left <= 0:
        return False
    token = engine.fixed_seconds / left
    batch = share * written * token
    if batch > _CACHE_SHARE * min(engine.max_sequences, engine.cache_tokens / context):
        return False
    if token > _TOKEN_SHARE * objectives.token_seconds:
        return False
    step = token * (1 - busy)
    prompt_token = engine.prompt_token_seconds + step / engine.max_batched_tokens
    queueing = share * read * prompt_token
    if queueing >= 1:
        return False
    variation = (mix.arrival_variation + mix.input_variation) / 2
    wait = (read * prompt_token + step) * variation / ((1 - queueing) * math.pow(replicas, _POOLING))
    waits = math.pow(queueing, _POOLING * (math.sqrt(2 * (replicas + 1)) - 1))
    queue = wait * math.log(max(1.0, waits / (1 - objectives.attainment)))
    first = queue + mix.long_input_tokens * prompt_token + _STEPS_BEFORE_FIRST_TOKEN * step
    return first <= objectives.first_token_seconds
