"""What was counted between two looks at a histogram of an engine, which begins anew when the engine does."""

import math
from dataclasses import dataclass, replace

from gemma4_operator.scaling.sample import Histogram

_UNSEEN = 0.5
"""Of a time beyond a bound, where none was seen: as many may be behind a sample that has one half of the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """How many times were counted, and what is known of those around a limit that is no bound of their histogram.

    Sums of tails are tails of sums, so that few times of one engine may be added up before anything is concluded.

    Attributes:
        count: All of them.
        beyond_before: Those beyond a bound well below the limit, half of the next or less.
        beyond_lower: Those beyond the last bound below the limit; so are `beyond_upper` beyond the first from it on.
        depth: The share of the way from the lower to the upper bound at which the limit lies, for each time.
        reach: The way from the lower bound to the limit, in ways from the bound before to the lower one, for each.
        forced: How many between the bounds must be beyond the limit for all to take as long together as they do, if all
            others are as long as their buckets allow; below 0: none.
    """

    count: float = 0.0
    beyond_before: float = 0.0
    beyond_lower: float = 0.0
    beyond_upper: float = 0.0
    depth: float = 0.0
    reach: float = 0.0
    forced: float = 0.0

    def plus(self, other: "Tail", times: float = 1.0) -> "Tail":
        """Return the sum of this and so many times the other."""
        return Tail(
            count=self.count + times * other.count,
            beyond_before=self.beyond_before + times * other.beyond_before,
            beyond_lower=self.beyond_lower + times * other.beyond_lower,
            beyond_upper=self.beyond_upper + times * other.beyond_upper,
            depth=self.depth + times * other.depth,
            reach=self.reach + times * other.reach,
            forced=self.forced + times * other.forced,
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
        is taken to fall as it does between the bounds, or as it did before them if that is slower: times that are all
        alike do not fall at all until they end. It is never more than evenly, unless their sum says so.
        """
        share, least = min(1.0, self._each(self.depth)), max(_UNSEEN, self.beyond_upper)
        between = self.beyond_lower - self.beyond_upper
        if self.beyond_lower <= least:
            return 1 - share
        falling = math.pow(self.beyond_lower, 1 - share) * math.pow(least, share)
        fell = min(1.0, self.beyond_lower / max(self.beyond_before, self.beyond_lower))
        as_before = self.beyond_lower * math.pow(fell, self._each(self.reach))
        found = min(1 - share, (max(falling, as_before) - self.beyond_upper) / between)
        return max(found, min(1.0, self.forced / between))

    def _each(self, total: float) -> float:
        return max(0.0, total / self.count) if self.count > 0 else 0.0


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
    # An engine whose buckets contradict each other counted no more than it says in all.
    first = min(grown.count, max(0.0, grown.beyond_before))
    lower = min(first, max(0.0, grown.beyond_lower))
    upper = min(lower, max(0.0, grown.beyond_upper))
    return replace(grown, beyond_before=first, beyond_lower=lower, beyond_upper=upper)


def _tail(histogram: Histogram, seconds: float) -> Tail:
    buckets, total = histogram.buckets, histogram.count
    at = next((index for index, (bound, _) in enumerate(buckets) if bound >= seconds), None)
    if at is None:
        return Tail(count=total)
    upper, up_to_upper = buckets[at]
    lower, up_to_lower = buckets[at - 1] if at else (0.0, 0.0)
    before, up_to_before = next((pair for pair in reversed(buckets[:at]) if pair[0] <= lower / 2), (0.0, 0.0))
    depth = 0.0 if math.isinf(upper) else (seconds - lower) / (upper - lower)
    return Tail(
        count=total,
        beyond_before=total - up_to_before,
        beyond_lower=total - up_to_lower,
        beyond_upper=total - up_to_upper,
        depth=depth * total,
        reach=(seconds - lower) / (lower - before) * total if lower > 0 else 0.0,
        forced=_forced(histogram, at, seconds) if seconds < upper < math.inf else 0.0,
    )


def _forced(histogram: Histogram, at: int, seconds: float) -> float:
    """Return how many in one bucket are beyond a limit within it, going by the sum of all times."""
    most, below, longest, between = 0.0, 0.0, 0.0, 0.0
    for index, (bound, up_to) in enumerate(histogram.buckets):
        # Of the last bucket nobody knows how long: nearly nothing is ever in it.
        longest = bound if bound < math.inf else longest
        held, below = up_to - below, up_to
        if index == at:
            between = held
        else:
            most += held * longest
    return (histogram.sum_seconds - most - between * seconds) / (histogram.buckets[at][0] - seconds)
