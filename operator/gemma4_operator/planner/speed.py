"""How long one step, one prompt and one start take on a shape: a roofline with few, named constants."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """The coefficients of one shape; times are in seconds."""

    def decode_seconds(self, *, batch: float, context_tokens: float) -> float:
        """Return one decode step with a batch of sequences of a mean context."""
        raise NotImplementedError

    def prefill_seconds(self, tokens: float) -> float:
        """Return how long one prompt of that many tokens takes alone."""
        raise NotImplementedError
