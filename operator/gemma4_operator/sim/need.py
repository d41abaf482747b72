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
    for replicas in range(max(1, setting.minimum), setting.maximum):
        if _holds(part, (end_seconds - begin_seconds) * replicas, setting):
            return replicas
    return max(1, setting.maximum)


def _holds(requests: Sequence[Request], seconds: float, setting: Setting) -> bool:
    """Whether one replica keeps the time of a token with these requests in that time, and has room for those at once.

    Each second it reads and writes for so many; what is left goes to the fixed part of its steps, which says how many
    it makes, and thereby how long a token takes and how many sequences are worked on.
    """
    engine = setting.engine
    tokens_a_second = sum(request.output_tokens for request in requests) / seconds
    # Long answers are there for longer: what is held at a step is a mean over tokens, not over requests.
    held = sum(request.output_tokens * (request.input_tokens + request.output_tokens / 2) for request in requests)
    read_seconds = engine.prompt_token_seconds * sum(request.input_tokens for request in requests)
    decode_seconds = engine.sequence_seconds * tokens_a_second * seconds + engine.context_token_seconds * held
    left = 1 - (read_seconds + decode_seconds) / seconds
    if left <= 0:
        return False
    token_seconds = engine.fixed_seconds / left
    return (
        token_seconds <= _FULL * setting.objectives.token_seconds
        and held / seconds * token_seconds <= _FULL * engine.cache_tokens
        and tokens_a_second * token_seconds <= _FULL * engine.max_sequences
    )
