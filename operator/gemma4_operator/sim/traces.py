"""Reads recorded traffic: logs of requests, and rates over time, in the forms in which they are published.

| form | has |
| --- | --- |
| Azure's CSV | `TIMESTAMP`, `ContextTokens`, `GeneratedTokens` for each request |
| Mooncake's JSON lines | `timestamp` in milliseconds, `input_length`, `output_length` for each request |
| rates a minute, CSV | `day_offset` in days, `req_per_min_mid` |
| rates a second, CSV | `t_s`, `total_rate_rps` |

The first two are logs and the others rates; which one a text is, its first line says. Times count from the first
request of a log, and from zero in rates. An answer in a log has at least one token, and so has a prompt.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from gemma4_operator.sim.invalid import InvalidTrace
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.rows import Row, columns_of, csv_rows, json_rows

_DAY_SECONDS = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Each request that came, in the order of arrival."""

    requests: tuple[Request, ...]

    @property
    def end_seconds(self) -> float:
        """When the last came."""
        return self.requests[-1].arrival_seconds if self.requests else 0.0

    def between(self, start_seconds: float, end_seconds: float) -> "Log":
        """Return a part, whose times count from its start."""
        return Log(
            requests=tuple(
                Request(
                    arrival_seconds=request.arrival_seconds - start_seconds,
                    input_tokens=request.input_tokens,
                    output_tokens=request.output_tokens,
                )
                for request in self.requests
                if start_seconds <= request.arrival_seconds <= end_seconds
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How many requests came in a second, at points in time, at least two; straight between them."""

    points: tuple[tuple[float, float], ...]

    @property
    def end_seconds(self) -> float:
        """When the last point is."""
        return self.points[-1][0]

    def between(self, start_seconds: float, end_seconds: float) -> "Rates":
        """Return a part, whose times count from its start."""
        inside = [(at, rate) for at, rate in self.points if start_seconds < at < end_seconds]
        edges = [(at, self._at(at)) for at in (start_seconds, end_seconds)]
        return Rates(points=tuple((at - start_seconds, rate) for at, rate in (edges[0], *inside, edges[1])))

    def _at(self, seconds: float) -> float:
        """Return the rate at a moment; before the first point and after the last it stays what it is there."""
        before = [point for point in self.points if point[0] <= seconds]
        after = [point for point in self.points if point[0] > seconds]
        if not before or not after:
            return (before or after)[-1 if before else 0][1]
        (start, low), (end, high) = before[-1], after[0]
        return low + (high - low) * (seconds - start) / (end - start)


def read(text: str, *, where: str) -> Log | Rates:
    """Return what a text holds.

    Args:
        text: The whole file.
        where: Its name, for messages.

    Raises:
        InvalidTrace: with the place, and what must be there.
    """
    if text.lstrip().startswith("{"):
        return _log(json_rows(text, where))
    columns = columns_of(text, where)
    for needed, make in _FORMS.items():
        if columns.issuperset(needed):
            return make(csv_rows(text, where))
    forms = "; ".join(",".join(needed) for needed in _FORMS)
    raise InvalidTrace(
        f"{where}: must be JSON lines with timestamp,input_length,output_length, or CSV with one of these sets of "
        f"columns: {forms}"
    )


def _azure(rows: Iterator[Row]) -> Log:
    first: datetime | None = None
    found = []
    for row in rows:
        moment = row.moment("TIMESTAMP")
        first = first or moment
        try:
            seconds = (moment - first).total_seconds()
        except TypeError:
            raise row.wrong("TIMESTAMP", "a time like those before it, all with a zone or all without") from None
        found.append((seconds, row.tokens("ContextTokens"), row.tokens("GeneratedTokens")))
    return _in_order(found)


def _log(rows: Iterator[Row]) -> Log:
    return _in_order(
        [(row.number("timestamp") / 1000, row.tokens("input_length"), row.tokens("output_length")) for row in rows]
    )


def _in_order(found: list[tuple[float, int, int]]) -> Log:
    found.sort(key=lambda one: one[0])
    start = found[0][0] if found else 0.0
    return Log(
        requests=tuple(
            Request(arrival_seconds=seconds - start, input_tokens=given, output_tokens=asked)
            for seconds, given, asked in found
        )
    )


def _daily(rows: Iterator[Row]) -> Rates:
    return _rates(rows, "day_offset", _DAY_SECONDS, "req_per_min_mid", 1 / 60)


def _by_seconds(rows: Iterator[Row]) -> Rates:
    return _rates(rows, "t_s", 1.0, "total_rate_rps", 1.0)


def _rates(rows: Iterator[Row], time: str, time_unit: float, rate: str, rate_unit: float) -> Rates:
    points: list[tuple[float, float]] = []
    where = ""
    for row in rows:
        where = row.where
        point = (row.number(time) * time_unit, row.number(rate) * rate_unit)
        if points and point[0] <= points[-1][0]:
            raise row.wrong(time, "later than in the row before")
        points.append(point)
    if len(points) < 2:
        raise InvalidTrace(f"{where or 'the file'}: there must be at least two rows with rates")
    return Rates(points=tuple(points))


_FORMS: Mapping[tuple[str, ...], Callable[[Iterator[Row]], Log | Rates]] = {
    ("TIMESTAMP", "ContextTokens", "GeneratedTokens"): _azure,
    ("day_offset", "req_per_min_mid"): _daily,
    ("t_s", "total_rate_rps"): _by_seconds,
}
