"""Minutes of a run in as many columns as a drawing has room for; what matters most of each survives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from gemma4_operator.sim.result import Minute

_LEAST_SECONDS = 30.0
_WINDOW_MINUTES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Some minutes on end.

    Attributes:
        wanted: The most replicas that were wished for when one of them began; `serving` the fewest that then got
            requests.
        replicas: That cost something, on average.
        arrived: Requests that came; `kept` those of them that kept both objectives.
    """

    start_seconds: float
    end_seconds: float
    wanted: int
    serving: int
    replicas: float
    arrived: int
    kept: int

    @property
    def requests_per_second(self) -> float:
        """How many came, over time."""
        return self.arrived / (self.end_seconds - self.start_seconds)

    @property
    def kept_percent(self) -> float | None:
        """The share of those that came; None where none did."""
        return 100 * self.kept / self.arrived if self.arrived else None


def whole_minutes(minutes: Sequence[Minute], *, duration_seconds: float) -> tuple[Column, ...]:
    """Return each minute as a column. A last one that is but a moment belongs to the one before: it has no rate."""
    found: list[Column] = []
    for minute in minutes:
        end = min(minute.start_seconds + 60.0, duration_seconds)
        column = Column(
            start_seconds=minute.start_seconds,
            end_seconds=end,
            wanted=minute.wanted,
            serving=minute.serving,
            replicas=minute.replicas,
            arrived=minute.arrived,
            kept=minute.kept,
        )
        if found and end - minute.start_seconds < _LEAST_SECONDS:
            found[-1] = joined((found[-1], column))
        elif end > minute.start_seconds:
            found.append(column)
    return tuple(found)


def thinned(minutes: Sequence[Column], *, most: int) -> tuple[Column, ...]:
    """Return at most so many columns of equal length, but for the last."""
    return tuple(joined(part) for part in _parts(minutes, ceil(len(minutes) / most)))


def windows(minutes: Sequence[Column], *, most: int) -> tuple[Column, ...]:
    """Return windows of five minutes; where that makes too many, the worst of each few, over the time of all of them.

    Those in which nothing came are left out.
    """
    fives = [joined(part) for part in _parts(minutes, _WINDOW_MINUTES)]
    found = []
    for part in _parts(fives, ceil(len(fives) / most)):
        shares = [(one.kept_percent, one) for one in part]
        told = [(share, one) for share, one in shares if share is not None]
        if told:
            worst = min(told, key=lambda pair: pair[0])[1]
            found.append(replace(worst, start_seconds=part[0].start_seconds, end_seconds=part[-1].end_seconds))
    return tuple(found)


def joined(columns: Sequence[Column]) -> Column:
    """Return columns on end as one."""
    spans = [one.end_seconds - one.start_seconds for one in columns]
    return Column(
        start_seconds=columns[0].start_seconds,
        end_seconds=columns[-1].end_seconds,
        wanted=max(one.wanted for one in columns),
        serving=min(one.serving for one in columns),
        replicas=sum(one.replicas * span for one, span in zip(columns, spans, strict=True)) / sum(spans),
        arrived=sum(one.arrived for one in columns),
        kept=sum(one.kept for one in columns),
    )


def _parts(columns: Sequence[Column], length: int) -> Iterator[Sequence[Column]]:
    yield from (columns[start : start + length] for start in range(0, len(columns), max(length, 1)))
