"""How fast a HorizontalPodAutoscaler goes where its metrics point: stabilization, then policies, then limits.

It grows to the least that was recommended within the upward window, and shrinks to the most within the downward one.
Then, of all policies of a direction, the one that changes most limits what may change within its period.
"""

import math
from collections import deque
from dataclasses import dataclass

from gemma4_operator.sim.setting import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What may change within a period: so many pods, or that share of what there was when it began."""

    period_seconds: float
    pods: int = 0
    percent: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Behavior:
    """Kubernetes' `behavior`; what is not said is as it is when nobody says anything."""

    up_window_seconds: float = 0.0
    down_window_seconds: float = 300.0
    up: tuple[Change, ...] = (Change(percent=100.0, period_seconds=15.0), Change(pods=4, period_seconds=15.0))
    down: tuple[Change, ...] = (Change(percent=100.0, period_seconds=15.0),)


class Pace:
    """Remembers what was recommended and what was changed, and goes no faster than its behaviour."""

    def __init__(self, behavior: Behavior, setting: Setting) -> None:
        self._behavior = behavior
        self._least, self._most = max(1, setting.minimum), setting.maximum
        self._longest_period = max(change.period_seconds for change in (*behavior.up, *behavior.down))
        self._recommended: deque[tuple[float, int]] = deque()
        self._changed: deque[tuple[float, int]] = deque()

    def go(self, now_seconds: float, *, current: int, recommended: int) -> int:
        """Return how many replicas there are to be, and take it that there will."""
        if not self._recommended:
            self._recommended.append((now_seconds, current))
        while self._changed and self._changed[0][0] <= now_seconds - self._longest_period:
            self._changed.popleft()
        stable = self._stable(now_seconds, current, recommended)
        if not self._least <= current <= self._most:
            wanted = max(self._least, min(self._most, current))
        elif stable > current:
            wanted = max(current, min(stable, self._most, self._ceiling(now_seconds, current)))
        else:
            wanted = min(current, max(stable, self._least, self._floor(now_seconds, current)))
        if wanted != current:
            self._changed.append((now_seconds, wanted - current))
        return wanted

    def _stable(self, now: float, current: int, recommended: int) -> int:
        behavior = self._behavior
        longest = max(behavior.up_window_seconds, behavior.down_window_seconds)
        while self._recommended and self._recommended[0][0] <= now - longest:
            self._recommended.popleft()
        least = most = recommended
        for at, count in self._recommended:
            if at > now - behavior.up_window_seconds:
                least = min(least, count)
            if at > now - behavior.down_window_seconds:
                most = max(most, count)
        self._recommended.append((now, recommended))
        return min(max(current, least), most)

    def _ceiling(self, now: float, current: int) -> int:
        starts = ((change, self._start(now, current, change.period_seconds)) for change in self._behavior.up)
        return max(
            start + change.pods if change.pods else math.ceil(start * (1 + change.percent / 100))
            for change, start in starts
        )

    def _floor(self, now: float, current: int) -> int:
        starts = ((change, self._start(now, current, change.period_seconds)) for change in self._behavior.down)
        return min(
            start - change.pods if change.pods else int(start * (1 - change.percent / 100)) for change, start in starts
        )

    def _start(self, now: float, current: int, period_seconds: float) -> int:
        """Return how many there were when the period began, had nothing else changed them."""
        return current - sum(change for at, change in self._changed if at > now - period_seconds)
