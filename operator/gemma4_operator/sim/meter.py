"""What an engine counts of itself, as vLLM does: totals that only grow, and histograms at vLLM's own bounds."""

from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate
from math import inf

from gemma4_operator.scaling.sample import Counts, Histogram

FIRST_TOKEN_BOUNDS = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0, inf),
)
OUTPUT_TOKEN_BOUNDS = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, inf),
)
"""Both as vLLM has them in `vllm/v1/metrics/loggers.py`."""


@dataclass(slots=True)
class Times:
    """A histogram that is being filled."""

    bounds: tuple[float, ...]
    sum_seconds: float = 0.0
    counts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.counts = [0] * len(self.bounds)

    def add(self, seconds: float, times: int = 1) -> None:
        """Count one length of time, perhaps several times."""
        self.counts[bisect_left(self.bounds, seconds)] += times
        self.sum_seconds += seconds * times

    def add_rising(self, first_seconds: float, *, by_seconds: float, steps: int, times: int) -> None:
        """Count `steps` lengths, each `times` times, that begin with the first and rise evenly."""
        last_seconds = first_seconds + by_seconds * (steps - 1)
        lowest, highest = bisect_left(self.bounds, first_seconds), bisect_left(self.bounds, last_seconds)
        self.sum_seconds += 0.5 * (first_seconds + last_seconds) * steps * times
        if lowest == highest:
            self.counts[lowest] += steps * times
            return
        for step in range(steps):
            self.counts[bisect_left(self.bounds, first_seconds + by_seconds * step)] += times

    def histogram(self) -> Histogram:
        """Return it as it is now, cumulative as Prometheus has it."""
        rising = tuple(zip(self.bounds, map(float, accumulate(self.counts)), strict=True))
        return Histogram(sum_seconds=self.sum_seconds, buckets=rising)


@dataclass(slots=True)
class Meter:
    """Totals of one engine since its start.

    Attributes:
        prompt_tokens: Of prompts that are read to their end; what is read again after a preemption is not counted.
        preemptions: How often a sequence lost its place in the cache.
    """

    finished: int = 0
    prompt_tokens: int = 0
    generation_tokens: int = 0
    preemptions: int = 0
    first_token: Times = field(default_factory=lambda: Times(FIRST_TOKEN_BOUNDS))
    output_token: Times = field(default_factory=lambda: Times(OUTPUT_TOKEN_BOUNDS))
    request_token: Times = field(default_factory=lambda: Times(OUTPUT_TOKEN_BOUNDS))

    def counts(self, *, running: int, waiting: int, cache_usage: float) -> Counts:
        """Return what a scrape would find, with what is true of this moment alone."""
        return Counts(
            running=float(running),
            waiting=float(waiting),
            finished=float(self.finished),
            prompt_tokens=float(self.prompt_tokens),
            cached_tokens=0.0,
            generation_tokens=float(self.generation_tokens),
            cache_usage=cache_usage,
            first_token=self.first_token.histogram(),
            output_token=self.output_token.histogram(),
            request_token=self.request_token.histogram(),
        )
