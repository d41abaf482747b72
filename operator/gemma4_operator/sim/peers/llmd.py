"""llm-d's SLO-aware recipe: KEDA on what users wait, against what they may.

Every 15 seconds: the larger of P90 time to first token and P90 time per output token, each divided by its objective,
over histograms of the last minute; at most 2, none is 0; averaged over 45 seconds. Above 0.55 it wants
n + ceil(n (s ready / n / 0.55 - 1)) of n replicas, so that those that start already count; below 0.40
n - floor(n (1 - s / 0.40)). KEDA hands that to a HorizontalPodAutoscaler as an AverageValue of 1, which grows to the
least of the last 30 seconds by at most the double or 4 pods in 60 seconds, and shrinks to the most of the last 180
seconds by 1 pod in 120 seconds.
"""

import math
from dataclasses import dataclass, field

from gemma4_operator.scaling.sample import Counts, Histogram
from gemma4_operator.sim.peers.fleet import serving, standing
from gemma4_operator.sim.peers.history import History, quantile
from gemma4_operator.sim.peers.hpa_behavior import Behavior, Change, Pace
from gemma4_operator.sim.peers.hpa_metric import by_total
from gemma4_operator.sim.peers.window import Window
from gemma4_operator.sim.policy import View
from gemma4_operator.sim.setting import Setting

_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """The tunables of its manifests."""

    up: float = 0.55
    down: float = 0.40
    share: float = 0.9
    most: float = 2.0
    rate_seconds: float = 60.0
    mean_seconds: float = 45.0
    sync_seconds: float = 15.0
    up_window_seconds: float = field(default=30.0, metadata={"least": 0})
    up_period_seconds: float = 60.0
    up_pods: int = 4
    up_percent: float = 100.0
    down_window_seconds: float = field(default=180.0, metadata={"least": 0})
    down_period_seconds: float = 120.0
    down_pods: int = 1

    def __post_init__(self) -> None:
        if self.down >= self.up:
            raise ValueError(f"`down` must be below `up`, and is {self.down:g} where that is {self.up:g}")

    @property
    def behavior(self) -> Behavior:
        """As the autoscaler takes it."""
        return Behavior(
            up_window_seconds=self.up_window_seconds,
            down_window_seconds=self.down_window_seconds,
            up=(
                Change(percent=self.up_percent, period_seconds=self.up_period_seconds),
                Change(pods=self.up_pods, period_seconds=self.up_period_seconds),
            ),
            down=(Change(pods=self.down_pods, period_seconds=self.down_period_seconds),),
        )


class Llmd:
    """The recording rules, KEDA's formula, and the autoscaler's loop."""

    def __init__(self, knobs: Knobs, setting: Setting) -> None:
        self._knobs, self._objectives = knobs, setting.objectives
        self._history = History(knobs.rate_seconds)
        self._saturation = Window(knobs.mean_seconds)
        self._pace = Pace(knobs.behavior, setting)

    @property
    def interval_seconds(self) -> float:
        """How often rules are recorded, and the autoscaler syncs."""
        return self._knobs.sync_seconds

    def wanted(self, view: View) -> int:
        """Return what the autoscaler would write into `spec.replicas`."""
        self._history.add(view)
        self._saturation.add(view.now_seconds, min(self._late(), self._knobs.most))
        count = len(standing(view))
        asked = self._formula(self._saturation.mean, count=count, ready=len(serving(view)))
        recommended = by_total(asked, target=1, tolerance=_TOLERANCE, current=count)
        return self._pace.go(view.now_seconds, current=view.wanted, recommended=recommended)

    def _late(self) -> float:
        """Return the worse of both quantiles, as a multiple of its objective."""
        first = quantile(self._knobs.share, self._history.buckets(lambda counts: counts.first_token))
        token = quantile(self._knobs.share, self._history.buckets(_token_histogram))
        ratios = (first / self._objectives.first_token_seconds, token / self._objectives.token_seconds)
        return max((ratio for ratio in ratios if not math.isnan(ratio)), default=0.0)

    def _formula(self, saturation: float, *, count: int, ready: int) -> int:
        if saturation > self._knobs.up:
            credited = saturation * ready / count if 0 < ready < count else saturation
            return count + math.ceil(count * (credited / self._knobs.up - 1))
        if saturation < self._knobs.down:
            return count - math.floor(count * (1 - saturation / self._knobs.down))
        return count


def _token_histogram(counts: Counts) -> Histogram | None:
    """Return the times per token of whole answers, as llm-d's router counts them, or else those between two tokens."""
    return counts.output_token if counts.request_token is None else counts.request_token
