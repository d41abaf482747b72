"""What came of late, in spans of equal length that end now."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from gemma4_operator.scaling.flow import Flow

SPAN_SECONDS = 20.0
SPANS = 24
"""Eight minutes: what change detection looks at."""
LONGEST_GAP_SECONDS = 120.0
"""Between two moments that are heard of: over a longer one nothing is concluded."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One moment, and all that flowed from the first tick until then."""

    at_seconds: float
    total: Flow


Series = tuple[Tick, ...]
"""Oldest first."""


def begun(now_seconds: float) -> Series:
    """Return a series of which nothing is known yet but when it begins."""
    return (Tick(now_seconds, Flow()),)


def advanced(series: Series, flow: Flow, *, now_seconds: float) -> Series:
    """Return the series with what flowed in each second since its last tick, without what is too old to matter.

    After a gap that nothing is known of it begins anew: a mean over the gap would take it for silence.
    """
    if not series or now_seconds - series[-1].at_seconds > LONGEST_GAP_SECONDS:
        return begun(now_seconds)
    last = series[-1]
    seconds = now_seconds - last.at_seconds
    if seconds <= 0:
        return series
    oldest = now_seconds - SPAN_SECONDS * SPANS
    # The last tick before the window is where its first span begins.
    begin = 1 if len(series) > 1 and series[1].at_seconds <= oldest else 0
    return (*series[begin:], Tick(now_seconds, last.total.plus(flow, seconds)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """What came in each second of each whole span, oldest first: requests, and their work in seconds of a replica."""

    arrivals: tuple[float, ...] = ()
    work_seconds: tuple[float, ...] = ()


def spans(series: Series, *, together: int = 1) -> Spans:
    """Return the whole spans that are known, the work of each as a mean over so many together that end with it."""
    if len(series) < 2:
        return Spans()
    now, first = series[-1].at_seconds, series[0].at_seconds
    count = min(SPANS, int((now - first) / SPAN_SECONDS + 1e-9))
    totals = _totals_at(series, [now - SPAN_SECONDS * back for back in range(count, -1, -1)])
    work = [(after[1] - before[1]) / SPAN_SECONDS for before, after in pairwise(totals)]
    joined = (work[max(0, end - together) : end] for end in range(1, len(work) + 1))
    return Spans(
        arrivals=tuple((after[0] - before[0]) / SPAN_SECONDS for before, after in pairwise(totals)),
        work_seconds=tuple(max(0.0, sum(some) / len(some)) for some in joined),
    )


def mean(series: Series, seconds: float) -> Flow:
    """Return the flow in each second over the last time, or over all that is known if that is less."""
    if len(series) < 2:
        return Flow()
    last = series[-1]
    begin = max(series[0].at_seconds, last.at_seconds - seconds)
    before = _at(series, begin)
    return last.total.plus(before.total, -1.0).scaled(1 / (last.at_seconds - before.at_seconds))


def dispersion(series: Series, seconds: float, *, least: float, most: float) -> float:
    """Return the variance of arrivals from tick to tick beside their mean: 1 for rain, more for bursts."""
    if len(series) < 3:
        return least
    end = series[-1].at_seconds
    arrived: list[float] = []
    lengths: list[float] = []
    for before, after in zip(reversed(series[:-1]), reversed(series[1:]), strict=True):
        if after.at_seconds <= end - seconds:
            break
        arrived.append(after.total.arrivals - before.total.arrivals)
        lengths.append(after.at_seconds - before.at_seconds)
    total, time = sum(arrived), sum(lengths)
    if len(arrived) < 3 or total / len(arrived) <= 0:
        return least
    rate = total / time
    excess = sum((count - rate * length) ** 2 for count, length in zip(arrived, lengths, strict=True))
    found = excess / (len(arrived) - 1) / (total / len(arrived))
    return min(most, max(least, found))


def _at(series: Series, at_seconds: float) -> Tick:
    """Return the newest tick that is not younger, or the oldest."""
    low, high = 0, len(series)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if series[middle].at_seconds <= at_seconds + 1e-9 else (low, middle)
    return series[low]


def _totals_at(series: Series, moments: Sequence[float]) -> list[tuple[float, float]]:
    """Return the totals of arrivals and work at each of some rising moments, evenly between two ticks."""
    found: list[tuple[float, float]] = []
    index = 0
    for moment in moments:
        while index + 1 < len(series) and series[index + 1].at_seconds <= moment:
            index += 1
        before = series[index]
        arrived, work = before.total.arrivals, before.total.work_seconds
        if index + 1 < len(series) and moment > before.at_seconds:
            after = series[index + 1]
            share = (moment - before.at_seconds) / (after.at_seconds - before.at_seconds)
            arrived += share * (after.total.arrivals - arrived)
            work += share * (after.total.work_seconds - work)
        found.append((arrived, work))
    return found
