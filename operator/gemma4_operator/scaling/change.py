"""Whether traffic has just changed, and where it goes: a step to another level, or a ramp that goes on.

Every mean lags behind a change. So the spans of the last minutes are read in three ways, as one level, as two, and as
one with a slope from some moment on; a change is believed when it explains far more than chance does. For a ramp of
slope s from a rate r with dispersion D that takes about (2 z sqrt(D r) / s)^(2/3) seconds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gemma4_operator.scaling.series import SPAN_SECONDS

FEWEST_SPANS = 9
_BEFORE = 6
"""Spans that a level before a change needs."""
_LONGEST = 15
"""Spans after it at most: an older change is in the means by then."""
_SHORTEST_RAMP = 4
"""A shorter ramp follows noise."""
BELIEVED_AT = 4.0
"""Standard deviations. 3 gains little attainment for as much cost, 5 loses some (measured on a day of steep ramps)."""
_LEAST_RATE = 1 / SPAN_SECONDS
"""Below one request in a span chance cannot be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change that is believed.

    Attributes:
        rate: Requests per second that it leads to at the horizon.
        since_seconds: How long ago it began.
        is_ramp: Whether it goes on.
    """

    rate: float
    since_seconds: float
    is_ramp: bool


def change(rates: Sequence[float], *, dispersion: float, horizon_seconds: float) -> Change | None:
    """Return the upward change that explains the rates best, if it is beyond chance.

    Args:
        rates: Requests per second of each span, oldest first.
        dispersion: Of arrivals, 1 or more.
        horizon_seconds: For when the rate is wanted.
    """
    count = len(rates)
    if count < FEWEST_SPANS:
        return None
    total, squares = sum(rates), sum(rate * rate for rate in rates)
    unexplained = squares - total * total / count
    base = max(_LEAST_RATE, sum(rates[: count - _BEFORE]) / (count - _BEFORE))
    best: Change | None = None
    drop = 0.0
    after_sum = after_squares = after_moments = 0.0
    for age in range(1, min(_LONGEST, count - _BEFORE) + 1):
        rate = rates[count - age]
        # Every older span moves the newer ones one span further from the change.
        after_moments += after_sum + rate
        after_sum += rate
        after_squares += rate * rate
        before = (total - after_sum) / (count - age)
        before_excess = (squares - after_squares) - before * before * (count - age)
        after = after_sum / age
        if after > before:
            gain = unexplained - before_excess - (after_squares - after * after_sum)
            if gain > drop:
                drop = gain
                best = Change(rate=after, since_seconds=age * SPAN_SECONDS, is_ramp=False)
        if age < _SHORTEST_RAMP:
            continue
        # Least squares of rate = before + slope * age of the span, 1 for the first after the change.
        ages = age * (age + 1) / 2
        ages_squared = age * (age + 1) * (2 * age + 1) / 6
        slope = (after_moments - before * ages) / ages_squared
        if slope <= 0:
            continue
        ramp_excess = (
            after_squares
            - 2 * (before * after_sum + slope * after_moments)
            + before * before * age
            + 2 * before * slope * ages
            + slope * slope * ages_squared
        )
        gain = unexplained - before_excess - ramp_excess
        if gain > drop:
            drop = gain
            there = before + slope * (age + horizon_seconds / SPAN_SECONDS)
            best = Change(rate=there, since_seconds=age * SPAN_SECONDS, is_ramp=True)
    return best if math.sqrt(drop / (dispersion * base / SPAN_SECONDS)) > BELIEVED_AT else None
