"""What was counted between two looks at a histogram of an engine, which begins anew when the engine does."""

import math
from dataclasses import dataclass

from gemma4_operator.scaling.sample import Histogram

_UNSEEN = 0.5
"""Of a time beyond a bound, where none was seen: as many may be behind a sample that has one half of the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """How many times were counted, and how many of them lie beyond the two bounds that a limit is between.

    Sums of tails are tails of sums, so that few times of one engine may be added up before anything is concluded.

    Attributes:
        beyond_lower: Those beyond the last bound below the limit; so are `beyond_upper` beyond the first from it on.
        depth: The share of the way between the two bounds at which the limit lies, for each that was counted.
    """

    count: float = 0.0
    beyond_lower: float = 0.0
    beyond_upper: float = 0.0
    depth: float = 0.0

    def plus(self, other: "Tail", times: float = 1.0) -> "Tail":
        """Return the sum of this and so many times the other."""
        return Tail(
            count=self.count + times * other.count,
            beyond_lower=self.beyond_lower + times * other.beyond_lower,
            beyond_upper=self.beyond_upper + times * other.beyond_upper,
            depth=self.depth + times * other.depth,
        )

    def scaled(self, times: float) -> "Tail":
        """Return so many times this."""
        return Tail().plus(self, times)

    @property
    def late(self) -> float:
        """How many were longer than the limit."""
        return self.beyond_upper + self.late_between * (self.beyond_lower - self.beyond_upper)

    @property
    def late_between(self) -> float:
        """The share of the times between the two bounds that were longer than the limit.

        Waits end as an exponential does: most of those beyond a bound are just beyond it. vLLM's bounds around a limit
        of 2 s are 1 and 2.5 s, and evenly a third of all between them would be late, far more than are. So their number
        is taken to fall between the bounds as it does beyond them, and never to be more than evenly.
        """
        share, least = self._share, max(_UNSEEN, self.beyond_upper)
        if self.beyond_lower <= least:
            return 1 - share
        falling = math.pow(self.beyond_lower, 1 - share) * math.pow(least, share)
        return min(1 - share, (falling - self.beyond_upper) / (self.beyond_lower - self.beyond_upper))

    @property
    def _share(self) -> float:
        return min(1.0, max(0.0, self.depth / self.count)) if self.count > 0 else 0.0


def timed(before: Histogram | None, after: Histogram | None) -> tuple[float, float]:
    """Return how many times were counted between two histograms, and their sum in seconds."""
    if before is None or after is None:
        return 0.0, 0.0
    begun_anew = after.count < before.count
    count = after.count if begun_anew else after.count - before.count
    seconds = after.sum_seconds if begun_anew else after.sum_seconds - before.sum_seconds
    return count, max(0.0, seconds)


def tail(before: Histogram | None, after: Histogram | None, seconds: float) -> Tail:
    """Return the tail beyond so many seconds of the times that were counted between two histograms."""
    if before is None or after is None:
        return Tail()
    now = _tail(after, seconds)
    if after.count < before.count:
        return now
    grown = now.plus(_tail(before, seconds), -1.0)
    lower = min(grown.count, max(0.0, grown.beyond_lower))
    return Tail(
        count=grown.count,
        beyond_lower=lower,
        beyond_upper=min(lower, max(0.0, grown.beyond_upper)),
        depth=grown.depth,
    )


def _tail(histogram: Histogram, seconds: float) -> Tail:
    below, up_to_lower, total = 0.0, 0.0, histogram.count
    for bound, up_to in histogram.buckets:
        if bound >= seconds:
            share = 0.0 if math.isinf(bound) else (seconds - below) / (bound - below)
            return Tail(count=total, beyond_lower=total - up_to_lower, beyond_upper=total - up_to, depth=share * total)
        below, up_to_lower = bound, up_to
    return Tail(count=total)
