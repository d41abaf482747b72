"""A rule's settings from frugal to generous, and which of them to try next to find the cheapest that passes."""

import re
from collections.abc import Callable, Sequence
from itertools import groupby

from gemma4_operator.sim.rules import sweep

Ladder = tuple[str, ...]
_NUMBER = re.compile(r"[\d.]+")


def ladders_of(name: str) -> tuple[Ladder, ...]:
    """Return a rule's sweep, parted where another knob than the main one changes."""
    return tuple(tuple(part) for _, part in groupby(sweep(name), key=lambda text: _NUMBER.sub("#", text)))


def next_of(ladder: Ladder, passes: Callable[[str], bool | None]) -> str | None:
    """Return the setting to try next, or None if the cheapest that passes, or that none does, is known.

    Halves what lies between the most generous that fails and the first that passes above it, since more replicas
    rarely keep less. Rules that oscillate are an exception, so what was found to pass is what counts, in any order.

    Args:
        ladder: The settings.
        passes: Says of a setting whether it does, None if that is not known.
    """
    low, high = _bounds(ladder, passes)
    return ladder[(low + high) // 2] if high - low > 1 else None


def threshold(ladder: Ladder, passes: Callable[[str], bool | None]) -> int | None:
    """Return the place of the most frugal setting that is known to pass, None if there is none."""
    _, high = _bounds(ladder, passes)
    return high if high < len(ladder) else None


def lowest(ladder: Ladder, passes: Callable[[str], bool | None]) -> int:
    """Return the place of the most frugal setting that may be the cheapest that passes, by what is known."""
    low, _ = _bounds(ladder, passes)
    return low + 1


def _bounds(ladder: Sequence[str], passes: Callable[[str], bool | None]) -> tuple[int, int]:
    known = [passes(text) for text in ladder]
    high = known.index(True) if True in known else len(known)
    low = max((place for place, one in enumerate(known[:high]) if one is False), default=-1)
    return low, high
