"""The small multiples: one drawing for each policy over the same time, with the same scales."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gemma4_operator.sim.report import paths
from gemma4_operator.sim.report.axis import Axis, Tick, moments, round_values
from gemma4_operator.sim.report.columns import Column, thinned, whole_minutes, windows
from gemma4_operator.sim.report.nines import Nines
from gemma4_operator.sim.report.paths import Step
from gemma4_operator.sim.report.shown import About
from gemma4_operator.sim.report.words import number
from gemma4_operator.sim.result import Result

WIDTH, HEIGHT = 440, 338
LEFT, RIGHT = 46, 430
_MOST_COLUMNS = 480
"""Narrower than what a screen of today can show of such a drawing."""
_MOST_WINDOWS = 288
_MOST_OF_NEEDED = 2.5
"""Where the replicas' scale ends: one policy that takes the most there may be would make all others flat."""
_DEMAND, _REPLICAS, _KEPT = (22.0, 62.0), (92.0, 194.0), (224.0, 300.0)
"""Where each part begins and ends, from above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the three drawings above each other: from where to where it is, and its values with their lines."""

    top: float
    bottom: float
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What all multiples share.

    Attributes:
        demand: What came, as the path of an area; `need` likewise the replicas of the rule that knows what comes.
        objective: Where the objective's line is.
    """

    parts: tuple[Part, Part, Part]
    times: tuple[Tick, ...]
    unit: str
    demand: str
    need: str
    objective: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiple:
    """One policy's paths.

    Attributes:
        kept: The attainment; `short` where it was below the objective.
        beyond: The most replicas, where the scale ends before.
    """

    wanted: str
    serving: str
    kept: str
    short: str
    beyond: int | None


class Drawing:
    """Draws runs of the same traffic with the same scales."""

    def __init__(self, about: About, results: Sequence[Result], *, reference: Result) -> None:
        self._about = about
        self._time = Axis(low=0.0, high=about.duration_seconds, start=LEFT, end=RIGHT)
        self._nines = Nines(objective_percent=about.objective_percent, low_percent=0.0, start=_KEPT[1], end=_KEPT[0])
        self._needed = thinned(self._minutes(reference), most=_MOST_COLUMNS)
        most_rate = max((one.requests_per_second for one in self._needed), default=0.0)
        self._rates = Axis(low=0.0, high=most_rate or 1.0, start=_DEMAND[1], end=_DEMAND[0])
        needed = max(_most(reference), 1)
        most = max([needed, *(_most(one) for one in results)])
        self._replicas = Axis(
            low=0.0, high=min(float(most), _MOST_OF_NEEDED * needed), start=_REPLICAS[1], end=_REPLICAS[0]
        )

    def stage(self) -> Stage:
        """Return what all share."""
        found = moments(self._about.duration_seconds)
        return Stage(
            parts=(
                Part(top=_DEMAND[0], bottom=_DEMAND[1], ticks=_ticks(self._rates, most=3)),
                Part(top=_REPLICAS[0], bottom=_REPLICAS[1], ticks=_ticks(self._replicas, most=5, least_step=1.0)),
                Part(top=_KEPT[0], bottom=_KEPT[1], ticks=self._nines.ticks(only_tenths=True)),
            ),
            times=tuple(Tick(at=self._time.at(seconds), label=label) for seconds, label in found.named),
            unit=found.unit,
            demand=paths.area(
                self._steps(self._needed, lambda one: self._rates.at(one.requests_per_second)), base=_DEMAND[1]
            ),
            need=paths.area(self._steps(self._needed, lambda one: self._replicas.at(one.serving)), base=_REPLICAS[1]),
            objective=self._nines.at(self._about.objective_percent),
        )

    def multiple(self, result: Result) -> Multiple:
        """Return one policy's paths."""
        minutes = self._minutes(result)
        columns = thinned(minutes, most=_MOST_COLUMNS)
        kept = self._steps(windows(minutes, most=_MOST_WINDOWS), lambda one: self._nines.at(one.kept_percent or 0.0))
        objective = self._nines.at(self._about.objective_percent)
        return Multiple(
            wanted=paths.line(self._steps(columns, lambda one: self._replicas.at(one.wanted))),
            serving=paths.line(self._steps(columns, lambda one: self._replicas.at(one.serving))),
            kept=paths.line(kept),
            short=paths.bars([one for one in kept if one.level > objective], base=objective),
            beyond=most if (most := _most(result)) > self._replicas.high else None,
        )

    def _minutes(self, result: Result) -> tuple[Column, ...]:
        return whole_minutes(result.minutes, duration_seconds=self._about.duration_seconds)

    def _steps(self, columns: Sequence[Column], level: Callable[[Column], float]) -> list[Step]:
        return [
            Step(left=self._time.at(one.start_seconds), right=self._time.at(one.end_seconds), level=level(one))
            for one in columns
        ]


def _most(result: Result) -> int:
    return max((max(one.wanted, one.serving) for one in result.minutes), default=0)


def _ticks(axis: Axis, *, most: int, least_step: float = 0.0) -> tuple[Tick, ...]:
    values = round_values(axis.low, axis.high, most=most, least_step=least_step)
    return tuple(Tick(at=axis.at(value), label=number(value)) for value in values)
