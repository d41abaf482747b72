"""The frontier: what each policy costs against what it keeps, and which are beaten by another."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from gemma4_operator.sim.report import paths
from gemma4_operator.sim.report.axis import Axis, Tick, round_values
from gemma4_operator.sim.report.labels import Box, Label, labelled
from gemma4_operator.sim.report.nines import Nines
from gemma4_operator.sim.report.paths import Step
from gemma4_operator.sim.report.shown import About, Shown
from gemma4_operator.sim.report.words import number

_LEFT, _RIGHT, _TOP, _BOTTOM = 48.0, 14.0, 46.0, 46.0
_ABOVE = 26.0
"""What names may use of the room above the plot, where all that miss next to nothing are."""
_ROOM = 0.06
"""Of the costs' span, on both sides of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A policy's mark.

    Attributes:
        is_on: No other costs as little and keeps as much.
    """

    shown: Shown
    x: float
    y: float
    is_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """The drawing.

    Attributes:
        lines: For each rule that was played with several settings, the path through them.
        edge: The path from one point on the frontier to the next.
        objective: Where the objective's line is.
    """

    width: float
    height: float
    plot: Box
    costs: tuple[Tick, ...]
    shares: tuple[Tick, ...]
    points: tuple[Point, ...]
    labels: tuple[tuple[Label, Point], ...]
    lines: tuple[str, ...]
    edge: str
    objective: float


def beaten_by(shown: Shown, others: Sequence[Shown]) -> Shown | None:
    """Return the cheapest policy that costs no more and keeps no less, and is better in one of them; None: on it.

    The reference beats nobody, since nobody can have it; of two alike both are on the frontier.
    """
    cost, kept = shown.result.average_replicas, shown.result.attainment_percent
    better = [
        other
        for other in others
        if not other.is_reference
        and other.result.average_replicas <= cost
        and other.result.attainment_percent >= kept
        and (other.result.average_replicas, other.result.attainment_percent) != (cost, kept)
    ]
    return min(better, key=lambda other: other.result.average_replicas, default=None)


def frontier(shown: Sequence[Shown], about: About, *, width: float, height: float) -> Frontier:
    """Draw all policies, the reference among them, in a room of that size."""
    plot = Box(left=_LEFT, top=_TOP, right=width - _RIGHT, bottom=height - _BOTTOM)
    costs = [one.result.average_replicas for one in shown]
    margin = _ROOM * (max(costs) - min(costs)) or 0.5
    axis = Axis(low=max(0.0, min(costs) - margin), high=max(costs) + margin, start=plot.left, end=plot.right)
    lowest = min(one.result.attainment_percent for one in shown)
    nines = Nines(objective_percent=about.objective_percent, low_percent=lowest, start=plot.bottom, end=plot.top)
    points = tuple(
        Point(
            shown=one,
            x=axis.at(one.result.average_replicas),
            y=nines.at(one.result.attainment_percent),
            is_on=beaten_by(one, shown) is None,
        )
        for one in shown
    )
    edge = _edge(points, plot)
    return Frontier(
        width=width,
        height=height,
        plot=plot,
        costs=tuple(
            Tick(at=axis.at(value), label=number(value))
            for value in round_values(axis.low, axis.high, most=max(3, int(width / 70)))
        ),
        shares=nines.ticks(),
        points=points,
        labels=tuple(_labels(points, plot, lines=_corridors(edge))),
        lines=tuple(_lines(points)),
        edge=paths.line(edge),
        objective=nines.at(about.objective_percent),
    )


def _by_rule(points: Sequence[Point]) -> list[list[Point]]:
    """Return the points of each rule, in the order in which its settings were given, as a sweep goes."""
    in_order = sorted(points, key=lambda point: point.shown.rule)
    return [list(group) for _, group in groupby(in_order, key=lambda point: point.shown.rule)]


def _labels(points: Sequence[Point], plot: Box, *, lines: Sequence[Box]) -> list[tuple[Label, Point]]:
    """Name each rule once: a single setting in full, several at the one that is best."""
    named = []
    for group in _by_rule(points):
        best = max(group, key=lambda point: (point.is_on, -point.y, -point.x))
        named.append((best, best.shown.policy if len(group) == 1 else best.shown.rule))
    named.sort(key=lambda pair: (not pair[0].is_on, pair[0].x))
    wishes = [(point.x, point.y, text) for point, text in named]
    marks = [(point.x, point.y) for point in points]
    room = replace(plot, top=plot.top - _ABOVE)
    return list(zip(labelled(wishes, marks=marks, lines=lines, room=room), [point for point, _ in named], strict=True))


def _lines(points: Sequence[Point]) -> list[str]:
    return [
        "M" + "L".join(f"{paths.place(point.x)} {paths.place(point.y)}" for point in group)
        for group in _by_rule(points)
        if len(group) > 1
    ]


def _edge(points: Sequence[Point], plot: Box) -> list[Step]:
    """Return the levels along which nobody is better: for a cost, the most that is kept at it."""
    on = sorted({(point.x, point.y) for point in points if point.is_on and not point.shown.is_reference})
    ends = [x for x, _ in on[1:]] + [plot.right]
    return [Step(left=x, right=end, level=y) for (x, y), end in zip(on, ends, strict=False)]


def _corridors(edge: Sequence[Step]) -> list[Box]:
    """Return the room that the edge's line takes, across and upwards."""
    across = [Box(left=one.left, top=one.level - 1, right=one.right, bottom=one.level + 1) for one in edge]
    upwards = [
        Box(left=after.left - 1, top=after.level, right=after.left + 1, bottom=before.level)
        for before, after in pairwise(edge)
    ]
    return across + upwards
