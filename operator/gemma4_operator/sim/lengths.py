"""How long prompts and answers are where a trace has rates alone: points of a distribution, or its median and mean."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from random import Random
from typing import Protocol

from gemma4_operator.sim.invalid import InvalidTrace
from gemma4_operator.sim.rows import csv_rows


class Lengths(Protocol):
    """One distribution of token counts."""

    def draw(self, chance: Random) -> int:
        """Return one, at least 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """A distribution by some of its quantiles, straight between them; it begins with 1 token, and ends with the last.

    Attributes:
        quantiles: Rising, each above 0 and below 1; `tokens` has what each stands for, and falls nowhere.
    """

    quantiles: tuple[float, ...]
    tokens: tuple[float, ...]

    def draw(self, chance: Random) -> int:
        """Return one length."""
        at = chance.random()
        above = bisect_left(self.quantiles, at)
        if above == len(self.quantiles):
            return max(1, round(self.tokens[-1]))
        low, few = (self.quantiles[above - 1], self.tokens[above - 1]) if above else (0.0, 1.0)
        high, many = self.quantiles[above], self.tokens[above]
        return max(1, round(few + (many - few) * (at - low) / (high - low)))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogNormal:
    """The lognormal distribution with this median, and with this mean, which is above it."""

    median: float
    mean: float

    def draw(self, chance: Random) -> int:
        """Return one length."""
        return max(1, round(chance.lognormvariate(log(self.median), sqrt(2 * log(self.mean / self.median)))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What requests bring and ask for, each drawn by itself."""

    input: Lengths
    output: Lengths


def mix_of_points(text: str, *, trace: str, where: str) -> Mix:
    """Return one trace's mix from CSV with the columns trace, field (input, output), quantile and tokens.

    Args:
        text: The whole CSV.
        trace: Which of its traces.
        where: The file, for messages.

    Raises:
        InvalidTrace: with the place, and what must be there.
    """
    found: dict[str, list[tuple[float, float]]] = {"input": [], "output": []}
    for row in csv_rows(text, where):
        if row.values.get("trace") == trace and row.values.get("field") in found:
            found[row.values["field"]].append((row.number("quantile", 1), row.number("tokens")))
    for field, points in found.items():
        if not points:
            raise InvalidTrace(f"{where}: must have rows with `trace` {trace} and `field` {field}, and has none")
    return Mix(input=_points(found["input"], where), output=_points(found["output"], where))


def _points(points: Sequence[tuple[float, float]], where: str) -> Points:
    quantiles, tokens = zip(*sorted(points), strict=True)
    if not 0 < quantiles[0] <= quantiles[-1] < 1 or len(set(quantiles)) < len(quantiles):
        raise InvalidTrace(f"{where}: `quantile` must be above 0 and below 1, and each at most once")
    if list(tokens) != sorted(tokens) or tokens[0] < 1:
        raise InvalidTrace(f"{where}: `tokens` must be at least 1, and not fall where `quantile` rises")
    return Points(quantiles=quantiles, tokens=tokens)
