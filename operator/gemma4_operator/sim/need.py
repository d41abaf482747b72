"""How many replicas a steady load keeps busy, by the engine's own times: where a run begins, before any rule speaks."""

from collections.abc import Sequence

from gemma4_operator.sim.request import Request
from gemma4_operator.sim.setting import Setting

_START_SECONDS = 300.0
_FULL = 0.8
"""Of a replica's room, and of the time of a token; the rest is for chance."""


def start_of(trace: Sequence[Request], setting: Setting) -> int:
    """Return how many replicas the first five minutes of a trace need, within the setting's limits."""
    first = [request for request in trace if request.arrival_seconds < _START_SECONDS]
    seconds = min(_START_SECONDS, trace[-1].arrival_seconds) if trace else 0.0
    if not first or not seconds:
        return max(1, setting.minimum)
    for replicas in range(max(1, setting.minimum), setting.maximum):
        if _holds(first, seconds * replicas, setting):
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
