"""Names of GPUs: the node label's value without what sharing and slicing add to it, and which one a slip may mean."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

_SUFFIX = re.compile(r"(-SHARED|-MIG-[0-9a-z.+]+)+$", re.IGNORECASE)
_NO_LETTERS = re.compile(r"^nvidia|[^a-z0-9]")
_CLOSE = 0.5
"""How alike names must be, of 1, to be taken for each other's misspelling."""
_TELLING = 2
"""How many letters and digits tell a GPU: L4 and T4 have no more, and one alone is in half of all names."""


def normalized(product: str) -> str:
    """Return a product's name for comparison: no -SHARED, no -MIG-3g.40gb, lower case."""
    return _SUFFIX.sub("", product).lower()


def alike(name: str, known: Sequence[str], *, most: int) -> tuple[str, ...]:
    """Return the known names that may be meant, the likeliest first: those that contain it, then those much like it.

    People write H100 or RTX 4090, as the GPU is called, where the label is NVIDIA-H100-80GB-HBM3.
    """
    letters = _letters(name)
    containing = sorted((one for one in known if len(letters) >= _TELLING and letters in _letters(one)), key=len)
    resembling = get_close_matches(name, known, n=most, cutoff=_CLOSE)
    return tuple(dict.fromkeys((*containing, *resembling)))[:most]


def _letters(name: str) -> str:
    return _NO_LETTERS.sub("", name.lower())
