"""Rows of CSV and of JSON lines, each with its place, so that what is wrong with one can be told."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from gemma4_operator.sim.invalid import InvalidTrace

_MOST_TOKENS = 10_000_000
_MOST = 1e15
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `where` is its place, for messages. All that reads it raises InvalidTrace."""

    values: Mapping[str, Any]
    where: str

    def number(self, key: str, most: float = _MOST) -> float:
        """Return a number of at least 0."""
        try:
            value = float(self.values[key])
        except (KeyError, TypeError, ValueError):
            value = -1.0
        if not (isfinite(value) and 0 <= value <= most):
            raise self.wrong(key, f"a number from 0 to {most:.0f}")
        return value

    def tokens(self, key: str) -> int:
        """Return a count of tokens; it is at least 1."""
        return max(1, round(self.number(key, _MOST_TOKENS)))

    def moment(self, key: str) -> datetime:
        """Return a point in time."""
        try:
            return datetime.fromisoformat(str(self.values[key]))
        except ValueError:
            raise self.wrong(key, "a time such as 2023-11-16 18:15:46.680") from None

    def wrong(self, key: str, must: str) -> InvalidTrace:
        """Return what is to be raised."""
        has = str(self.values.get(key))[:_SHOWN]
        return InvalidTrace(f"{self.where}: `{key}` must be {must}, and is '{has}'")


def columns_of(text: str, where: str) -> frozenset[str]:
    """Return the names in the first line of CSV. Raises InvalidTrace."""
    try:
        return frozenset(next(csv.reader(io.StringIO(text)), ()))
    except csv.Error as error:
        raise InvalidTrace(f"{where}:1: must be CSV, and is not: {error}") from error


def csv_rows(text: str, where: str) -> Iterator[Row]:
    """Yield the rows after the first line of CSV. Raises InvalidTrace."""
    reader = csv.DictReader(io.StringIO(text))
    try:
        for row in reader:
            yield Row(row, f"{where}:{reader.line_num}")
    except csv.Error as error:
        raise InvalidTrace(f"{where}:{reader.line_num + 1}: must be CSV, and is not: {error}") from error


def json_rows(text: str, where: str) -> Iterator[Row]:
    """Yield the objects of JSON lines; empty lines are passed over. Raises InvalidTrace."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise InvalidTrace(f"{where}:{number}: must be one JSON object, and is not")
        yield Row(value, f"{where}:{number}")
