"""How many replicas a steady load keeps busy, by the engine's own times: where a run begins, before any rule speaks."""

from bisect import bisect_left
from collections.abc import Sequence

from gemma4_operator.sim.request import Request
from gemma4_operator.sim.setting import Setting

_START_MINUTES = 5
_FULL = 0.8
"""Of a replica's room, and of the time of a token; the rest is for chance."""


def start_of(trace: Sequence[Request], setting: Setting) -> int:
    """Return how many replicas the busiest of a trace's first five minutes needs, within the setting's limits."""
    last = trace[-1].arrival_seconds if trace else 0.0
    return max(
        (_start_of(trace, minute * 60.0, min((minute + 1) * 60.0, last), setting) for minute in range(_START_MINUTES)),
        default=1,
    )


def _start_of(trace: Sequence[Request], begin_seconds: float, end_seconds: float, setting: Setting) -> int:
    low, high = (bisect_left(trace, at, key=lambda one: one.arrival_seconds) for at in (begin_seconds, end_seconds))
    part = trace[low:high]
    if not part or end_seconds <= begin_seconds:
        return max(1, setting.minimum)
    rate = len(part) / (end_seconds - begin_seconds)
    input_tokens = sum(request.input_tokens for request in part) / len(part)
    output_tokens = sum(request.output_tokens for request in part) / len(part)
    for replicas in range(max(1, setting.minimum), setting.maximum):
        if _holds(rate / replicas, input_tokens, output_tokens, setting):
            return replicas
    return max(1, setting.maximum)


def _holds(rate: float, input_tokens: float, output_tokens: float, setting: Setting) -> bool:
    """Whether one replica keeps the time of a token at this rate, and has room for those that it then works on.

    In a second it reads and writes for so many requests; what is left goes to the fixed part of its steps, which says
    how many it makes, and thereby how long a token takes and how many sequences are worked on.
    """
    engine = setting.engine
    context = input_tokens + output_tokens / 2
    decode_seconds = engine.sequence_seconds + engine.context_token_seconds * context
    left = 1 - rate * (input_tokens * engine.prompt_token_seconds + output_tokens * decode_seconds)
    if left <= 0:
        return False
    token_seconds = engine.fixed_seconds / left
    sequences = rate * output_tokens * token_seconds
    return (
        token_seconds <= _FULL * setting.objectives.token_seconds
        and sequences * context <= _FULL * engine.cache_tokens
        and sequences <= _FULL * engine.max_sequences
    )
