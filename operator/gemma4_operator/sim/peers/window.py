"""The values of the last seconds, as a metrics store keeps them."""

from collections import deque


class Window:
    """Values with their times, of which only those less than `seconds` old count."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._values: deque[tuple[float, float]] = deque()

    def add(self, at_seconds: float, value: float) -> None:
        """Keep a value of this moment, and forget those that are too old by then."""
        self._values.append((at_seconds, value))
        while self._values[0][0] <= at_seconds - self._seconds:
            self._values.popleft()

    @property
    def mean(self) -> float:
        """Of all; 0 before the first."""
        return sum(value for _, value in self._values) / len(self._values) if self._values else 0.0

    @property
    def highest(self) -> float:
        """Of all; 0 before the first."""
        return max((value for _, value in self._values), default=0.0)

    @property
    def span_seconds(self) -> float:
        """Between the first value and the last."""
        return self._values[-1][0] - self._values[0][0] if self._values else 0.0

    @property
    def growth(self) -> float:
        """What the last value is more than the first."""
        return self._values[-1][1] - self._values[0][1] if self._values else 0.0
