"""How evenly requests reach the replicas: by chance, as a plain Service has it, or by a router that looks first.

By chance, the requests that one replica works on at a moment vary among the replicas by their mean at least (Poisson;
more where a full replica is slower), while a router by outstanding requests leaves a fraction of that. So two figures
that every engine tells say which it is, and nobody has to.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

_EVEN, _BY_CHANCE = 0.75, 1.0
"""Variance beside the mean: up to the first it is a router's work, from the second on nobody's. Simulated: the fewest
outstanding 0.02 to 0.4, two choices 0.1 to 0.7, by chance 1.5 to 3; the less even where there are few requests."""
_FEWEST = 1.0
"""Requests on each replica, below which nothing is left to even out."""
_MEMORY_SECONDS = 600.0
_PRIOR_SECONDS = 60.0
"""For how many seconds of a pair of replicas counts what is believed at first."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What was seen.

    Attributes:
        ratio: The variance of requests among replicas beside their mean. At first by chance, as a Service spreads them.
        seconds: How long it was seen, times the replicas but one, as far as it still counts.
    """

    ratio: float = _BY_CHANCE
    seconds: float = _PRIOR_SECONDS

    @property
    def imbalance(self) -> float:
        """From 0, where each replica has its share, to 1, where chance decides."""
        return min(1.0, max(0.0, (self.ratio - _EVEN) / (_BY_CHANCE - _EVEN)))


def balanced(imbalance: float) -> Balance:
    """Return what was seen where only the imbalance is known of it."""
    return Balance(ratio=_EVEN + imbalance * (_BY_CHANCE - _EVEN))


def watched(balance: Balance, requests: Sequence[float], *, elapsed_seconds: float) -> Balance:
    """Return what is known with one more moment.

    Args:
        balance: From the last time.
        requests: Of each replica that has served for a while, running and waiting.
        elapsed_seconds: Since the last time.
    """
    if len(requests) < 2 or elapsed_seconds <= 0:
        return balance
    mean = fmean(requests)
    if mean < _FEWEST:
        return balance
    variance = sum((one - mean) * (one - mean) for one in requests) / (len(requests) - 1)
    weight = elapsed_seconds * (len(requests) - 1)
    past = balance.seconds * math.exp(-elapsed_seconds / _MEMORY_SECONDS)
    # A ratio far beyond chance is a replica that hangs, or sessions that stick, and would be remembered for too long.
    ratio = min(4 * _BY_CHANCE, variance / mean)
    return Balance(ratio=(past * balance.ratio + weight * ratio) / (past + weight), seconds=past + weight)
