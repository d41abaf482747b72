"""What a scaler remembers from one decision to the next, and the little of it that a restart must not lose."""

from dataclasses import dataclass, field, replace

from gemma4_operator.scaling.forecast import Forecast
from gemma4_operator.scaling.learning import Boots
from gemma4_operator.scaling.meter import Meter
from gemma4_operator.scaling.series import Series


@dataclass(frozen=True, slots=True)
class Need:
    """How many replicas a moment needed."""

    at_seconds: float
    replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is remembered.

    Attributes:
        wanted: What was decided last; None: nothing yet.
        slowness: How many times as long as planned everything takes.
        caution: How much slower replicas are taken to be still, because requests were late.
        needs: What the moments of the stabilization time needed, rising in time and falling in number.
        whole_since_seconds: Since when all that serve were heard without a gap; None: they are not.
        lowered_seconds: When the number was lowered last.
        busy_seconds: When a request was seen last, or the scaler began.
        at_work_seconds: Since when as many serve as are wanted; None: they do not.
        decided_seconds: When the last decision was made.
    """

    wanted: int | None = None
    meter: Meter = field(default_factory=Meter)
    series: Series = ()
    forecast: Forecast = field(default_factory=Forecast)
    boots: Boots = field(default_factory=Boots)
    slowness: float = 1.0
    caution: float = 1.0
    needs: tuple[Need, ...] = ()
    whole_since_seconds: float | None = None
    lowered_seconds: float | None = None
    busy_seconds: float | None = None
    at_work_seconds: float | None = None
    decided_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What outlives a restart: figures that took time to learn. All else is seen again within minutes.

    Attributes:
        wanted: How many replicas were decided.
        boot_seconds: How long one takes to come; None: none was seen.
        slowness: How many times as long as planned everything takes.
        peak: The highest rate of late, in requests per second.
    """

    wanted: int | None = None
    boot_seconds: float | None = None
    slowness: float = 1.0
    peak: float = 0.0


def remembered(state: State) -> Remembered:
    """Return what of a state must outlive a restart."""
    seen = state.boots.seconds
    return Remembered(
        wanted=state.wanted,
        boot_seconds=state.boots.usual_seconds(0.0) if seen else None,
        slowness=state.slowness,
        peak=state.forecast.peak,
    )


def begun_anew(state: State, *, now_seconds: float) -> State:
    """Return the state for another kind of replica: what was learned of the one before says nothing of it."""
    return replace(
        resumed(Remembered(wanted=state.wanted), now_seconds=now_seconds),
        boots=Boots(known=state.boots.known),
        busy_seconds=state.busy_seconds,
    )


def resumed(before: Remembered, *, now_seconds: float) -> State:
    """Return the state after a restart: no number is lowered until a whole stabilization time was seen anew."""
    boots = Boots(seconds=(before.boot_seconds,) * 3) if before.boot_seconds is not None else Boots()
    return State(
        wanted=before.wanted,
        forecast=Forecast(peak=before.peak, peak_seconds=now_seconds),
        boots=boots,
        slowness=before.slowness,
    )
