"""Whether what an engine says can be so: what cannot is taken as not said, so nothing is concluded from it."""

import math
from dataclasses import replace
from itertools import pairwise

from gemma4_operator.scaling.figures import MOST
from gemma4_operator.scaling.sample import Counts, Histogram


def sound(counts: Counts) -> Counts | None:
    """Return the counts without the histograms that cannot be so; None: without the rest nothing is worth anything.

    Demand follows from the numbers, so a sample with a wrong one says nothing. Histograms only teach, and what they
    teach can wait.
    """
    totals = (
        counts.running,
        counts.waiting,
        counts.finished,
        counts.prompt_tokens,
        counts.cached_tokens,
        counts.generation_tokens,
    )
    if not all(_can_be(total) for total in totals if total is not None):
        return None
    return replace(
        counts,
        cache_usage=counts.cache_usage if counts.cache_usage is not None and _can_be(counts.cache_usage) else None,
        first_token=_whole(counts.first_token),
        output_token=_whole(counts.output_token),
        request_token=_whole(counts.request_token),
    )


def tells_tokens(counts: Counts) -> bool:
    """Whether both totals of tokens are told: without them it does not follow what comes."""
    return None not in (counts.prompt_tokens, counts.generation_tokens)


def _can_be(total: float) -> bool:
    # NaN is neither above nor below anything.
    return 0 <= total <= MOST


def _whole(histogram: Histogram | None) -> Histogram | None:
    """Return the histogram if it is one, None otherwise."""
    if histogram is None or not histogram.buckets or not _can_be(histogram.sum_seconds):
        return None
    bounds = [bound for bound, _ in histogram.buckets]
    held = [count for _, count in histogram.buckets]
    rises = all(low < high for low, high in pairwise(bounds)) and all(low <= high for low, high in pairwise(held))
    return histogram if rises and bounds[-1] == math.inf and all(_can_be(count) for count in held) else None
