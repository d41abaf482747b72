"""Kubernetes' HorizontalPodAutoscaler (autoscaling/v2) on requests in flight per pod.

Every 15 seconds it asks for the average over its pods of running and waiting requests, wants ceil(pods x average /
target) unless that is within 10 %, shrinks to the most of the last 300 seconds, and grows by at most the double or 4
pods in 15 seconds, whichever is more. A target has no default; 16 running requests is what llm-d's guides use.
Requests that are held in front of all pods count as shared out among those that are ready, as an adapter could do.
It never goes to zero, and leaves alone what is at zero.
"""

from dataclasses import dataclass, field

from gemma4_operator.scaling.sample import Stage
from gemma4_operator.sim.peers.fleet import serving, standing
from gemma4_operator.sim.peers.hpa_behavior import Behavior, Change, Pace
from gemma4_operator.sim.peers.hpa_metric import Pods, by_pods
from gemma4_operator.sim.policy import View
from gemma4_operator.sim.setting import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """The controller's defaults, and the target that a user sets."""

    target: float = 16.0
    tolerance: float = field(default=0.1, metadata={"least": 0})
    sync_seconds: float = 15.0
    up_window_seconds: float = field(default=0.0, metadata={"least": 0})
    down_window_seconds: float = field(default=300.0, metadata={"least": 0})
    up_percent: float = 100.0
    up_pods: int = 4
    up_period_seconds: float = 15.0

    @property
    def behavior(self) -> Behavior:
        """As the controller takes it."""
        return Behavior(
            up_window_seconds=self.up_window_seconds,
            down_window_seconds=self.down_window_seconds,
            up=(
                Change(percent=self.up_percent, period_seconds=self.up_period_seconds),
                Change(pods=self.up_pods, period_seconds=self.up_period_seconds),
            ),
        )


class Hpa:
    """The controller's loop."""

    def __init__(self, knobs: Knobs, setting: Setting) -> None:
        self._knobs = knobs
        self._pace = Pace(knobs.behavior, setting)

    @property
    def interval_seconds(self) -> float:
        """How often the controller syncs."""
        return self._knobs.sync_seconds

    def wanted(self, view: View) -> int:
        """Return what the controller would write into `spec.replicas`."""
        if view.wanted == 0:
            return 0
        recommended = by_pods(
            _pods(view), target=self._knobs.target, tolerance=self._knobs.tolerance, current=view.wanted
        )
        return self._pace.go(view.now_seconds, current=view.wanted, recommended=recommended)


def _pods(view: View) -> Pods:
    ready = serving(view)
    stages = [seen.replica.stage for seen in standing(view)]
    held = view.gateway_waiting / len(ready) if ready else 0.0
    return Pods(
        values=tuple(seen.running + seen.waiting + held for seen in ready),
        missing=stages.count(Stage.LOADING) + stages.count(Stage.FAILED),
        unplaced=stages.count(Stage.UNPLACED),
    )
