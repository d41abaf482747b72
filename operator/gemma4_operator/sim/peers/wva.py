"""llm-d's Workload Variant Autoscaler 0.9 (saturation analyzer, version 2, cost-aware optimizer) for one variant.

Every 60 seconds, from the highest values of the last 60: demand = tokens in use + waiting requests x (input + output),
and likewise for those that the router holds; supply = replicas x the median of what each carries. Above 85 % of the
supply that will be there once all have started it adds ceil(what is short / one replica), below 70 % of what there is
it removes floor(what is spare / one replica), and keeps one. The count is a metric that a HorizontalPodAutoscaler
follows with AverageValue 1, every 15 seconds, by its defaults. Its documentation says that a variant with replicas that
start is passed over when growing; its code does not do so, hence a knob.
"""

import math
from dataclasses import dataclass, field
from statistics import median

from gemma4_operator.sim.peers.fleet import serving, standing
from gemma4_operator.sim.peers.history import History
from gemma4_operator.sim.peers.hpa_behavior import Behavior, Pace
from gemma4_operator.sim.peers.hpa_metric import by_total
from gemma4_operator.sim.peers.lengths import lengths
from gemma4_operator.sim.peers.window import Window
from gemma4_operator.sim.peers.wva_capacity import Capacity
from gemma4_operator.sim.policy import View
from gemma4_operator.sim.setting import Setting

_LENGTHS_SECONDS = 300.0
"""Over which mean lengths are taken, as its queries do."""
_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """The keys of its `saturation-scaling-config`, and the times of its loop and of the autoscaler that follows."""

    up: float = 0.85
    down: float = 0.70
    cache_share: float = 0.80
    queue_threshold: int = 5
    skip_pending: bool = False
    analyze_seconds: float = 60.0
    peak_seconds: float = 60.0
    sync_seconds: float = 15.0
    down_window_seconds: float = field(default=300.0, metadata={"least": 0})

    def __post_init__(self) -> None:
        if self.down >= self.up:
            raise ValueError(f"`down` must be below `up`, and is {self.down:g} where that is {self.up:g}")


class Wva:
    """The analyzer's turn, and the autoscaler's loop that follows it."""

    def __init__(self, knobs: Knobs, setting: Setting) -> None:
        self._knobs, self._setting = knobs, setting
        self._capacity = Capacity(setting.engine, cache_share=knobs.cache_share, queue_threshold=knobs.queue_threshold)
        self._pace = Pace(Behavior(down_window_seconds=knobs.down_window_seconds), setting)
        self._history = History(_LENGTHS_SECONDS)
        self._peaks: dict[str, tuple[Window, Window]] = {}
        self._analyzed: tuple[float, int] | None = None

    @property
    def interval_seconds(self) -> float:
        """How often the autoscaler syncs, and metrics are taken."""
        return self._knobs.sync_seconds

    def wanted(self, view: View) -> int:
        """Return what the autoscaler would write into `spec.replicas`."""
        self._watch(view)
        if self._analyzed is None or view.now_seconds - self._analyzed[0] >= self._knobs.analyze_seconds:
            self._analyzed = view.now_seconds, self._analyze(view)
        recommended = by_total(self._analyzed[1], target=1, tolerance=_TOLERANCE, current=len(standing(view)))
        return self._pace.go(view.now_seconds, current=view.wanted, recommended=recommended)

    def _watch(self, view: View) -> None:
        self._history.add(view)
        peaks, self._peaks = self._peaks, {}
        for seen in serving(view):
            name, seconds = seen.replica.name, self._knobs.peak_seconds
            tokens, waiting = self._peaks[name] = peaks.get(name) or (Window(seconds), Window(seconds))
            tokens.add(view.now_seconds, seen.cache_tokens)
            waiting.add(view.now_seconds, seen.waiting)

    def _analyze(self, view: View) -> int:
        """Return the optimizer's target."""
        mean = lengths(self._history, self._setting)
        request_tokens = mean.input_tokens + mean.output_tokens
        ready, count = serving(view), len(standing(view))
        demand, carried = view.gateway_waiting * request_tokens, []
        for seen in ready:
            tokens, waiting = (window.highest for window in self._peaks[seen.replica.name])
            demand += tokens + waiting * request_tokens
            carried.append(
                self._capacity.of(tokens=tokens, waiting=waiting, cache_tokens=seen.cache_capacity_tokens, lengths=mean)
            )
        one = int(median(carried)) if carried else self._capacity.unseen(mean)
        if one <= 0:
            return count
        short = demand / self._knobs.up - count * one
        spare = len(ready) * one - demand / self._knobs.down
        if short > 0:
            passed_over = self._knobs.skip_pending and len(ready) < count
            return count if passed_over else count + math.ceil(short / one)
        return max(1, count - math.floor(spare / one)) if spare > 0 else count
