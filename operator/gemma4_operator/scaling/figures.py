"""Counts made of the series that an engine publishes: added up where it counts in parts, and doubted before that.

What cannot be is not said: one value that is no number, or one part too few, and its figure is None. Where nothing says
how much is in work, there are no counts at all, since a scaler would take silence for rest.
"""

import itertools
import math
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from gemma4_operator.engines.base import Dialect
from gemma4_operator.scaling.sample import Counts, Histogram

MOST = 2.0**53
"""Above it a float no longer counts one by one, and no engine gets there."""


class Point(NamedTuple):
    """One series at one moment; a tuple, as some thousand are made each second.

    Attributes:
        labels: What tells it apart from the other series of its name.
        bound: The upper bound of a histogram's bucket; None for all else.
    """

    labels: Hashable
    bound: float | None
    value: float


Look = Callable[[str], Sequence[Point] | None]
"""Gives all series of one name: none if it is not published, None if what is there cannot be read."""


def counts(look: Look, dialect: Dialect) -> Counts | None:
    """Return what an engine says of itself; None: not how much is in work."""
    running, waiting = _total(look, (dialect.running,)), _total(look, (dialect.waiting,))
    if running is None or waiting is None:
        return None
    cached = _total(look, dialect.cached_tokens)
    prompt = _total(look, (dialect.prompt_tokens,))
    if not dialect.prompt_includes_cached:
        prompt = None if prompt is None or cached is None else prompt + cached
    return Counts(
        running=running,
        waiting=waiting,
        finished=_total(look, dialect.finished),
        prompt_tokens=prompt,
        cached_tokens=cached,
        generation_tokens=_total(look, (dialect.generation_tokens,)),
        cache_usage=_share(look, dialect.cache_usage),
        first_token=_histogram(look, dialect.first_token_seconds),
        output_token=_histogram(look, dialect.output_token_seconds),
    )


def names(dialect: Dialect) -> tuple[str, ...]:
    """Return every name that is looked for, for whoever must fetch them first."""
    plain = (dialect.running, dialect.waiting, dialect.prompt_tokens, dialect.generation_tokens)
    told = (*plain, *dialect.cached_tokens, *dialect.finished, *dialect.cache_usage)
    histograms = (*dialect.first_token_seconds, *dialect.output_token_seconds)
    return (*told, *(f"{name}_{part}" for name in histograms for part in ("bucket", "sum")))


def _values(look: Look, names: Sequence[str]) -> list[float] | None:
    """Return the values of the first name that is there; None: none is, or one of them cannot be."""
    for name in names:
        points = look(name)
        if points is None:
            return None
        if points:
            values = [point.value for point in points]
            alike = len({point.labels for point in points}) < len(points)
            return None if alike or not all(0.0 <= value <= MOST for value in values) else values
    return None


def _total(look: Look, names: Sequence[str]) -> float | None:
    values = _values(look, names)
    return None if values is None else math.fsum(values)


def _share(look: Look, names: Sequence[str]) -> float | None:
    """Return the mean of the parts, which is the share of the whole where all are of one size, as engines make them."""
    values = _values(look, names)
    return None if not values or max(values) > 1.0 else math.fsum(values) / len(values)


def _histogram(look: Look, names: Sequence[str]) -> Histogram | None:
    for name in names:
        buckets = look(f"{name}_bucket")
        if buckets is None:
            return None
        if buckets:
            sums = _values(look, (f"{name}_sum",))
            return None if sums is None else _merged(buckets, sums)
    return None


def _merged(buckets: Sequence[Point], sums: Sequence[float]) -> Histogram | None:
    """Return the parts as one; None: the buckets of one are missing, or they cannot be."""
    parts: dict[float, list[float]] = {}
    for _, bound, value in buckets:
        if bound is None or not bound >= 0.0 or not 0.0 <= value <= MOST:
            return None
        parts.setdefault(bound, []).append(value)
    if len({labels for labels, _, _ in buckets}) < len(buckets) or any(len(one) != len(sums) for one in parts.values()):
        return None
    merged = tuple((bound, math.fsum(parts[bound])) for bound in sorted(parts))
    rising = all(before[1] <= after[1] for before, after in itertools.pairwise(merged))
    return Histogram(sum_seconds=math.fsum(sums), buckets=merged) if rising and merged[-1][0] == math.inf else None
