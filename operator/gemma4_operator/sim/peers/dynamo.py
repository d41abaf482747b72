"""NVIDIA Dynamo's planner for engines that both read and write: a throughput loop as floor, and a load loop.

Every 180 seconds it predicts requests and their lengths, and the floor is ceil(rate / what one engine takes within the
objectives). Every 5 seconds it looks at each engine: one more if all would break the time to first token, or all the
time per token; one less only if each engine, at N/(N-1) of its queue and its cache, stays below the cache's size,
below 80 % of the time per token, and below 80 % of what its own prompt leaves of the time to the first token. It only
looks on while it waits for replicas, or sees more or fewer than it expects. At most 8 change at once. Objectives are
the user's. `safety`, by which demand is multiplied, is not Dynamo's; it is what one can turn to make it keep more.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gemma4_operator.sim.peers.dynamo_engine import Work, best_rate, first_token_seconds, token_seconds
from gemma4_operator.sim.peers.fleet import bounded, serving, standing
from gemma4_operator.sim.peers.history import History
from gemma4_operator.sim.peers.lengths import Lengths, lengths
from gemma4_operator.sim.peers.predictor import Predictor, Series
from gemma4_operator.sim.peers.window import Window
from gemma4_operator.sim.policy import Seen, View
from gemma4_operator.sim.setting import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """The planner's settings and their defaults, but for `predictor` and `safety`.

    Attributes:
        down_percent: Of an objective that must hold without one engine (`load_scaling_down_sensitivity`).
        samples: How many of its looks an average of what comes is taken over.
        step: The most that changes at once.
    """

    predictor: Predictor = Predictor.CONSTANT
    safety: float = 1.0
    throughput_seconds: float = 180.0
    load_seconds: float = 5.0
    down_percent: float = 80.0
    samples: int = 64
    step: int = 8


class Dynamo:
    """Both loops."""

    def __init__(self, knobs: Knobs, setting: Setting) -> None:
        self._knobs, self._setting = knobs, setting
        self._history = History(knobs.throughput_seconds)
        self._arrived = Window(knobs.samples * knobs.load_seconds)
        self._rate, self._input, self._output = (Series(knobs.predictor) for _ in range(3))
        self._interval: tuple[float, int] | None = None
        self._floor = 1

    @property
    def interval_seconds(self) -> float:
        """How often the load loop looks."""
        return self._knobs.load_seconds

    def wanted(self, view: View) -> int:
        """Return the replicas that the planner would set."""
        self._history.add(view)
        self._arrived.add(view.now_seconds, view.arrived)
        mean = lengths(self._history, self._setting)
        self._predict(view, mean)
        engines = serving(view)
        if not engines or len(engines) != view.wanted or len(standing(view)) != view.wanted:
            return view.wanted
        wanted = max(self._by_load(engines, mean), self._floor)
        step = self._knobs.step
        return bounded(max(view.wanted - step, min(view.wanted + step, wanted)), self._setting)

    def _predict(self, view: View, mean: Lengths) -> None:
        """Set the floor anew if an interval has ended."""
        if self._interval is None:
            self._interval = view.now_seconds, view.arrived
        began, arrived = self._interval
        passed = view.now_seconds - began
        if passed < self._knobs.throughput_seconds:
            return
        self._interval = view.now_seconds, view.arrived
        self._rate.add((view.arrived - arrived) / passed)
        self._input.add(mean.input_tokens)
        self._output.add(mean.output_tokens)
        expected = Lengths(input_tokens=self._input.next, output_tokens=self._output.next)
        one = best_rate(self._setting.engine, expected, self._setting.objectives)
        self._floor = max(1, math.ceil(self._rate.next * self._knobs.safety / one))

    def _by_load(self, engines: Sequence[Seen], mean: Lengths) -> int:
        count = len(engines)
        span = self._arrived.span_seconds
        reads = self._arrived.growth / span * mean.input_tokens / count if span else 0.0
        works = [_work(seen, prompt_tokens_per_second=reads) for seen in engines]
        engine, objectives = self._setting.engine, self._setting.objectives
        firsts = (first_token_seconds(engine, work, input_tokens=mean.input_tokens) for work in works)
        if all(first > objectives.first_token_seconds for first in firsts):
            return count + 1
        if all(token_seconds(engine, work) > objectives.token_seconds for work in works):
            return count + 1
        return count - 1 if count > 1 and self._rest_holds(engines, works, mean) else count

    def _rest_holds(self, engines: Sequence[Seen], works: Sequence[Work], mean: Lengths) -> bool:
        """Return whether one engine less keeps, by each engine's figures, a part of every limit."""
        engine, objectives = self._setting.engine, self._setting.objectives
        more, share = len(works) / (len(works) - 1), self._knobs.down_percent / 100
        for seen, work in zip(engines, works, strict=True):
            reads = work.prompt_tokens_per_second * more
            alone = Work(
                sequences=work.sequences * more,
                queued_tokens=0.0,
                cache_tokens=work.cache_tokens * more,
                prompt_tokens_per_second=reads,
            )
            own = first_token_seconds(engine, alone, input_tokens=mean.input_tokens)
            queued = first_token_seconds(engine, alone, input_tokens=mean.input_tokens + work.queued_tokens * more)
            left = (objectives.first_token_seconds - own) * share
            if left <= 0 or queued - own >= left:
                return False
            merged = Work(
                sequences=(seen.running + seen.waiting) * more,
                queued_tokens=0.0,
                cache_tokens=(work.cache_tokens + work.queued_tokens) * more,
                prompt_tokens_per_second=reads,
            )
            if merged.cache_tokens >= seen.cache_capacity_tokens:
                return False
            if token_seconds(engine, merged) >= objectives.token_seconds * share:
                return False
        return True


def _work(seen: Seen, *, prompt_tokens_per_second: float) -> Work:
    return Work(
        sequences=seen.running,
        queued_tokens=seen.queued_prompt_tokens,
        cache_tokens=seen.cache_tokens,
        prompt_tokens_per_second=prompt_tokens_per_second,
    )
