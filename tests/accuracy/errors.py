"""How far predictions are off: a pair of times, and what many of them come to."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

MEDIAN, NINTH_TENTH = 0.10, 0.20
"""What is demanded of the time per token: at most so much off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A time that was measured and what the planner says of it.

    Attributes:
        source: Whose measurement.
        group: Variant and format.
        label: What exactly, for the table of single rows.
        chose: Whether constants were chosen on it; the others are held out.
    """

    source: str
    group: str
    label: str
    measured_seconds: float
    predicted_seconds: float
    chose: bool = False

    @property
    def off(self) -> float:
        """Return the error as a share; positive: slower than measured."""
        return self.predicted_seconds / self.measured_seconds - 1


def ninth_tenth(pairs: Sequence[Pair]) -> float:
    """Return the error that nine tenths of the pairs do not exceed, by nearest rank."""
    return sorted(abs(pair.off) for pair in pairs)[math.ceil(0.9 * len(pairs)) - 1]


def middle(pairs: Sequence[Pair]) -> float:
    """Return the median error without its sign."""
    return median(abs(pair.off) for pair in pairs)


def bias(pairs: Sequence[Pair]) -> float:
    """Return the median error with its sign."""
    return median(pair.off for pair in pairs)


def holds(pairs: Sequence[Pair], *, middle_at_most: float = MEDIAN, ninth_tenth_at_most: float = NINTH_TENTH) -> bool:
    """Whether both bounds are kept."""
    return middle(pairs) <= middle_at_most and ninth_tenth(pairs) <= ninth_tenth_at_most


def line(name: str, pairs: Sequence[Pair]) -> str:
    """Return a verdict in words."""
    return f"{name}: median {middle(pairs):.1%}, nine tenths within {ninth_tenth(pairs):.1%} ({len(pairs)} rows)"


def table(pairs: Iterable[Pair], key: Callable[[Pair], tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Return one row for each key: the key, how many, median, ninth tenth, worst, and the sign."""
    groups: dict[tuple[str, ...], list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(key(pair), []).append(pair)
    return tuple(
        (
            *name,
            str(len(found)),
            f"{middle(found):.1%}",
            f"{ninth_tenth(found):.1%}",
            f"{max(abs(pair.off) for pair in found):.1%}",
            f"{bias(found):+.1%}",
        )
        for name, found in groups.items()
    )


ERROR_COLUMNS = ("rows", "median", "nine tenths", "worst", "bias")
