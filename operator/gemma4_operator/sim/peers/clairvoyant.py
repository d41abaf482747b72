"""A rule that knows the trace: a reference that others are measured by, not a bound.

Every 10 seconds it has as many replicas as the busiest moment needs between now and when a replica wished for now or at
the next turn would serve. So what is needed then is begun in time, and nothing goes that would be needed before it
could come back. It knows nothing of the queues there are; `times` makes up for where its formula is too frugal or too
generous.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gemma4_operator.sim.peers.demand import Demand
from gemma4_operator.sim.peers.fleet import bounded
from gemma4_operator.sim.peers.staffing import Mix, needed
from gemma4_operator.sim.policy import View
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.setting import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """How it looks ahead.

    Attributes:
        times: What requests a second are multiplied with: 1.1 staffs for a tenth more than there are, 0.9 for a tenth
            fewer.
        window_seconds: Over which demand is averaged: the longer, the more of a peak is left to queues.
        tick_seconds: From one look to the next, and from one moment that is looked at to the next.
    """

    times: float = 1.0
    window_seconds: float = 30.0
    tick_seconds: float = 10.0


class Clairvoyant:
    """Staffs for what comes."""

    def __init__(self, knobs: Knobs, setting: Setting, trace: Sequence[Request]) -> None:
        self._knobs, self._setting = knobs, setting
        self._demand = Demand(trace)
        self._needed: dict[int, int] = {}

    @property
    def interval_seconds(self) -> float:
        """How often it looks ahead."""
        return self._knobs.tick_seconds

    def wanted(self, view: View) -> int:
        """Return the most that any moment within a boot needs."""
        tick = self._knobs.tick_seconds
        first = math.floor(view.now_seconds / tick)
        last = math.ceil((view.now_seconds + self._setting.boot_seconds) / tick) + 1
        return bounded(max(self._at(moment) for moment in range(first, last + 1)), self._setting)

    def _at(self, moment: int) -> int:
        if moment not in self._needed:
            knobs = self._knobs
            mix = self._demand.around(moment * knobs.tick_seconds, window_seconds=knobs.window_seconds)
            self._needed[moment] = needed(_times(mix, knobs.times), self._setting) if mix else 0
        return self._needed[moment]


def _times(mix: Mix, factor: float) -> Mix:
    return replace(mix, requests_per_second=mix.requests_per_second * factor)
