"""Names beside points, so that none lies on another: of the places around a point, the first with room."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import hypot

_LETTER, _NARROW_LETTER, _WIDE_LETTER = 8.5, 5.0, 12.5
"""The widths of letters of 12 units in bold, in a font that is wider than most: which one a browser has is unknown."""
_NARROW, _WIDE = frozenset("fijlrt.,:;'|- "), frozenset("mwMW@%")
_ASCENT, _DESCENT = 11.0, 3.0
_MARK = 6.0
_FAR = 16.0
"""From its point on, a name needs a line to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A part of the plane."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: "Box") -> float:
        """Return how much of the plane both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A name: where its base line begins, whose end is at `anchor`, and whether a line must lead to its point."""

    text: str
    x: float
    y: float
    anchor: str
    is_far: bool
    box: Box


def labelled(
    wishes: Sequence[tuple[float, float, str]], *, marks: Sequence[tuple[float, float]], lines: Sequence[Box], room: Box
) -> list[Label]:
    """Return a label for each point with a name, those named first in the best places.

    Args:
        wishes: Points with names.
        marks: All points that no name may cover.
        lines: What a name had better not lie on.
        room: What no name may leave.
    """
    taken = [Box(left=x - _MARK, top=y - _MARK, right=x + _MARK, bottom=y + _MARK) for x, y in marks]
    found = []
    for x, y, text in wishes:
        label = min(_places(x, y, text), key=lambda one: _cost(one, taken, lines, room))
        taken.append(label.box)
        found.append(label)
    return found


def _cost(label: Label, taken: Sequence[Box], lines: Sequence[Box], room: Box) -> float:
    box = label.box
    outside = (box.right - box.left) * (box.bottom - box.top) - box.overlap(room)
    crossed = sum(box.overlap(line) > 0 for line in lines)
    return 10 * outside + sum(box.overlap(other) for other in taken) + crossed


def _width(letter: str) -> float:
    return _NARROW_LETTER if letter in _NARROW else _WIDE_LETTER if letter in _WIDE else _LETTER


def _places(x: float, y: float, text: str) -> Iterator[Label]:
    width = sum(map(_width, text))
    for distance in (9.0, 15.0, 24.0, 36.0, 50.0, 66.0):
        for right, down in ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1)):
            dx, dy = right * distance, down * distance
            anchor = {1: "start", -1: "end", 0: "middle"}[right]
            left = x + dx - {1: 0.0, -1: width, 0: width / 2}[right]
            base = y + dy + {1: _ASCENT - 2, -1: 0.0, 0: 4.0}[down]
            yield Label(
                text=text,
                x=x + dx,
                y=base,
                anchor=anchor,
                is_far=hypot(dx, dy) > _FAR,
                box=Box(left=left, top=base - _ASCENT, right=left + width, bottom=base + _DESCENT),
            )
