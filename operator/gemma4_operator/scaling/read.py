"""The few series that a scaler needs, read out of an exposition whose other hundreds of lines nobody parses.

A name is looked for as bytes, and only the lines that begin with it are taken apart. Nothing here goes over a line
twice, so the worst answer of an engine takes as long as any other of its size.
"""

import math
import re

from gemma4_operator.engines.base import Dialect
from gemma4_operator.scaling import figures
from gemma4_operator.scaling.figures import Series
from gemma4_operator.scaling.sample import Counts

MOST_SERIES = 4096
"""Of one name: 25 buckets of 160 engines in one pod."""

_NUMBER = rb"[0-9]++(?:\.[0-9]*+)?+(?:[eE][+-]?+[0-9]++)?+"
# All of it possessive: what does not match at once is not tried in other ways.
_REST = (
    rb'(?=[{ \t])[ \t]*+(\{[^"}\n]*+(?:"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"[^"}\n]*+)*+\})?+'
    rb"[ \t]*+(" + _NUMBER + rb")"
    rb"(?:[ \t]++-?+[0-9.eE+]++)?+[ \t]*+(?:#[^\n]*+)?+(?=\n)"
)
"""What follows a name: labels, a value, and where there are some a timestamp and an exemplar."""
_BOUND = re.compile(rb"\+Inf|" + _NUMBER)
_NOTHING = Series((), ())


def counts(exposition: bytes, dialect: Dialect) -> Counts | None:
    """Return what an engine says of itself; None: it does not say how much is in work, or its answer was cut off."""
    if not exposition.endswith((b"\n", b"# EOF")):
        return None
    text = b"\n" + exposition
    return figures.counts(lambda name: _series(text, name), dialect)


def _series(text: bytes, name: str) -> Series | None:
    """Return the series of one name; None: one of its lines cannot be read, or they are too many."""
    start = b"\n" + name.encode()
    first = text.find(start)
    if first < 0:
        return _NOTHING
    end = text.find(b"\n", text.rfind(start) + 1) + 1
    # A name that is followed by another character is another name.
    lines = sum(text.count(start + mark, first, end) for mark in (b"{", b" ", b"\t"))
    if lines > MOST_SERIES:
        return None
    # Compiled once: Python keeps its last patterns, and there are no more names than those of the dialects.
    found = re.compile(start + _REST).findall(text, first, end)
    if len(found) != lines:
        return None
    labels = [labels for labels, _ in found]
    bounds = _bounds(labels) if name.endswith("_bucket") else ()
    return None if bounds is None else Series(labels, [float(value) for _, value in found], bounds)


def _bounds(labels: list[bytes]) -> list[float] | None:
    """Return the bound of each bucket; None: one has none."""
    texts = [(b"," + one[1:]).partition(b',le="')[2].partition(b'"')[0] for one in labels]
    known = {text: _bound(text) for text in set(texts)}
    return None if any(map(math.isnan, known.values())) else [known[text] for text in texts]


def _bound(text: bytes) -> float:
    return float(text) if _BOUND.fullmatch(text) else math.nan
