"""What the next interval brings, by what the last ones brought: two of the predictors of Dynamo's planner.

Its default is an ARIMA model found by search, which needs a library of its own and falls back to the last value for
flat or short series; that last value is `constant`. `kalman` is a local linear trend: a level that drifts with a
variance of 1 and a trend with 0.1 under noise of 10, which speaks up from the fifth value on.
"""

from enum import StrEnum

_LEVEL_DRIFT, _TREND_DRIFT, _NOISE = 1.0, 0.1, 10.0
_LEAST_VALUES = 5
_UNKNOWN = 1000.0
"""The variance of what is not known at the start."""


class Predictor(StrEnum):
    """By which law."""

    CONSTANT = "constant"
    KALMAN = "kalman"


class Series:
    """One figure over the intervals, none of them before the first that was not 0."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._values = 0
        self._last = self._level = self._trend = 0.0
        self._level_variance = self._trend_variance = _UNKNOWN
        self._covariance = 0.0

    def add(self, value: float) -> None:
        """Take the figure of the interval that has ended."""
        self._last = value
        if not self._values and not value:
            return
        if not self._values:
            self._level = value
        self._values += 1
        self._level += self._trend
        level_variance = self._level_variance + 2 * self._covariance + self._trend_variance + _LEVEL_DRIFT
        covariance = self._covariance + self._trend_variance
        trend_variance = self._trend_variance + _TREND_DRIFT
        surprise, spread = value - self._level, level_variance + _NOISE
        level_gain, trend_gain = level_variance / spread, covariance / spread
        self._level += level_gain * surprise
        self._trend += trend_gain * surprise
        self._level_variance = (1 - level_gain) * level_variance
        self._covariance = (1 - level_gain) * covariance
        self._trend_variance = trend_variance - trend_gain * covariance

    @property
    def next(self) -> float:
        """What the next interval is expected to bring; never less than nothing."""
        if self._predictor is Predictor.CONSTANT or self._values < _LEAST_VALUES:
            return self._last
        return max(0.0, self._level + self._trend)
