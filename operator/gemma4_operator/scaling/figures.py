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


class Series(NamedTuple):
    """All series of one name at one moment, column by column, since hundreds of them are judged each second.

    Attributes:
        labels: What tells each apart from the others.
        values: What each says.
        bounds: The upper bound of each histogram's bucket; empty for all else.
    """

    labels: Sequence[Hashable]
    values: Sequence[float]
    bounds: Sequence[float] = ()


Look = Callable[[str], Series | None]
"""Gives the series of one name: empty if it is not published, None if what is there cannot be read."""


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


def _first(look: Look, names: Sequence[str]) -> Series | None:
    """Return the series of the first name that is there; None: none is, or what is there cannot be."""
    for name in names:
        series = look(name)
        if series is None:
            return None
        if series.values:
            return series if _is_sound(series) else None
    return None


def _is_sound(series: Series) -> bool:
    """Whether each is a count, and none is there twice, which would count twice."""
    # A NaN may hide from the comparisons, but not from the sum.
    in_bounds = min(series.values) >= 0.0 and max(series.values) <= MOST and not math.isnan(sum(series.values))
    return in_bounds and len(set(series.labels)) == len(series.labels)


def _total(look: Look, names: Sequence[str]) -> float | None:
    series = _first(look, names)
    return None if series is None else math.fsum(series.values)


def _share(look: Look, names: Sequence[str]) -> float | None:
    """Return the mean of the parts, which is the share of the whole where all are of one size, as engines make them."""
    series = _first(look, names)
    return None if series is None or max(series.values) > 1.0 else math.fsum(series.values) / len(series.values)


def _histogram(look: Look, names: Sequence[str]) -> Histogram | None:
    for name in names:
        buckets = look(f"{name}_bucket")
        if buckets is None:
            return None
        if buckets.values:
            sums = _first(look, (f"{name}_sum",))
            return _merged(buckets, sums.values) if sums is not None and _is_sound(buckets) else None
    return None


def _merged(buckets: Series, sums: Sequence[float]) -> Histogram | None:
    """Return the parts as one; None: the buckets of one are missing, or they cannot be."""
    parts: dict[float, list[float]] = {}
    for bound, value in zip(buckets.bounds, buckets.values, strict=True):
        parts.setdefault(bound, []).append(value)
    if any(len(part) != len(sums) for part in parts.values()) or not all(bound >= 0.0 for bound in parts):
        return None
    merged = tuple((bound, math.fsum(parts[bound])) for bound in sorted(parts))
    rising = all(before[1] <= after[1] for before, after in itertools.pairwise(merged))
    return Histogram(sum_seconds=math.fsum(sums), buckets=merged) if rising and merged[-1][0] == math.inf else None
