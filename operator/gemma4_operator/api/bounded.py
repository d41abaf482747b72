"""What a YAML document unfolds to: a few hundred bytes of aliases can stand for billions of values, or for no end."""

from typing import Any

MOST_LEVELS = 200
"""Kubernetes objects have twenty at most."""
MOST_VALUES = 1_000_000
"""Which aliases may stand for; without aliases a document may be of any size."""


class Unbounded(ValueError):
    """A document that is far larger than it looks; one clause that says what it must be."""


def require_bounded(document: Any) -> None:
    """Look through a document from anywhere.

    Raises:
        RecursionError: If it nests without end.
        Unbounded: If its aliases unfold to more than anybody writes.
    """
    sizes: dict[int, tuple[int, int]] = {}
    unfolded = _size(document, sizes, level=0)
    written = sum(own for _, own in sizes.values())
    if unfolded > MOST_VALUES and unfolded > 10 * written:
        raise Unbounded("must be what somebody wrote, and has aliases that unfold to millions of values")


def _size(value: Any, sizes: dict[int, tuple[int, int]], *, level: int) -> int:
    """Return how many values there are once each alias is unfolded, and note it beside the number of its own items."""
    if not isinstance(value, dict | list):
        return 1
    if level > MOST_LEVELS:
        raise RecursionError(f"more than {MOST_LEVELS} levels")
    if id(value) not in sizes:
        items = value.values() if isinstance(value, dict) else value
        sizes[id(value)] = (1 + sum(_size(item, sizes, level=level + 1) for item in items), 1 + len(value))
    return sizes[id(value)][0]
