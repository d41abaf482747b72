"""The few series that a scaler needs, read out of an exposition whose other hundreds of lines nobody parses.

All names are looked for at once, as bytes, and only the lines that begin with one are taken apart. Nothing here goes
over a line twice, so the worst answer of an engine takes as long as any other of its size.
"""

import re
from collections.abc import Sequence
from functools import cache
from itertools import takewhile

from gemma4_operator.engines.base import Dialect
from gemma4_operator.scaling import figures
from gemma4_operator.scaling.figures import Series
from gemma4_operator.scaling.sample import Counts

MOST_SERIES = 4096
"""Of one name: 25 buckets of 160 engines in one pod."""

_NUMBER = rb"[0-9]++(?:\.[0-9]*+)?+(?:[eE][+-]?+[0-9]++)?+"
# All of it possessive: what does not match at once is not tried in other ways.
_REST = (
    rb'[ \t]*+(\{[^"}\n]*+(?:"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"[^"}\n]*+)*+\})?+'
    rb"[ \t]*+(" + _NUMBER + rb")"
    rb"(?:[ \t]++-?+[0-9.eE+]++)?+[ \t]*+(?:#[^\n]*+)?+(?=\n)"
)
"""What follows a name: labels, a value, and where there are some a timestamp and an exemplar."""
# What precedes is looked at last, so that the search is for fixed bytes.
_BOUND = re.compile(rb'le="(?<=[{,]le=")(\+Inf|' + _NUMBER + rb')"')
_NOTHING = Series((), ())


def counts(exposition: bytes, dialect: Dialect) -> Counts | None:
    """Return what an engine says of itself; None: it does not say how much is in work, or its answer was cut off."""
    if not exposition.endswith((b"\n", b"# EOF")):
        return None
    pattern, shared = _pattern(dialect)
    lines: dict[bytes, list[tuple[bytes, bytes]]] = {}
    for rest, labels, value in pattern.findall(b"\n" + exposition):
        lines.setdefault(rest, []).append((labels, value))
    return figures.counts(lambda name: _series(name, lines.get(name[shared:].encode(), ())), dialect)


@cache
def _pattern(dialect: Dialect) -> tuple[re.Pattern[bytes], int]:
    """Return what finds the lines of all names, and how many characters the names share at their beginning.

    It gives what follows those in the name, labels, and the value, which is empty where the line cannot be read. A name
    that is followed by another character is another name.
    """
    names = figures.names(dialect)
    # What the first and the last of the alphabet share, all between them share too.
    shared = sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(min(names), max(names), strict=False)))
    rests = "|".join(re.escape(name[shared:]) for name in names)
    start = f"\n{re.escape(names[0][:shared])}({rests})".encode()
    return re.compile(start + rb"(?=[{ \t])(?:" + _REST + rb")?+"), shared


def _series(name: str, lines: Sequence[tuple[bytes, bytes]]) -> Series | None:
    """Return the series of one name; None: one of its lines cannot be read, or they are too many."""
    if not lines:
        return _NOTHING
    labels, values = zip(*lines, strict=True)
    has_bounds = name.endswith("_bucket")
    bounds = _BOUND.findall(b"".join(labels)) if has_bounds else []
    if len(lines) > MOST_SERIES or b"" in values or len(bounds) != has_bounds * len(lines):
        return None
    return Series(labels, [float(value) for value in values], [float(bound) for bound in bounds])
