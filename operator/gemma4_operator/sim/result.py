"""What a run is judged by: how many requests kept their objectives, and what the replicas cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from gemma4_operator.sim.run import Life, Played
from gemma4_operator.sim.setting import Objectives

_MINUTE_SECONDS = 60.0
_WINDOW_MINUTES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """One minute of a run.

    Attributes:
        start_seconds: Since the trace began.
        wanted: Replicas that were wished for when it began; `serving` those that then got requests.
        replicas: That cost something, on average.
        arrived: Requests that came in it; `kept` those of them that kept both objectives.
    """

    start_seconds: float
    wanted: int
    serving: int
    replicas: float
    arrived: int
    kept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A run in figures.

    Attributes:
        attainment_percent: Of all requests that came, those that kept both objectives.
        average_replicas: Over the trace, each counted from the wish for it until it is gone.
        peak_replicas: The most that there were at once, counted alike.
        scale_events_per_hour: How often the count that is wished for changed.
        worst_five_minute_percent: The attainment of those that came in the worst five minutes on end.
        missed_first_token: Requests whose first token came late or never; `missed_token` those that kept that one and
            not the other; `lost` those of the first that no replica could answer: it died, or had no room for them.
    """

    requests: int
    attainment_percent: float
    average_replicas: float
    peak_replicas: int
    scale_events_per_hour: float
    worst_five_minute_percent: float
    missed_first_token: int
    missed_token: int
    lost: int
    preemptions: int
    minutes: tuple[Minute, ...]


def result_of(played: Played, objectives: Objectives) -> Result:
    """Return the figures of a run."""
    ledger, end = played.ledger, played.end_seconds
    minutes = _minutes(played, objectives)
    kept = sum(minute.kept for minute in minutes)
    requests = len(ledger.requests)
    late = sum(
        index in ledger.lost or min(first, end) - request.arrival_seconds > objectives.first_token_seconds
        for index, (request, first) in enumerate(zip(ledger.requests, ledger.first_seconds, strict=True))
    )
    hours = played.duration_seconds / 3600
    return Result(
        requests=requests,
        attainment_percent=_percent(kept, requests),
        average_replicas=_replicas(played.lives, 0.0, played.duration_seconds),
        peak_replicas=_peak(played.lives, played.duration_seconds),
        scale_events_per_hour=(len(played.wanted) - 1) / hours if hours else 0.0,
        worst_five_minute_percent=_worst(minutes),
        missed_first_token=late,
        missed_token=requests - kept - late,
        lost=len(ledger.lost),
        preemptions=played.preemptions,
        minutes=minutes,
    )


def _minutes(played: Played, objectives: Objectives) -> tuple[Minute, ...]:
    ledger = played.ledger
    count = int(played.duration_seconds // _MINUTE_SECONDS) + 1
    arrived, kept = [0] * count, [0] * count
    for index, request in enumerate(ledger.requests):
        minute = int(request.arrival_seconds // _MINUTE_SECONDS)
        arrived[minute] += 1
        kept[minute] += ledger.is_kept(index, objectives, end_seconds=played.end_seconds)
    rows = []
    for minute in range(count):
        start = minute * _MINUTE_SECONDS
        rows.append(
            Minute(
                start_seconds=start,
                wanted=[wanted for at_seconds, wanted in played.wanted if at_seconds <= start][-1],
                serving=sum(_serves(life, start) for life in played.lives),
                replicas=_replicas(played.lives, start, min(start + _MINUTE_SECONDS, played.duration_seconds)),
                arrived=arrived[minute],
                kept=kept[minute],
            )
        )
    return tuple(rows)


def _serves(life: Life, at_seconds: float) -> bool:
    since, until = life.serving_since_seconds, _first(life.leaving_since_seconds, life.gone_seconds)
    return since is not None and since <= at_seconds and (until is None or at_seconds < until)


def _first(*moments: float | None) -> float | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _replicas(lives: Sequence[Life], start_seconds: float, end_seconds: float) -> float:
    """Return how many there were on average; at a single moment, how many there were then."""
    if end_seconds <= start_seconds:
        return float(
            sum(
                life.since_seconds <= start_seconds and (life.gone_seconds is None or start_seconds < life.gone_seconds)
                for life in lives
            )
        )
    spent = 0.0
    for life in lives:
        gone = end_seconds if life.gone_seconds is None else min(life.gone_seconds, end_seconds)
        spent += max(0.0, gone - max(life.since_seconds, start_seconds))
    return spent / (end_seconds - start_seconds)


def _peak(lives: Sequence[Life], end_seconds: float) -> int:
    # Of those at one moment, who goes makes room for who comes.
    changes = [(life.since_seconds, 1) for life in lives]
    changes += [(life.gone_seconds, -1) for life in lives if life.gone_seconds is not None]
    there = most = 0
    for at_seconds, change in sorted(changes):
        if at_seconds <= end_seconds:
            there += change
            most = max(most, there)
    return most


def _worst(minutes: Sequence[Minute]) -> float:
    """Return the attainment of the worst window; a trace that is shorter than one is one window."""
    windows = [minutes[start : start + _WINDOW_MINUTES] for start in range(max(1, len(minutes) - _WINDOW_MINUTES + 1))]
    sums = [(sum(one.kept for one in window), sum(one.arrived for one in window)) for window in windows]
    return min((_percent(kept, arrived) for kept, arrived in sums if arrived), default=100.0)


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 100.0
