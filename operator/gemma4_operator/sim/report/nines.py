"""A scale on which 99 % and 99.9 % are apart: each step up is ten times fewer requests that missed."""

from math import log10

from gemma4_operator.sim.report import words
from gemma4_operator.sim.report.axis import Axis, Tick

_FEW_MISSED, _FEWEST_MISSED = 0.001, 0.0001
"""Where the scale ends, by how strict the objective is."""
_ROUND_MISSED = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001)


class Nines:
    """Shares that were kept, from `low_percent` or below the objective to far above it; better ones are at the end."""

    def __init__(self, *, objective_percent: float, low_percent: float, start: float, end: float) -> None:
        allowed = 1 - objective_percent / 100
        few = min(max(allowed / 10, _FEWEST_MISSED), _FEW_MISSED)
        self._least = max(one for one in _ROUND_MISSED if one <= few + 1e-9)
        many = min(max(1 - low_percent / 100, 2 * allowed, 10 * self._least), 1.0)
        self._most = min(one for one in _ROUND_MISSED if one >= many - 1e-9)
        self._axis = Axis(low=-log10(self._most), high=-log10(self._least), start=start, end=end)

    def at(self, percent: float) -> float:
        """Return where a share is; one beyond the scale is at its end."""
        return self._axis.at(-log10(max(1 - percent / 100, self._least)))

    def ticks(self, *, only_tenths: bool = False) -> tuple[Tick, ...]:
        """Return the shares that are named, the best one as a limit, since all that are better are there too."""
        missed = [one for one in _ROUND_MISSED if self._least * 1.001 < one <= self._most * 1.001]
        if only_tenths:
            missed = [one for one in missed if f"{one:e}".startswith("1")]
        kept = [100 * (1 - one) for one in missed]
        best = 100 * (1 - self._least)
        return (
            *(Tick(at=self.at(one), label=_label(one)) for one in kept),
            Tick(at=self.at(best), label=f"≥ {_label(best)}"),
        )


def _label(percent: float) -> str:
    return words.brief_percent(percent).removesuffix(" %")
