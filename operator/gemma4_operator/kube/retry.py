"""How often, and after how long, an idempotent request is tried again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Exponential delays with jitter.

    Attributes:
        first_seconds: The first delay.
        maximum_seconds: No delay is longer.
        attempts: How many delays there are; None: without end.
    """

    first_seconds: float
    maximum_seconds: float
    attempts: int | None = None

    def delay_seconds(self, failures: int, *, jitter: Callable[[], float]) -> float:
        """Return the delay after so many failures in a row (1 or more); `jitter` gives a number in [0, 1)."""
        # 2**60 seconds is for ever already; a larger exponent only overflows.
        exponential = self.first_seconds * 2.0 ** min(failures - 1, 60)
        return min(exponential, self.maximum_seconds) * (0.5 + jitter() / 2)

    def delays_seconds(self, *, jitter: Callable[[], float]) -> Iterator[float]:
        """Yield each delay in turn."""
        failures = 0
        while self.attempts is None or failures < self.attempts:
            failures += 1
            yield self.delay_seconds(failures, jitter=jitter)


class Endless:
    """Delays for kopf's own requests: an outage of the API server of any length never ends the process.

    kopf takes an iterable that it starts anew for each request, and gives up when it is exhausted.
    """

    def __init__(self, backoff: Backoff, *, jitter: Callable[[], float]) -> None:
        self._backoff = backoff
        self._jitter = jitter

    def __iter__(self) -> Iterator[float]:
        return self._backoff.delays_seconds(jitter=self._jitter)
