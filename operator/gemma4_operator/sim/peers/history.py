"""What engines have counted in the last seconds, as Prometheus' `rate` and `histogram_quantile` see it.

Only the growth between two samples of the same replica counts; a replica that is gone counts until its samples are old.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence

from gemma4_operator.scaling.sample import Counts, Histogram
from gemma4_operator.sim.policy import View

Buckets = Sequence[tuple[float, float]]


class History:
    """The samples of the last `seconds`, by replica."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._samples: dict[str, deque[tuple[float, Counts]]] = {}

    def add(self, view: View) -> None:
        """Keep each replica's sample if it is new, and forget those that are too old."""
        for seen in view.replicas:
            sample = seen.replica.sample
            if sample is None:
                continue
            kept = self._samples.setdefault(seen.replica.name, deque())
            if not kept or kept[-1][0] < sample.at_seconds:
                kept.append((sample.at_seconds, sample.counts))
        for name, kept in tuple(self._samples.items()):
            while kept and kept[0][0] <= view.now_seconds - self._seconds:
                kept.popleft()
            if not kept:
                del self._samples[name]

    def growth(self, total: Callable[[Counts], float | None]) -> float:
        """Return how much a total of engines has grown; one that an engine does not tell has not."""
        grown = 0.0
        for kept in self._samples.values():
            first, last = total(kept[0][1]), total(kept[-1][1])
            if first is not None and last is not None:
                grown += max(0.0, last - first)
        return grown

    def buckets(self, histogram: Callable[[Counts], Histogram | None]) -> Buckets:
        """Return a histogram of only what was counted meanwhile; empty: nobody tells."""
        grown: dict[float, float] = {}
        for kept in self._samples.values():
            first, last = histogram(kept[0][1]), histogram(kept[-1][1])
            if first is None or last is None:
                continue
            for (bound, before), (_, after) in zip(first.buckets, last.buckets, strict=True):
                grown[bound] = grown.get(bound, 0.0) + max(0.0, after - before)
        return sorted(grown.items())


def quantile(share: float, buckets: Buckets) -> float:
    """Return the value that a share of all is at most, taken as even within its bucket; NaN: there is none.

    What lies beyond the last finite bound is taken to be at it, and the first bucket to begin at 0.
    """
    total = buckets[-1][1] if buckets else 0.0
    if total <= 0:
        return math.nan
    rank = share * total
    index = next(index for index, (_, count) in enumerate(buckets) if count >= rank)
    if index == len(buckets) - 1:
        return buckets[index - 1][0] if index else math.nan
    start, below = buckets[index - 1] if index else (0.0, 0.0)
    bound, count = buckets[index]
    return start + (bound - start) * ((rank - below) / (count - below)) if count > below else start
