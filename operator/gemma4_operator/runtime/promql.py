"""The one question to Prometheus, and what its answer says of each pod.

One query asks for the values and for the moment at which they were scraped, so that both are of one scrape: the time
that the API gives with a value is that of the question. A pod that is scraped twice is taken from one of the two, since
adding up would double it.
"""

import json
import math
import re
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gemma4_operator.engines.base import Dialect
from gemma4_operator.scaling import figures
from gemma4_operator.scaling.figures import Series
from gemma4_operator.scaling.sample import Counts
from gemma4_operator.scaling.sound import tells_tokens

_MOMENT = "gemma4_moment_of"
"""A label of our own, by which the moments are told from the values."""
_SCRAPED_BY = ("job", "instance", "prometheus", "prometheus_replica")
"""Labels of whoever scraped, and not of the engine."""


@dataclass(slots=True, kw_only=True)
class _Scraped:
    """What one scraper has of one pod, by name: labels, values and bounds; and the moments of the scrapes."""

    columns: dict[str, tuple[list[Hashable], list[float], list[float]]] = field(default_factory=dict)
    moments: dict[str, float] = field(default_factory=dict)

    def add(self, labels: Mapping[str, str], value: float) -> None:
        """Take in one row of an answer."""
        if _MOMENT in labels:
            name = labels[_MOMENT]
            self.moments[name] = min(value, self.moments.get(name, math.inf))
            return
        known, values, bounds = self.columns.setdefault(labels.get("__name__", ""), ([], [], []))
        known.append(frozenset(labels.items()))
        values.append(value)
        bounds.append(_number(labels.get("le")))

    def series(self, name: str) -> Series:
        """Return the series of one name."""
        return Series(*self.columns.get(name, ((), ())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a pod's engine said, `age_seconds` before it was asked for; `stamp` names that moment."""

    counts: Counts
    stamp: float
    age_seconds: float


class NoAnswer(Exception):
    """What came back says nothing of any pod; the message is for people."""


def query(
    dialects: Sequence[Dialect], *, namespace: str, pods: Iterable[str], namespace_label: str, pod_label: str
) -> str:
    """Return the query for the figures of some pods."""
    chosen = "|".join(re.escape(pod) for pod in pods)
    these = f"{namespace_label}={json.dumps(namespace)},{pod_label}=~{json.dumps(chosen)}"
    names = "|".join(dict.fromkeys(name for dialect in dialects for name in figures.names(dialect)))
    moments = (
        f'label_replace(timestamp({name}{{{these}}}), "{_MOMENT}", "{name}", "", "")'
        for name in dict.fromkeys(dialect.running for dialect in dialects)
    )
    return " or ".join((f'{{__name__=~"{names}",{these}}}', *moments))


def answer(data: bytes, dialects: Mapping[str, Sequence[Dialect]], *, pod_label: str) -> dict[str, Said]:
    """Return what each pod says, by its name; those of which nothing is known are not in it.

    Args:
        data: Prometheus' answer.
        dialects: In which each pod's engine may speak, by the pod's name.
        pod_label: The label that has the pod's name.

    Raises:
        NoAnswer: For one that is not whole, or is none.
    """
    scraped: dict[str, dict[tuple[str, ...], _Scraped]] = {}
    asked_at = 0.0
    for labels, at, value in _rows(data):
        asked_at = max(asked_at, at)
        by = tuple(labels.get(label, "") for label in _SCRAPED_BY)
        scraped.setdefault(labels.get(pod_label, ""), {}).setdefault(by, _Scraped()).add(labels, value)
    said = ((pod, _said(scraped.get(pod, {}).values(), spoken, asked_at)) for pod, spoken in dialects.items())
    return {pod: one for pod, one in said if one is not None}


def _said(scraped: Collection[_Scraped], dialects: Sequence[Dialect], asked_at: float) -> Said | None:
    """Return the newest that counts in the first dialect which any of it is in.

    A job that keeps few series, such as those of another scaler's recipe, may be newer than the one that keeps them all
    and tells nothing of what comes.
    """
    for dialect in dialects:
        told = (_told(one, dialect, asked_at) for one in scraped)
        if found := [said for said in told if said is not None]:
            return max(found, key=lambda said: (tells_tokens(said.counts), said.stamp))
    return None


def _told(scraped: _Scraped, dialect: Dialect, asked_at: float) -> Said | None:
    stamp, counts = scraped.moments.get(dialect.running, math.nan), figures.counts(scraped.series, dialect)
    if counts is None or not math.isfinite(stamp):
        return None
    return Said(counts=counts, stamp=stamp, age_seconds=max(asked_at - stamp, 0.0))


def _rows(data: bytes) -> list[tuple[dict[str, str], float, float]]:
    """Return labels, time of the question and value of each series."""
    try:
        said: Any = json.loads(data)
        if said["status"] != "success":
            raise NoAnswer(f"it says '{str(said.get('error', ''))[:200]}'")
        if said.get("warnings"):
            raise NoAnswer(f"it warns '{str(said['warnings'][0])[:200]}', so its answer may lack some pods")
        rows = said["data"]["result"]
        return [(dict(row["metric"]), _number(row["value"][0]), _number(row["value"][1])) for row in rows]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise NoAnswer(f"its answer is not one to an instant query ({type(error).__name__})") from error


def _number(text: Any) -> float:
    """Return a number; what is none is NaN, which no figure takes."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return math.nan
