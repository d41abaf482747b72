"""What llm-d's Workload Variant Autoscaler takes a replica to carry, in tokens: its saturation analyzer, version 2.

The lesser of k1, 80 % of the cache, and k2, what computing allows: the tokens in use while 5 or more wait; else the
mean of the last ten times that this was seen with answers about as long (below 100, below 500, or more tokens); else
what the engine's arguments make of a steady state, min(B O / (I + O), S) sequences of I + O / 2 tokens with B tokens
and S sequences in a step; else k1.
"""

from collections import deque

from gemma4_operator.sim.peers.lengths import Lengths
from gemma4_operator.sim.setting import EngineModel

_REMEMBERED = 10
_SHORT_TOKENS, _MEDIUM_TOKENS = 100, 500


class Capacity:
    """The analyzer's knowledge of one kind of replica."""

    def __init__(self, engine: EngineModel, *, cache_share: float, queue_threshold: int) -> None:
        self._engine = engine
        self._cache_share, self._queue_threshold = cache_share, queue_threshold
        self._observed: dict[int, deque[float]] = {}

    def of(self, *, tokens: float, waiting: float, cache_tokens: int, lengths: Lengths) -> int:
        """Return the tokens that one replica carries, and remember what it shows."""
        by_memory = int(cache_tokens * self._cache_share)
        return min(by_memory, self._by_computing(tokens, waiting, lengths) or by_memory)

    def unseen(self, lengths: Lengths) -> int:
        """Return the tokens that a replica of which nothing is known yet is taken to carry."""
        by_memory = int(self._engine.cache_tokens * self._cache_share)
        return min(by_memory, self._by_arguments(lengths) or by_memory)

    def _by_computing(self, tokens: float, waiting: float, lengths: Lengths) -> int:
        bucket = (lengths.output_tokens >= _SHORT_TOKENS) + (lengths.output_tokens >= _MEDIUM_TOKENS)
        if waiting >= self._queue_threshold and tokens > 0:
            self._observed.setdefault(bucket, deque(maxlen=_REMEMBERED)).append(tokens)
            return int(tokens)
        observed = self._observed.get(bucket)
        return int(sum(observed) / len(observed)) if observed else self._by_arguments(lengths)

    def _by_arguments(self, lengths: Lengths) -> int:
        read, written = lengths.input_tokens, lengths.output_tokens
        steady = min(self._engine.max_batched_tokens * written / (read + written), self._engine.max_sequences)
        return int(steady * (read + written / 2))
