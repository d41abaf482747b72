"""What will come when a replica that is asked for now serves: several simple guesses, and the one that has been right.

Each guess is compared with what came. The ratios of the last hour say by how much to raise it so that it is enough at
a share of the moments, and how much that would have wasted; the guess that wastes least is used. So no guess is trusted
for being clever, and a wrong one costs an hour of being compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gemma4_operator.scaling.quantile import quantile
from gemma4_operator.scaling.series import SPAN_SECONDS

SCORED_SECONDS = 3600.0
"""For how long a comparison counts."""
_FEWEST = 9
"""Comparisons before a guess is judged by its own."""
UNJUDGED_RAISE = 1.3
"""By how much guesses are raised before: nothing is known of how much traffic swings."""
LOWEST_RAISE, HIGHEST_RAISE = 0.3, 3.0
"""What one comparison says at most, and so all of them: after a silence ratios have no bound."""
_LEAST_OF_PEAK = 0.1
"""Of the highest rate of late, below which no guess goes: traffic that has stopped may come back."""
_MOST_OF_PEAK, _MOST_OF_NOW = 1.15, 1.3
"""Of the highest rate of late, and of the last minute's mean: no guess goes beyond both."""
_LEAST_OF_MEAN = 0.3
"""Of the last minute's mean, below which no trend leads."""
_TREND_SPANS = 15
_TREND_SHARES = (0.5, 0.9)
_TREND_LAG_SECONDS = 30.0
"""A mean of one minute is that old."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What one rule said would come at a moment; `ratio` is what came beside it, None: that moment is not yet."""

    due_seconds: float
    rate: float
    ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """The guess in use.

    Attributes:
        index: Which of them.
        times: By how much it is raised.
        is_judged: Whether that rests on what came.
    """

    index: int = 0
    times: float = UNJUDGED_RAISE
    is_judged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What is remembered of guesses.

    Attributes:
        guesses: Those of each rule, in the order of the rules.
        latest: What each rule says now.
        judged_seconds: When guesses were compared last.
        peak: The highest rate of the last hour, with when it was.
    """

    guesses: tuple[tuple[Guess, ...], ...] = ()
    latest: tuple[float, ...] = ()
    pick: Pick = Pick()
    judged_seconds: float | None = None
    peak: float = 0.0
    peak_seconds: float = 0.0


def guesses(rates: Sequence[float], horizon_seconds: float) -> tuple[float, ...]:
    """Return what each rule says of the rate at the horizon, from the rates of spans, oldest first, at least one."""
    minute = _mean(rates[-3:])
    long = _mean(rates[-9:])
    slope = _slope(rates[-_TREND_SPANS:])
    trends = [
        max(_LEAST_OF_MEAN * minute, minute + share * slope * (horizon_seconds + _TREND_LAG_SECONDS))
        for share in _TREND_SHARES
    ]
    return (minute, long, (rates[-1] + minute) / 2, *trends)


def judged(
    forecast: Forecast, rates: Sequence[float], *, now_seconds: float, horizon_seconds: float, share: float
) -> Forecast:
    """Return the forecast with new guesses, and once in a span with what has come since compared.

    Args:
        forecast: From the last time.
        rates: Of each span, oldest first.
        now_seconds: At the end of the last span.
        horizon_seconds: For when guesses are made.
        share: Of the moments at which a raised guess is to be enough.
    """
    if not rates:
        return forecast
    said = guesses(rates, horizon_seconds)
    judged_seconds = forecast.judged_seconds
    if judged_seconds is not None and now_seconds - judged_seconds < SPAN_SECONDS - 1e-6:
        return replace(forecast, latest=said)
    came = rates[-1]
    peak, peak_seconds = forecast.peak, forecast.peak_seconds
    if came >= peak or now_seconds - peak_seconds > SCORED_SECONDS:
        peak, peak_seconds = came, now_seconds
    kept = tuple(
        (
            *_compared(old, came=came, now_seconds=now_seconds, floor=_LEAST_OF_PEAK * peak),
            Guess(now_seconds + horizon_seconds, rate),
        )
        for old, rate in zip(forecast.guesses or ((),) * len(said), said, strict=True)
    )
    return Forecast(
        guesses=kept,
        latest=said,
        pick=_picked(kept, share, before=forecast.pick),
        judged_seconds=now_seconds,
        peak=peak,
        peak_seconds=peak_seconds,
    )


def expected(forecast: Forecast, rates: Sequence[float]) -> float:
    """Return the rate to be ready for: the guess in use, raised, within what was seen of late."""
    said = forecast.latest[forecast.pick.index]
    raised = forecast.pick.times * max(said, _LEAST_OF_PEAK * forecast.peak)
    most = max(_MOST_OF_PEAK * forecast.peak, _MOST_OF_NOW * _mean(rates[-3:]))
    return max(min(raised, most), _mean(rates[-6:]))


def _compared(old: tuple[Guess, ...], *, came: float, now_seconds: float, floor: float) -> tuple[Guess, ...]:
    """Return guesses with those compared whose moment has come, without those that are too old to count."""
    return tuple(
        guess
        if guess.ratio is not None or guess.due_seconds > now_seconds
        else Guess(guess.due_seconds, guess.rate, _ratio(came, max(guess.rate, floor)))
        for guess in old
        if guess.due_seconds > now_seconds - SCORED_SECONDS
    )


def _ratio(came: float, said: float) -> float:
    if said <= 0:
        return HIGHEST_RAISE if came > 0 else 1.0
    return min(HIGHEST_RAISE, max(LOWEST_RAISE, came / said))


def _picked(kept: Sequence[Sequence[Guess]], share: float, *, before: Pick) -> Pick:
    """Return the guess that wastes least; where none can be judged, as after a restart, that of before stays."""
    best, least = before, float("inf")
    for index, old in enumerate(kept):
        known = [(guess.ratio, guess.rate) for guess in old if guess.ratio is not None]
        if len(known) < _FEWEST:
            continue
        ratios = sorted(ratio for ratio, _ in known)
        times = quantile(ratios, share)
        # The pinball loss: too little costs `share` of what is missing, too much the rest of what is over.
        loss = sum(
            rate * (share * (ratio - times) if ratio > times else (1 - share) * (times - ratio))
            for ratio, rate in known
        ) / len(known)
        if loss < least:
            best, least = Pick(index=index, times=times, is_judged=True), loss
    return best


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _slope(rates: Sequence[float]) -> float:
    """Return by how much the rate grows in a second, as a straight line through the spans has it."""
    count = len(rates)
    if count < 3:
        return 0.0
    middle = (count - 1) / 2
    spread = count * (count * count - 1) / 12
    return sum((index - middle) * rate for index, rate in enumerate(rates)) / spread / SPAN_SECONDS
