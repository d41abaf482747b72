"""Axes: where a value is drawn, and which values are written beside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor, log10

_HOUR_STEPS = (1, 2, 3, 4, 6, 12, 24, 48, 72, 168, 336, 720, 1440, 2880)
_MINUTE_STEPS = (0.25, 0.5, 1, 2, 5, 10, 15, 20, 30)
_SHORT_SECONDS = 2.5 * 3600
_MOST_MOMENTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A value that an axis names: where it is, and in words."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Values from `low` to `high`, drawn from `start` to `end`; of two equal ones all is at the start."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return where a value is; one that is not on the axis is at its nearer end."""
        span = self.high - self.low
        part = (min(max(value, self.low), self.high) - self.low) / span if span else 0.0
        return self.start + part * (self.end - self.start)


def round_values(low: float, high: float, *, most: int, least_step: float = 0.0) -> tuple[float, ...]:
    """Return round values within limits, about as many as `most` and never more, in steps of 1, 2 or 5."""
    if high <= low:
        return (low,)
    for step in _steps((high - low) / most):
        first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
        if step >= least_step and last - first < most:
            return tuple(number * step for number in range(first, last + 1))
    raise AssertionError("steps grow without end")


def _steps(least: float) -> Iterator[float]:
    exponent = floor(log10(least))
    while True:
        yield from (digit * 10.0**exponent for digit in (1, 2, 5))
        exponent += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """An axis of time: its unit, and the moments that it names, in seconds with their words."""

    unit: str
    named: tuple[tuple[float, str], ...]


def moments(duration_seconds: float) -> Moments:
    """Return how a stretch of time is named: in hours, or in minutes where it has few hours."""
    is_short = duration_seconds < _SHORT_SECONDS
    unit, unit_seconds, steps = ("minutes", 60.0, _MINUTE_STEPS) if is_short else ("hours", 3600.0, _HOUR_STEPS)
    length = duration_seconds / unit_seconds
    step = next((step for step in steps if length / step <= _MOST_MOMENTS), steps[-1])
    return Moments(
        unit=unit,
        named=tuple((number * step * unit_seconds, f"{number * step:g}") for number in range(int(length / step) + 1)),
    )
