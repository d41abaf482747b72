"""Hand-made views for tests of rules: a setting, replicas at work, and a clock that moves from view to view."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from gemma4_operator.scaling.sample import Counts, Histogram, Replica, Sample, Stage
from gemma4_operator.sim.policy import Policy, Seen, View
from gemma4_operator.sim.setting import EngineModel, Objectives, Setting

ENGINE = EngineModel(
    fixed_seconds=0.014,
    sequence_seconds=0.00016,
    context_token_seconds=40e-9,
    prompt_token_seconds=48e-6,
    cache_tokens=100_000,
    max_sequences=256,
    max_batched_tokens=768,
)
SETTING = Setting(
    engine=ENGINE,
    objectives=Objectives(first_token_seconds=2.0, token_seconds=0.060, attainment=0.99),
    boot_seconds=100.0,
    boot_variation=0.1,
    scrape_delay_seconds=0.0,
    minimum=1,
    maximum=20,
    input_tokens=1000.0,
    output_tokens=200.0,
)


def setting(**changes: Any) -> Setting:
    return replace(SETTING, **changes)


def seen(
    name: str = "a",
    *,
    stage: Stage = Stage.SERVING,
    running: int = 0,
    waiting: int = 0,
    queued: int = 0,
    cache: int = 0,
    capacity: int = ENGINE.cache_tokens,
    at: float = 0.0,
    counts: Counts | None = None,
) -> Seen:
    """One replica, and what its engine has counted by then."""
    sample = None if counts is None else Sample(at_seconds=at, counts=counts)
    return Seen(
        replica=Replica(name=name, stage=stage, since_seconds=0.0, sample=sample),
        running=running,
        waiting=waiting,
        queued_prompt_tokens=queued,
        cache_tokens=cache,
        cache_capacity_tokens=capacity,
    )


def fleet(count: int, **of_each: Any) -> list[Seen]:
    """So many alike that serve, unless a stage is said."""
    stage = of_each.get("stage", Stage.SERVING)
    return [seen(f"{stage}-{index}", **of_each) for index in range(count)]


def view(replicas: Sequence[Seen], *, now: float = 0.0, wanted: int | None = None, **more: int) -> View:
    """What there is; as many are wanted as stand, unless that is said."""
    standing = sum(each.replica.stage is not Stage.LEAVING for each in replicas)
    return View(
        now_seconds=now,
        wanted=standing if wanted is None else wanted,
        replicas=tuple(replicas),
        gateway_waiting=more.get("held", 0),
        arrived=more.get("arrived", 0),
    )


def counts(**totals: Any) -> Counts:
    return Counts(running=0.0, waiting=0.0, **totals)


def times(p90_seconds: float, count: float) -> Histogram:
    """So many times of which nine tenths are at most that: all are in one bucket, evenly."""
    width = p90_seconds / 10
    low, high = p90_seconds - 0.9 * width, p90_seconds + 0.1 * width
    return Histogram(sum_seconds=p90_seconds * count, buckets=((low, 0.0), (high, count), (inf, count)))


def drive(
    rule: Policy, show: Callable[[float, int], View], *, until: float, wanted: int, start: float = 0.0
) -> list[tuple[float, int]]:
    """Ask a rule at each of its turns, with what it wanted last, and return when it wanted what."""
    turns: list[tuple[float, int]] = []
    now = start
    while now <= until:
        wanted = rule.wanted(show(now, wanted))
        turns.append((now, wanted))
        now += rule.interval_seconds
    return turns


def steady(rule: Policy, **of_each: Any) -> Callable[[float, int], View]:
    """A fleet that is always as large as was wanted, with the same work at each replica."""
    del rule
    return lambda now, wanted: view(fleet(wanted, **of_each), now=now, wanted=wanted)
