"""The few series that a scaler needs, read out of an exposition whose other hundreds of lines nobody parses.

A name is looked for as bytes, and only the lines that begin with it are taken apart. Nothing here goes over a line
twice, so the worst answer of an engine takes as long as any other of its size.
"""

import math
import re

from gemma4_operator.engines.base import Dialect
from gemma4_operator.scaling import figures
from gemma4_operator.scaling.figures import Point
from gemma4_operator.scaling.sample import Counts

MOST_SERIES = 4096
"""Of one name: 25 buckets of 160 engines in one pod."""

_NUMBER = rb"[0-9]++(?:\.[0-9]*+)?+(?:[eE][+-]?+[0-9]++)?+"
# All of it possessive: what does not match at once is not tried in other ways.
_REST = re.compile(
    rb'[ \t]*+(\{[^"}\n]*+(?:"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"[^"}\n]*+)*+\})?+'
    rb"[ \t]*+(" + _NUMBER + rb")"
    rb"(?:[ \t]++-?+[0-9.eE+]++)?+[ \t]*+(?:#[^\n]*+)?+\n"
)
"""What follows a name: labels, a value, and where there are some a timestamp and an exemplar."""
_BOUND = re.compile(rb'[{,][ \t]*+le="(?:(\+Inf)|(' + _NUMBER + rb'))"')


def counts(exposition: bytes, dialect: Dialect) -> Counts | None:
    """Return what an engine says of itself; None: it does not say how much is in work, or its answer was cut off."""
    if not exposition.endswith((b"\n", b"# EOF")):
        return None
    text = b"\n" + exposition
    return figures.counts(lambda name: _points(text, name), dialect)


def _points(text: bytes, name: str) -> list[Point] | None:
    """Return the series of one name; None: one of its lines cannot be read, or they are too many."""
    start, bounded = b"\n" + name.encode(), name.endswith("_bucket")
    found: list[Point] = []
    at = text.find(start)
    while at >= 0:
        at += len(start)
        # Otherwise it is another name that only begins like this one.
        if text[at] in b"{ \t":
            line = _REST.match(text, at)
            bound = _bound(line[1] or b"") if line is not None and bounded else None
            if line is None or (bounded and bound is None) or len(found) == MOST_SERIES:
                return None
            found.append(Point(line[1], bound, float(line[2])))
            at = line.end() - 1
        at = text.find(start, at)
    return found


def _bound(labels: bytes) -> float | None:
    found = _BOUND.search(labels)
    if found is None:
        return None
    return math.inf if found[1] else float(found[2])
