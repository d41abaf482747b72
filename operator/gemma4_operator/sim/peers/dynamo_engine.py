"""What Dynamo's planner expects of an engine: the next first token, the time per token, and the rate it can take.

Dynamo fits wall time = a + b x prompt tokens + c x cache tokens to what its engines report. Here it is given the true
times of a step, which is as good as a fit could get, and better where the number of sequences matters.
"""

import math
from dataclasses import dataclass

from gemma4_operator.planner.capacity import Load, Server, rate_at, token_seconds_at
from gemma4_operator.sim.peers.lengths import Lengths
from gemma4_operator.sim.setting import EngineModel, Objectives


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one engine has in hand.

    Attributes:
        sequences: In work.
        queued_tokens: Of prompts that are not read yet.
        cache_tokens: Held by the sequences.
        prompt_tokens_per_second: What comes to be read on average.
    """

    sequences: float
    queued_tokens: float
    cache_tokens: float
    prompt_tokens_per_second: float


def first_token_seconds(engine: EngineModel, work: Work, *, input_tokens: float) -> float:
    """Return when a request that comes now has its first token: after the queue and its own prompt, in full steps."""
    tokens = work.queued_tokens + input_tokens
    steps = math.ceil(tokens / engine.max_batched_tokens)
    return steps * _decode_seconds(engine, work) + tokens * engine.prompt_token_seconds


def token_seconds(engine: EngineModel, work: Work) -> float:
    """Return the time per token, with the prompts that are read meanwhile; infinite if they take all of it."""
    left = 1 - work.prompt_tokens_per_second * engine.prompt_token_seconds
    return _decode_seconds(engine, work) / left if left > 0 else math.inf


def best_rate(engine: EngineModel, lengths: Lengths, objectives: Objectives) -> float:
    """Return the most requests per second at which a lone first token and each further one keep their objectives."""
    load = Load(
        requests_per_second=0.0,
        input_tokens=lengths.input_tokens,
        uncached_input_tokens=lengths.input_tokens,
        output_tokens=lengths.output_tokens,
    )
    each = engine.sequence_seconds + engine.context_token_seconds * load.mean_context_tokens
    server = Server(
        step_seconds=lambda sequences: engine.fixed_seconds + each * sequences,
        prompt_token_seconds=engine.prompt_token_seconds,
        max_batch=min(engine.max_sequences, engine.cache_tokens / load.mean_context_tokens),
        max_batched_tokens=engine.max_batched_tokens,
    )

    def keeps(sequences: int) -> bool:
        work = Work(
            sequences=sequences,
            queued_tokens=0.0,
            cache_tokens=sequences * load.mean_context_tokens,
            prompt_tokens_per_second=0.0,
        )
        first = first_token_seconds(engine, work, input_tokens=lengths.input_tokens)
        return (
            token_seconds_at(server, load, sequences) <= objectives.token_seconds
            and first <= objectives.first_token_seconds
        )

    low, high = 1, max(1, int(server.max_batch)) + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if keeps(middle) else (low, middle)
    return rate_at(server, load, low)


def _decode_seconds(engine: EngineModel, work: Work) -> float:
    return (
        engine.fixed_seconds
        + engine.sequence_seconds * work.sequences
        + engine.context_token_seconds * work.cache_tokens
    )
