"""Figures in words, rounded so that none looks better than it is."""

from math import ceil, floor

_SLACK = 1e-9
"""What sums of floats are off by."""


def percent(value: float) -> str:
    """Return a share with two decimals, rounded down: what misses 99 % by little must not read as 99 %."""
    return f"{floor(value * 100 + _SLACK) / 100:.2f} %"


def brief_percent(value: float) -> str:
    """Return a share with at most two decimals, rounded down, and no zeros at its end."""
    return f"{floor(value * 100 + _SLACK) / 100:g} %"


def points(gap: float) -> str:
    """Return how far a share is below another, rounded up."""
    return f"{ceil(gap * 100 - _SLACK) / 100:.2f} points"


def ratio(value: float, reference: float) -> str:
    """Return how many times the reference a value is; a dash where that is nothing."""
    return f"{value / reference:.2f}" if reference else "-"


def number(value: float) -> str:
    """Return a figure with the three digits that matter, as axes and short tables have them."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def clock(seconds: float) -> str:
    """Return a time since the beginning, as hours and minutes."""
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours}:{minutes:02d}"
