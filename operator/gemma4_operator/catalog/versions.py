"""Versions of engines as numbers that can be compared."""

import re
from functools import lru_cache

Version = tuple[int, ...]


@lru_cache(maxsize=256)
def version_of(text: str) -> Version:
    """Return a version's numbers, such as (0, 33, 0) of '0.33.0' and (10920,) of 'b10920'; empty: not known."""
    found = re.match(r"[bv]?([0-9]+(?:\.[0-9]+)*)", text)
    return tuple(int(number) for number in found[1].split(".")) if found else ()
