"""What was counted between two looks at a histogram of an engine, which begins anew when the engine does."""

import math

from gemma4_operator.scaling.sample import Histogram


def timed(before: Histogram | None, after: Histogram | None) -> tuple[float, float]:
    """Return how many times were counted between two histograms, and their sum in seconds."""
    if before is None or after is None:
        return 0.0, 0.0
    begun_anew = after.count < before.count
    count = after.count if begun_anew else after.count - before.count
    seconds = after.sum_seconds if begun_anew else after.sum_seconds - before.sum_seconds
    return count, max(0.0, seconds)


def within(before: Histogram | None, after: Histogram | None, seconds: float) -> float:
    """Return how many of the times that were counted between two histograms are at most so long."""
    if before is None or after is None:
        return 0.0
    now = _at_most(after, seconds)
    return now if after.count < before.count else max(0.0, now - _at_most(before, seconds))


def _at_most(histogram: Histogram, seconds: float) -> float:
    """Return how many times are at most so long, evenly between the bounds of a bucket."""
    below, count = 0.0, 0.0
    for bound, up_to in histogram.buckets:
        if bound >= seconds:
            share = 1.0 if bound == seconds else 0.0 if math.isinf(bound) else (seconds - below) / (bound - below)
            return count + share * (up_to - count)
        below, count = bound, up_to
    return count
