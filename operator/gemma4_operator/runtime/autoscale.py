"""The operator's own autoscaler at work: each round of samples leads to a decision, and what is new in it to a pass.

What it has learned stands in the status, so that a restart begins with it. Figures of traffic and the ordinary reasons
change all the time; they are told anew with each other number, and else once a minute where they differ much.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gemma4_operator.api.autoscaling import Autoscaling, MetricsSource
from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.api.status import AutoscalingStatus
from gemma4_operator.engines.base import Dialect
from gemma4_operator.planner.plan import Plan
from gemma4_operator.runtime.replicas import Clock, replicas_of, stage_of
from gemma4_operator.runtime.sampler import Sampler, Source, Target
from gemma4_operator.runtime.store import Key
from gemma4_operator.scaling.decide import decide
from gemma4_operator.scaling.decision import Decision
from gemma4_operator.scaling.planned import is_same_replica, terms_of
from gemma4_operator.scaling.sample import Stage
from gemma4_operator.scaling.state import State, begun_anew, resumed
from gemma4_operator.scaling.told import recalled, told
from gemma4_operator.status.conditions import written
from gemma4_operator.status.pods import PodView, moment

ASKED_AT = "gemma4.dev/asked-at"
"""The annotation by which somebody says, with a time, that an answer is wanted of a resource that sleeps."""
TELL_SECONDS = 60.0
"""How often figures alone are told anew."""


@dataclass(slots=True, kw_only=True)
class _Scaled:
    """One resource that is scaled."""

    spec: Gemma4DeploymentSpec
    bounds: Autoscaling
    plan: Plan
    dialects: tuple[Dialect, ...]
    state: State
    scaled_at: datetime | None
    decision: Decision | None = None
    told: AutoscalingStatus | None = None
    told_seconds: float = 0.0


class Autoscaler:
    """Decides for each resource that asks for it.

    Args:
        pods: Those of a resource.
        resource: The resource itself; None: it is gone.
        sources: Where samples come from, by what the resource says.
        on_decision: Told whose decision, or what is told of it, has changed.
        now: The time of day.
        monotonic: Seconds that only grow.
    """

    def __init__(
        self,
        *,
        pods: Callable[[Key], Sequence[PodView]],
        resource: Callable[[Key], Mapping[str, Any] | None],
        sources: Mapping[MetricsSource, Source],
        on_decision: Callable[[Key], None],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        period_seconds: float,
    ) -> None:
        self._pods = pods
        self._resource = resource
        self._sources = sources
        self._on_decision = on_decision
        self._now = now
        self._monotonic = monotonic
        self._scaled: dict[Key, _Scaled] = {}
        self._sampler = Sampler(
            targets=self._targets, on_round=self._decide, monotonic=monotonic, period_seconds=period_seconds
        )

    def attend(
        self,
        key: Key,
        *,
        spec: Gemma4DeploymentSpec | None,
        plan: Plan | None,
        dialects: tuple[Dialect, ...],
        live: int | None,
        told: Mapping[str, Any],
    ) -> None:
        """Scale a resource from now on as its spec and its plan say, or no more if they say nothing of it.

        Args:
            key: The resource.
            spec: Its own; None: it cannot be read.
            plan: The one that it follows; None: there is none.
            dialects: In which its engine may speak of itself.
            live: How many its Deployment has been told to run; None: there is none yet.
            told: What its status says of its autoscaler, with what was learned before.
        """
        if spec is None or plan is None or spec.autoscaling is None:
            self.forget(key)
            return
        known = self._scaled.get(key)
        if known is None:
            state, scaled_at = self._resumed(live, told, plan, spec)
            known = _Scaled(
                spec=spec, bounds=spec.autoscaling, plan=plan, dialects=dialects, state=state, scaled_at=scaled_at
            )
            self._scaled[key] = known
        if not is_same_replica(known.plan, plan):
            # What was measured is told in the time of a replica, and this is another.
            known.state = begun_anew(known.state, now_seconds=self._monotonic())
        known.spec, known.bounds, known.plan, known.dialects = spec, spec.autoscaling, plan, dialects
        self._sampler.follow(key, self._sources[spec.autoscaling.metrics_source])

    def decided(self, key: Key) -> int | None:
        """Return how many replicas were decided; None: nothing was yet."""
        known = self._scaled.get(key)
        return known.decision.replicas if known is not None and known.decision is not None else None

    def told(self, key: Key) -> AutoscalingStatus | None:
        """Return what is to be said of the last decision; None: there was none yet."""
        known = self._scaled.get(key)
        return known.told if known is not None else None

    def forget(self, key: Key) -> None:
        """Scale a resource no more."""
        if self._scaled.pop(key, None) is not None:
            self._sampler.forget(key)

    def close(self) -> None:
        """Scale nothing any more."""
        for key in list(self._scaled):
            self.forget(key)

    def _resumed(
        self, live: int | None, told_before: Mapping[str, Any], plan: Plan, spec: Gemma4DeploymentSpec
    ) -> tuple[State, datetime | None]:
        """Return where a scaler goes on that knows what runs and what the status has kept."""
        clock = self._clock()
        before, scaled_at = recalled(told_before, plan, spec), moment(told_before.get("lastScaleTime"))
        # A wish from before the last change was heard then.
        since = clock.seconds(scaled_at) if scaled_at is not None else clock.monotonic_seconds
        state = resumed(replace(before, wanted=live), now_seconds=clock.monotonic_seconds)
        return (replace(state, busy_seconds=since) if live == 0 else state), scaled_at

    def _clock(self) -> Clock:
        return Clock(now=self._now(), monotonic_seconds=self._monotonic())

    def _targets(self, key: Key) -> Sequence[Target]:
        known = self._scaled.get(key)
        if known is None:
            return ()
        return tuple(
            Target(name=pod.name, address=pod.address, dialects=known.dialects)
            for pod in self._pods(key)
            if pod.address and stage_of(pod) in (Stage.SERVING, Stage.LEAVING)
        )

    def _decide(self, key: Key) -> None:
        known, resource = self._scaled.get(key), self._resource(key)
        if known is None or resource is None:
            return
        clock = self._clock()
        asked = moment(resource["metadata"].get("annotations", {}).get(ASKED_AT))
        running = known.state.wanted or 0
        decision = decide(
            terms_of(known.plan, known.spec, known.bounds, running=running),
            replicas_of(self._pods(key), self._sampler.samples(key), clock=clock),
            known.state,
            now_seconds=clock.monotonic_seconds,
            asked_seconds=clock.seconds(asked) if asked is not None else None,
        )
        trouble = self._sources[known.bounds.metrics_source].trouble(key)
        if trouble and not decision.valid:
            decision = replace(decision, message=f"{decision.message} {trouble}")
        before, known.decision, known.state = known.decision, decision, decision.state
        if decision.replicas != running:
            known.scaled_at = clock.now
        if self._is_news(known, before, clock.monotonic_seconds):
            known.told_seconds = clock.monotonic_seconds
            known.told = told(
                decision,
                known.plan,
                known.spec,
                last_scale_time=written(known.scaled_at) if known.scaled_at is not None else None,
            )
            self._on_decision(key)

    def _is_news(self, known: _Scaled, before: Decision | None, now_seconds: float) -> bool:
        now = known.decision
        assert now is not None, "it was just made"
        if before is None or known.told is None:
            return True
        if before.standing != now.standing:
            return True
        return now_seconds - known.told_seconds >= TELL_SECONDS and _differs(known.told, now)


def _differs(said: AutoscalingStatus, now: Decision) -> bool:
    """Whether traffic is another by a tenth than was told."""
    for told_rate, rate in (
        (said.requests_per_minute, now.expected.now * 60),
        (said.expected_requests_per_minute, now.expected.then * 60),
    ):
        if abs(rate - (told_rate or 0)) > max(1.0, 0.1 * (told_rate or 0)):
            return True
    return False
