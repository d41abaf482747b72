"""The operator's own autoscaler at work: each round of samples leads to a decision, and what is new in it to a pass.

What it has learned stands in the status, so that a restart begins with it. Figures and the ordinary reasons change all
the time; they are told anew with each other number, and else once a minute where figures differ much, or the reason has
been another for so long.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from gemma4_operator.api.autoscaling import Autoscaling, MetricsSource
from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.api.status import AutoscalingStatus
from gemma4_operator.engines.base import Dialect
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.replicas import Count, Scale, count
from gemma4_operator.runtime.replicas import Clock, replicas_of, stage_of
from gemma4_operator.runtime.sampler import Sampler, Source, Target
from gemma4_operator.runtime.store import Key
from gemma4_operator.scaling import words
from gemma4_operator.scaling.decide import decide
from gemma4_operator.scaling.decision import Decision, Why
from gemma4_operator.scaling.latencies import Latencies, listened
from gemma4_operator.scaling.mixed import explained, floor
from gemma4_operator.scaling.news import differs, moved
from gemma4_operator.scaling.planned import is_same_replica, terms_of
from gemma4_operator.scaling.sample import Stage
from gemma4_operator.scaling.state import State, begun_anew, resumed, unlearned
from gemma4_operator.scaling.telling import Telling, telling
from gemma4_operator.scaling.told import kept, recalled, told
from gemma4_operator.status.conditions import written
from gemma4_operator.status.pods import PodView, moment

ASKED_AT = "gemma4.dev/asked-at"
"""The annotation by which somebody says, with a time, that an answer is wanted of a resource that sleeps."""
AHEAD_SECONDS = 300.0
"""By how much the clock of who asks may be ahead of ours; a time beyond that is a mistake."""
TELL_SECONDS = 60.0
"""How often figures alone are told anew, and for how long an ordinary reason must have stood to be."""


@dataclass(slots=True, kw_only=True)
class _Scaled:
    """One resource that is scaled.

    Attributes:
        coming: Its pods without a node for which one is being added.
        telling: What is told of the decision.
        reason_seconds: Since when the reason that is told has been the same.
        is_mixed: Whether pods of an earlier plan serve.
        floor: What the number does not go below while they do.
        has_others: Whether those are of another kind than the plan's.
        is_moved: Whether limits have made the number since the last decision.
    """

    spec: Gemma4DeploymentSpec
    bounds: Autoscaling
    plan: Plan
    state: State
    scaled_at: datetime | None
    dialects: tuple[Dialect, ...] = ()
    coming: frozenset[str] = frozenset()
    decision: Decision | None = None
    telling: Telling | None = None
    told: AutoscalingStatus | None = None
    told_seconds: float = 0.0
    reason_seconds: float = 0.0
    is_mixed: bool = False
    floor: int = 0
    has_others: bool = False
    is_moved: bool = False
    latencies: Latencies = field(default_factory=Latencies)


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
        coming: frozenset[str] = frozenset(),
        is_mixed: bool = False,
    ) -> None:
        """Scale a resource from now on as its spec and its plan say, or no more if they say nothing of it.

        Args:
            key: The resource.
            spec: Its own; None: it cannot be read.
            plan: The one that it follows; None: there is none.
            dialects: In which its engine may speak of itself.
            live: How many its Deployment has been told to run; None: there is none yet.
            told: What its status says of its autoscaler, with what was learned before.
            coming: Its pods without a node for which one is being added.
            is_mixed: Whether pods of an earlier plan serve.
        """
        if spec is None or plan is None or spec.autoscaling is None:
            self.forget(key)
            return
        said, known = kept(told), self._scaled.get(key)
        was = known.state.wanted if known is not None else said.desired_replicas
        is_new = known is None
        if known is None:
            known = self._scaled[key] = self._begun(live, told, spec=spec, bounds=spec.autoscaling, plan=plan)
        if not is_same_replica(known.plan, plan):
            # What was measured is told in the time of a replica, and this is another.
            known.state, is_new = begun_anew(known.state, now_seconds=self._monotonic()), True
            known.has_others = True
        known.is_mixed = is_mixed
        if known.has_others and not is_mixed:
            known.state, known.has_others = unlearned(known.state), False
        known.floor = max(known.floor, known.state.wanted or 0 if is_new else 0) if is_mixed else 0
        if was is not None:
            allowed = count(spec, plan, Scale(live=live, decided=was))
            if allowed.replicas != was and known.state.wanted in (was, allowed.replicas):
                self._move(known, allowed, said=known.told or said, minimum=spec.autoscaling.min_replicas)
        if known.telling is not None and (known.spec, known.plan) != (spec, plan):
            known.telling = known.telling.under_others()
        known.spec, known.bounds, known.plan, known.dialects = spec, spec.autoscaling, plan, dialects
        known.coming = coming
        self._sampler.follow(key, self._sources[spec.autoscaling.metrics_source])

    def decided(self, key: Key) -> int | None:
        """Return how many replicas were decided; None: nothing was yet."""
        known = self._scaled.get(key)
        return known.decision.replicas if known is not None and known.decision is not None else None

    def told(self, key: Key) -> AutoscalingStatus | None:
        """Return what is to be said of the last decision; None: there was none yet."""
        known = self._scaled.get(key)
        return known.told if known is not None else None

    def latencies(self, key: Key) -> Latencies | None:
        """Return what the engines of a resource have counted; None: they are not read."""
        known = self._scaled.get(key)
        return known.latencies if known is not None else None

    def forget(self, key: Key) -> None:
        """Scale a resource no more."""
        if self._scaled.pop(key, None) is not None:
            self._sampler.forget(key)

    def close(self) -> None:
        """Scale nothing any more."""
        for key in list(self._scaled):
            self.forget(key)

    def _begun(
        self,
        live: int | None,
        told_before: Mapping[str, Any],
        *,
        spec: Gemma4DeploymentSpec,
        bounds: Autoscaling,
        plan: Plan,
    ) -> _Scaled:
        """Return where a scaler goes on that knows what runs and what the status has kept."""
        clock = self._clock()
        before, scaled_at = recalled(told_before), moment(told_before.get("lastScaleTime"))
        # A wish from before the last change was heard then.
        since = clock.seconds(scaled_at) if scaled_at is not None else clock.monotonic_seconds
        state = resumed(replace(before, wanted=live), now_seconds=clock.monotonic_seconds)
        if live == 0:
            state = replace(state, busy_seconds=since)
        return _Scaled(spec=spec, bounds=bounds, plan=plan, state=state, scaled_at=scaled_at)

    def _move(self, known: _Scaled, allowed: Count, *, said: AutoscalingStatus, minimum: int) -> None:
        """Go on from what limits let run: what was decided under others would come back when they widen again."""
        known.state, known.floor = replace(known.state, wanted=allowed.replicas), min(known.floor, allowed.replicas)
        if known.decision is not None:
            known.decision = replace(known.decision, replicas=allowed.replicas)
        known.scaled_at, known.is_moved = self._now(), True
        known.told = moved(said, allowed, minimum=minimum, last_scale_time=written(known.scaled_at))

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
        self._listen(key, known)
        clock = self._clock()
        running, decision = known.state.wanted or 0, self._decision(key, known, resource, clock)
        known.decision, known.state = decision, decision.state
        known.floor = known.floor if decision.replicas else 0
        has_place = all(
            stage_of(pod, node_comes=pod.name in known.coming) is not Stage.UNPLACED for pod in self._pods(key)
        )
        before = known.telling
        known.telling = telling(before, decision, has_place=has_place, now_seconds=clock.monotonic_seconds)
        if decision.replicas != running:
            known.scaled_at = clock.now
        if self._is_news(known, before.decision if before is not None else None, clock.monotonic_seconds):
            known.told_seconds, known.is_moved = clock.monotonic_seconds, False
            known.told = _saying(known, known.telling.decision)
            self._on_decision(key)

    def _decision(self, key: Key, known: _Scaled, resource: Mapping[str, Any], clock: Clock) -> Decision:
        """Return what is decided now, with what whoever reads it should know of its grounds."""
        asked = moment(resource["metadata"].get("annotations", {}).get(ASKED_AT))
        is_ahead = asked is not None and (asked - clock.now).total_seconds() > AHEAD_SECONDS
        terms = terms_of(known.plan, known.spec, known.bounds, running=known.state.wanted or 0)
        lowest = floor(terms, known.state, before=known.floor, now_seconds=clock.monotonic_seconds)
        decision = decide(
            replace(terms, minimum=max(terms.minimum, lowest), replaces=not known.is_mixed),
            replicas_of(self._pods(key), self._sampler.samples(key), clock=clock, coming=known.coming),
            known.state,
            now_seconds=clock.monotonic_seconds,
            coming=known.coming,
            asked_seconds=clock.seconds(asked) if asked is not None and not is_ahead else None,
        )
        decision = explained(decision, terms, lowest=lowest)
        if is_ahead and decision.reason is Why.ASLEEP:
            decision = replace(decision, message=f"{decision.message} {words.asked_ahead(ASKED_AT, AHEAD_SECONDS)}")
        trouble = self._sources[known.bounds.metrics_source].trouble(key)
        if trouble and not decision.valid:
            decision = replace(decision, message=f"{decision.message} {trouble}")
        return decision

    def _listen(self, key: Key, known: _Scaled) -> None:
        wished = known.spec.objectives
        first, each = wished.time_to_first_token_milliseconds, wished.time_per_output_token_milliseconds
        known.latencies = listened(
            known.latencies,
            self._sampler.samples(key),
            first_token_seconds=first / 1000 if first is not None else None,
            output_token_seconds=each / 1000 if each is not None else None,
        )

    def _is_news(self, known: _Scaled, before: Decision | None, now_seconds: float) -> bool:
        assert known.telling is not None, "it was just made"
        now = known.telling.decision
        if before is None or before.reason is not now.reason:
            known.reason_seconds = now_seconds
        if before is None or known.told is None or known.is_moved:
            return True
        if before.standing != now.standing:
            return True
        if now_seconds - known.told_seconds < TELL_SECONDS:
            return False
        stands = now_seconds - known.reason_seconds >= TELL_SECONDS
        return differs(known.told, _saying(known, now), stands=stands)


def _saying(known: _Scaled, decision: Decision) -> AutoscalingStatus:
    """Return what is to be said of a decision."""
    scaled_at = written(known.scaled_at) if known.scaled_at is not None else None
    return told(decision, last_scale_time=scaled_at)
