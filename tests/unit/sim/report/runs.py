"""Runs for the tests of the report: small ones that were played, and results by hand."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from gemma4_operator.sim.report.shown import About, Shown
from gemma4_operator.sim.result import Minute, Result, result_of
from gemma4_operator.sim.rules import make
from gemma4_operator.sim.world import play
from tests.unit.sim.settings import circumstances, request, setting

ABOUT = About(
    title="chats.csv",
    facts=(("Traffic", "some"), ("Seed", "1")),
    duration_seconds=1200.0,
    objective_percent=99.0,
    version="1.2.3",
)


def about(**changes: Any) -> About:
    values = {name: getattr(ABOUT, name) for name in About.__slots__}
    return About(**(values | changes))


def minute(number: int, **changes: Any) -> Minute:
    values = {"wanted": 1, "serving": 1, "replicas": 1.0, "arrived": 60, "kept": 60}
    return Minute(start_seconds=60.0 * number, **(values | changes))


def result(
    attainment: float = 100.0, cost: float = 2.0, *, minutes: Sequence[Minute] | None = None, **changes: Any
) -> Result:
    """Return a run of twenty minutes in which nothing changes."""
    rows = tuple(minutes) if minutes is not None else tuple(minute(number) for number in range(20))
    values: dict[str, Any] = {
        "requests": 1200,
        "attainment_percent": attainment,
        "average_replicas": cost,
        "peak_replicas": round(cost),
        "scale_events_per_hour": 3.0,
        "worst_five_minute_percent": attainment,
        "missed_first_token": 10,
        "missed_token": 2,
        "lost": 0,
        "preemptions": 0,
        "minutes": rows,
    }
    return Result(**(values | changes))


def shown(policy: str = "hpa", attainment: float = 100.0, cost: float = 2.0, **changes: Any) -> Shown:
    return Shown(policy=policy, result=result(attainment, cost, **changes))


@cache
def played(*policies: str) -> tuple[Shown, ...]:
    """Return what becomes of forty minutes that rise and fall between 8 and 40 requests a second."""
    trace, at = [], 0.0
    while at < 2400.0:
        trace.append(request(at, 200, 50))
        at += 1 / (8 + 32 * max(0.0, 1 - abs(at - 1200.0) / 600.0))
    where = setting(boot_seconds=60.0)
    return tuple(
        Shown(
            policy=policy,
            result=result_of(
                play(trace, make(policy, setting=where, trace=trace), circumstances=circumstances(setting=where)),
                where.objectives,
            ),
        )
        for policy in policies
    )
