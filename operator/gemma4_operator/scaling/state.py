"""What a scaler remembers from one decision to the next, and the little of it that a restart must not lose."""

from dataclasses import dataclass, field, replace

from gemma4_operator.scaling.absent import Absent
from gemma4_operator.scaling.balance import Balance, balanced
from gemma4_operator.scaling.forecast import Forecast, Pick
from gemma4_operator.scaling.jumps import Jumps, kept
from gemma4_operator.scaling.learning import Boots
from gemma4_operator.scaling.losses import Losses
from gemma4_operator.scaling.meter import Meter
from gemma4_operator.scaling.need import Need
from gemma4_operator.scaling.series import Series


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is remembered.

    Attributes:
        wanted: What was decided last; None: nothing yet.
        balance: How evenly requests reach the replicas.
        jumps: How far traffic has jumped of late.
        absent: Replicas that do not serve, and since when.
        losses: How much of their time those that have served are lost.
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
    balance: Balance = field(default_factory=Balance)
    jumps: Jumps = field(default_factory=Jumps)
    absent: Absent = field(default_factory=dict)
    losses: Losses = field(default_factory=Losses)
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
        caution: How much slower replicas are taken to be still, because requests were late.
        imbalance: How requests reach replicas, from 0, evenly, to 1, by chance.
        peak: The highest load of late, in seconds of a replica's work for each second.
        raised: By how much the forecast is raised, as an hour of comparing has shown; None: it was not compared yet.
        jump_replicas: How many are kept for the next jump; 0: none.
        lost: The share of their time in which replicas that have served are lost.
    """

    wanted: int | None = None
    boot_seconds: float | None = None
    slowness: float = 1.0
    caution: float = 1.0
    imbalance: float = 1.0
    peak: float = 0.0
    raised: float | None = None
    jump_replicas: int = 0
    lost: float = 0.0


def remembered(state: State) -> Remembered:
    """Return what of a state must outlive a restart."""
    seen, pick = state.boots.seconds, state.forecast.pick
    return Remembered(
        wanted=state.wanted,
        boot_seconds=state.boots.usual_seconds(0.0) if seen else None,
        slowness=state.slowness,
        caution=state.caution,
        imbalance=state.balance.imbalance,
        peak=state.forecast.peak,
        raised=pick.times if pick.is_judged else None,
        jump_replicas=state.jumps.replicas,
        lost=state.losses.share,
    )


def begun_anew(state: State, *, now_seconds: float) -> State:
    """Return the state for another kind of replica: what was learned of the one before says nothing of it."""
    return replace(
        resumed(Remembered(wanted=state.wanted), now_seconds=now_seconds),
        boots=Boots(coming=state.boots.coming, known=state.boots.known),
        balance=state.balance,
        busy_seconds=state.busy_seconds,
    )


def unlearned(state: State) -> State:
    """Return the state once all of another kind have gone that served meanwhile: speed was learned of them."""
    return replace(state, slowness=1.0, caution=1.0)


def resumed(before: Remembered, *, now_seconds: float) -> State:
    """Return the state after a restart: no number is lowered until a whole stabilization time was seen anew."""
    boots = Boots(seconds=(before.boot_seconds,) * 3) if before.boot_seconds is not None else Boots()
    return State(
        wanted=before.wanted,
        forecast=Forecast(pick=_picked(before.raised), peak=before.peak, peak_seconds=now_seconds),
        boots=boots,
        balance=balanced(before.imbalance),
        jumps=kept(before.jump_replicas, now_seconds=now_seconds),
        losses=Losses(share=before.lost),
        slowness=before.slowness,
        caution=before.caution,
    )


def _picked(raised: float | None) -> Pick:
    return Pick() if raised is None else Pick(times=raised, is_judged=True)
