"""Knative's pod autoscaler (KPA) on concurrency, as KServe uses it for serverless models.

Every 2 seconds: the total concurrency, averaged over 60 seconds and over the last 10 % of them, is divided by the
target, 70 % of 100; each result stays between half and 1000 times the ready pods. When the short one asks for twice the
ready pods or more it panics: it wants the larger of both and does not shrink until 60 seconds have passed without. To
zero it goes when there was nothing for the 60 seconds and 30 more of grace.
"""

import math
from dataclasses import dataclass, field

from gemma4_operator.sim.peers.fleet import bounded, in_flight, serving
from gemma4_operator.sim.peers.window import Window
from gemma4_operator.sim.policy import View
from gemma4_operator.sim.setting import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """The keys of `config-autoscaler` and their defaults; shares are percentages there as well."""

    target: float = 100.0
    utilization_percent: float = 70.0
    tick_seconds: float = 2.0
    stable_seconds: float = 60.0
    panic_window_percent: float = 10.0
    panic_threshold_percent: float = 200.0
    up_rate: float = 1000.0
    down_rate: float = 2.0
    down_delay_seconds: float = field(default=0.0, metadata={"least": 0})
    grace_seconds: float = field(default=30.0, metadata={"least": 0})


class Knative:
    """The autoscaler's tick."""

    def __init__(self, knobs: Knobs, setting: Setting) -> None:
        self._knobs, self._setting = knobs, setting
        self._stable = Window(knobs.stable_seconds)
        self._short = Window(knobs.stable_seconds * knobs.panic_window_percent / 100)
        self._delayed = Window(knobs.down_delay_seconds) if knobs.down_delay_seconds else None
        self._panic_seconds: float | None = None
        self._panic_most = 0
        self._idle_seconds: float | None = None

    @property
    def interval_seconds(self) -> float:
        """How often it decides."""
        return self._knobs.tick_seconds

    def wanted(self, view: View) -> int:
        """Return the scale it would set."""
        now, concurrency = view.now_seconds, float(in_flight(view))
        self._stable.add(now, concurrency)
        self._short.add(now, concurrency)
        ready = max(1, len(serving(view)))
        stable, panic = self._count(self._stable.mean), self._count(self._short.mean)
        is_over = panic / ready >= self._knobs.panic_threshold_percent / 100
        wanted = self._steps(stable, ready)
        if is_over:
            self._panic_seconds = now
        elif self._panic_seconds is not None and now - self._panic_seconds > self._knobs.stable_seconds:
            self._panic_seconds, self._panic_most = None, 0
        if self._panic_seconds is not None:
            self._panic_most = max(self._panic_most, wanted, self._steps(panic, ready))
            wanted = self._panic_most
        if self._delayed is not None:
            self._delayed.add(now, wanted)
            wanted = int(self._delayed.highest)
        return bounded(self._not_yet_zero(now, wanted), self._setting)

    def _count(self, concurrency: float) -> int:
        return math.ceil(concurrency / (self._knobs.target * self._knobs.utilization_percent / 100))

    def _steps(self, wanted: int, ready: int) -> int:
        return min(max(wanted, math.floor(ready / self._knobs.down_rate)), math.ceil(ready * self._knobs.up_rate))

    def _not_yet_zero(self, now: float, wanted: int) -> int:
        """Return 1 for zero until the grace period is over."""
        if wanted > 0:
            self._idle_seconds = None
            return wanted
        if self._idle_seconds is None:
            self._idle_seconds = now
        return int(now - self._idle_seconds < self._knobs.grace_seconds)
