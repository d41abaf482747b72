"""KubeAI's model autoscaler on requests in flight at its proxies.

Every 10 seconds: the mean of the last 60 readings, divided by the target of 100 and rounded up. It grows at once. It
shrinks after 3 readings in a row that asked for fewer (30 seconds of delay), and then at every one until one does not.
Without an endpoint it skips its turn. Its proxy, and not this loop, takes a model from 0 to 1.

Its mean outlives a restart in a ConfigMap, and fills the window anew. So a run, which begins with replicas at work,
begins with the mean that asks for just these.
"""

import math
from collections import deque
from dataclasses import dataclass, field

from gemma4_operator.sim.peers.fleet import bounded, serving
from gemma4_operator.sim.policy import View
from gemma4_operator.sim.setting import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """A model's `targetRequests` and `scaleDownDelaySeconds`, and the system's interval and time window."""

    target: float = 100.0
    interval_seconds: float = 10.0
    window_seconds: float = 600.0
    down_delay_seconds: float = field(default=30.0, metadata={"least": 0})


class KubeAI:
    """The leader's loop, for one model."""

    def __init__(self, knobs: Knobs, setting: Setting) -> None:
        self._knobs, self._setting = knobs, setting
        self._slots = max(1, int(knobs.window_seconds / knobs.interval_seconds))
        self._readings: deque[float] = deque(maxlen=self._slots)
        self._lower = 0

    @property
    def interval_seconds(self) -> float:
        """How often the leader looks."""
        return self._knobs.interval_seconds

    def wanted(self, view: View) -> int:
        """Return the scale it would write."""
        if not self._readings:
            self._readings.extend([view.wanted * self._knobs.target] * self._slots)
        # Its proxies hold a request until its answer has ended, so those of replicas that leave are still counted.
        active = sum(seen.running + seen.waiting for seen in view.replicas) + view.gateway_waiting
        if not serving(view):
            return max(view.wanted, int(active > 0))
        self._readings.append(active)
        mean = sum(self._readings) / len(self._readings)
        wanted = bounded(math.ceil(mean / self._knobs.target), self._setting)
        if wanted >= view.wanted:
            self._lower = 0
        elif self._lower < math.ceil(self._knobs.down_delay_seconds / self._knobs.interval_seconds):
            self._lower += 1
            return view.wanted
        return wanted
