"""Where a share of some numbers ends."""

from collections.abc import Sequence


def quantile(rising: Sequence[float], share: float) -> float:
    """Return the number that such a share does not exceed, evenly between two neighbours; at least one is needed."""
    place = share * (len(rising) - 1)
    low = int(place)
    high = min(low + 1, len(rising) - 1)
    return rising[low] + (place - low) * (rising[high] - rising[low])
