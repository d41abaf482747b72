"""The tables: the same figures as the drawings, for who cannot see those or wants to know exactly."""

from collections.abc import Sequence
from dataclasses import dataclass

from gemma4_operator.sim.report import words
from gemma4_operator.sim.report.columns import Column, whole_minutes
from gemma4_operator.sim.report.columns import joined as joined_columns
from gemma4_operator.sim.report.frontier import beaten_by
from gemma4_operator.sim.report.shown import About, Shown
from gemma4_operator.sim.report.verdict import keepers, missers, verdict
from gemma4_operator.sim.result import Result

Row = tuple[str, ...]

POLICY_HEAD: Row = (
    "Policy",
    "Attainment",
    "Replicas, average",
    "Times clairvoyant",
    "Replicas, peak",
    "Changes per hour",
    "Worst five minutes",
    "Objective",
)
FRONTIER_HEAD: Row = ("Policy", "Replicas, average", "Attainment", "Beaten by")
HOURS_HEAD: Row = (
    "From",
    "Requests per second",
    "Clairvoyant, average",
    "Wanted at most",
    "Serving at least",
    "Paid for, average",
    "Attainment",
)
_MOST_ROWS = 24
_ROW_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows with a heading of their own."""

    title: str
    rows: tuple[Row, ...]


def policies(shown: Sequence[Shown], about: About, *, reference: Shown) -> tuple[Group, ...]:
    """Return those that keep the objective, the cheapest first, then the others, the nearest first."""
    objective = about.objective_percent
    known = [one for one in shown if one.is_reference]
    if reference.policy not in [one.policy for one in known]:
        known.append(reference)

    def rows(those: Sequence[Shown]) -> tuple[Row, ...]:
        return tuple(_policy_row(one, objective, reference.result) for one in those)

    groups = (
        Group(title=f"Keep {words.brief_percent(objective)}, the cheapest first", rows=rows(keepers(shown, objective))),
        Group(title=f"Miss {words.brief_percent(objective)}, the nearest first", rows=rows(missers(shown, objective))),
        Group(title="For comparison: knows what will come", rows=rows(known)),
    )
    return tuple(group for group in groups if group.rows)


def _policy_row(one: Shown, objective_percent: float, reference: Result) -> Row:
    result = one.result
    return (
        one.policy,
        words.percent(result.attainment_percent),
        f"{result.average_replicas:.2f}",
        words.ratio(result.average_replicas, reference.average_replicas),
        str(result.peak_replicas),
        f"{result.scale_events_per_hour:.1f}",
        words.percent(result.worst_five_minute_percent),
        verdict(result, objective_percent),
    )


def frontier_rows(shown: Sequence[Shown]) -> tuple[Row, ...]:
    """Return all points by cost, each with who beats it."""
    rows = []
    for one in sorted(shown, key=lambda one: (one.result.average_replicas, one.policy)):
        better = beaten_by(one, shown)
        fate = "not compared" if one.is_reference else better.policy if better else "nobody"
        cost = f"{one.result.average_replicas:.2f}"
        rows.append((one.policy, cost, words.percent(one.result.attainment_percent), fate))
    return tuple(rows)


def over_time(result: Result, about: About, *, reference: Result) -> tuple[Row, ...]:
    """Return a run in two dozen rows at most, of round lengths."""
    run, needed = (_pieces(one, about) for one in (result, reference))
    return tuple(
        (
            words.clock(one.start_seconds),
            words.number(one.requests_per_second),
            f"{need.replicas:.1f}",
            str(one.wanted),
            str(one.serving),
            f"{one.replicas:.1f}",
            "no requests" if one.kept_percent is None else words.percent(one.kept_percent),
        )
        for one, need in zip(run, needed, strict=True)
    )


def _pieces(result: Result, about: About) -> list[Column]:
    minutes = whole_minutes(result.minutes, duration_seconds=about.duration_seconds)
    length = next((one for one in _ROW_MINUTES if len(minutes) <= one * _MOST_ROWS), -(-len(minutes) // _MOST_ROWS))
    return [joined_columns(minutes[start : start + length]) for start in range(0, len(minutes), length)]
