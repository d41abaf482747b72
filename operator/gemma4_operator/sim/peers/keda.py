"""KEDA's ScaledObject with a Prometheus trigger on an engine's queue.

KEDA makes a HorizontalPodAutoscaler whose external metric has the type AverageValue: ceil(total / threshold) replicas,
unless that is within 10 % of what there is. It polls every 30 seconds, for going from and to zero only, with 300
seconds of cooldown after the last activity; the autoscaler's own questions, every 15 seconds, are answered afresh
unless metrics are cached. A threshold has no default; 5 waiting requests is what the guide of vLLM's production stack
uses.
"""

from dataclasses import dataclass, field

from gemma4_operator.sim.peers.fleet import in_flight, serving, standing
from gemma4_operator.sim.peers.hpa_behavior import Behavior, Pace
from gemma4_operator.sim.peers.hpa_metric import by_total
from gemma4_operator.sim.policy import View
from gemma4_operator.sim.setting import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """KEDA's defaults, and what a user sets.

    Attributes:
        target: Requests per replica.
        running: Whether requests in work count, and not only those that wait.
        cached: Whether the autoscaler gets what was polled last (`useCachedMetrics`).
    """

    target: float = 5.0
    running: bool = False
    cached: bool = False
    poll_seconds: float = 30.0
    cooldown_seconds: float = field(default=300.0, metadata={"least": 0})
    sync_seconds: float = 15.0
    tolerance: float = field(default=0.1, metadata={"least": 0})
    down_window_seconds: float = field(default=300.0, metadata={"least": 0})


class Keda:
    """The operator's poll and the autoscaler's loop."""

    def __init__(self, knobs: Knobs, setting: Setting) -> None:
        self._knobs = knobs
        self._sleeps = setting.minimum == 0
        self._pace = Pace(Behavior(down_window_seconds=knobs.down_window_seconds), setting)
        self._polled: tuple[float, float] | None = None
        self._active_seconds = 0.0

    @property
    def interval_seconds(self) -> float:
        """How often the autoscaler syncs."""
        return self._knobs.sync_seconds

    def wanted(self, view: View) -> int:
        """Return what the autoscaler, or the operator from and to zero, would write into `spec.replicas`."""
        fresh = float(in_flight(view) if self._knobs.running else _waiting(view))
        polls = self._polled is None or view.now_seconds - self._polled[0] >= self._knobs.poll_seconds
        if self._polled is None or polls:
            self._polled = view.now_seconds, fresh
            if fresh > 0:
                self._active_seconds = view.now_seconds
        if self._sleeps and polls:
            if view.wanted == 0:
                return int(fresh > 0)
            if fresh == 0 and view.now_seconds - self._active_seconds > self._knobs.cooldown_seconds:
                return 0
        if view.wanted == 0 and self._sleeps:
            return 0
        recommended = by_total(
            self._polled[1] if self._knobs.cached else fresh,
            target=self._knobs.target,
            tolerance=self._knobs.tolerance,
            current=len(standing(view)),
        )
        return self._pace.go(view.now_seconds, current=view.wanted, recommended=recommended)


def _waiting(view: View) -> int:
    return sum(seen.waiting for seen in serving(view)) + view.gateway_waiting
