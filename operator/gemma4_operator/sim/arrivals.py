"""Makes requests out of what was recorded: from rates by chance, and more or fewer of a log."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, pairwise
from math import sqrt
from random import Random

from gemma4_operator.sim.lengths import Mix
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.traces import Log, Rates

JITTER_SECONDS = 30.0
"""How far a copy is moved at most, to either side: bursts that last longer stay, and no two copies fall together."""


def from_rates(rates: Rates, mix: Mix, *, scale: float, variation: float, seed: int) -> tuple[Request, ...]:
    """Return requests at the rates times the scale.

    Gaps come from a gamma distribution, on a clock that runs as fast as the rate: at a constant rate they are
    independent, and their standard deviation is `variation` times their mean.

    Args:
        rates: How many a second, over time; the requests end with it.
        mix: How long they are.
        scale: By which the rates are multiplied.
        variation: Of the gaps: 1 makes a Poisson process, more makes bursts.
        seed: The same gives the same requests.
    """
    gaps, lengths = Random(f"gaps {seed}"), Random(f"lengths {seed}")
    return tuple(
        Request(arrival_seconds=at, input_tokens=mix.input.draw(lengths), output_tokens=mix.output.draw(lengths))
        for at in _moments(rates, scale, variation, gaps)
    )


def _moments(rates: Rates, scale: float, variation: float, chance: Random) -> Iterator[float]:
    points = [(at, rate * scale) for at, rate in rates.points]
    areas = [0.5 * (low + high) * (end - start) for (start, low), (end, high) in pairwise(points)]
    reached = [0.0, *accumulate(areas)]
    shape, size = variation**-2, variation**2
    due, latest = chance.gammavariate(shape, size), points[0][0]
    while due < reached[-1]:
        piece = bisect_right(reached, due) - 1
        (start, low), (end, high) = points[piece], points[piece + 1]
        at = start + _time_for(due - reached[piece], low, (high - low) / (end - start))
        # Of two that fall together but for rounding, the later must not come out first, nor after the end.
        latest = min(max(at, latest), end)
        yield latest
        due += chance.gammavariate(shape, size)


def _time_for(area: float, rate: float, slope: float) -> float:
    """Return how long it takes until that many have come, at a rate that begins so and changes evenly."""
    # The root in the form that loses no digits where the slope is nearly nothing.
    return 2 * area / (rate + sqrt(max(0.0, rate * rate + 2 * slope * area))) if area else 0.0


def scaled(log: Log, *, scale: float, seed: int) -> tuple[Request, ...]:
    """Return about `scale` times as many requests, each a copy of one of the log.

    Copies are moved by up to `JITTER_SECONDS`, so that the traffic rises and falls over minutes as it did, while what
    happens within seconds is smoothed as it is where many more people take part. Below 1, each request stays with that
    chance, where it is; at 1, all is as it was.

    Args:
        log: What was recorded.
        scale: How many copies of each; a fraction is the chance of one more.
        seed: The same gives the same requests.
    """
    chance = Random(f"copies {seed}")
    if scale == 1 or not log.requests:
        return log.requests
    if scale < 1:
        return tuple(request for request in log.requests if chance.random() < scale)
    last = log.requests[-1].arrival_seconds
    copies = []
    for request in log.requests:
        for _ in range(int(scale) + (chance.random() < scale % 1)):
            at = abs(request.arrival_seconds + chance.uniform(-JITTER_SECONDS, JITTER_SECONDS))
            copies.append(
                Request(
                    arrival_seconds=max(0.0, 2 * last - at) if at > last else at,
                    input_tokens=request.input_tokens,
                    output_tokens=request.output_tokens,
                )
            )
    return tuple(sorted(copies, key=lambda request: request.arrival_seconds))
