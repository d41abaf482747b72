"""One pass over one custom resource: from what is to what should be, and what to say about it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gemma4_operator.api.status import AutoscalingStatus
from gemma4_operator.kube.api import Api, Object
from gemma4_operator.kube.errors import ApiRejected, Conflict, Forbidden, NotFound
from gemma4_operator.kube.events import Recorder
from gemma4_operator.kube.kinds import DEPLOYMENT
from gemma4_operator.planner.cache_size import CacheSize
from gemma4_operator.planner.replicas import Scale
from gemma4_operator.render.labels import selector
from gemma4_operator.runtime.announce import Announcer
from gemma4_operator.runtime.autoscale import Autoscaler
from gemma4_operator.runtime.contest import Contests
from gemma4_operator.runtime.converge import Change, Converger, ForeignObject, Leftover, due_changes
from gemma4_operator.runtime.desire import Desire, Desires
from gemma4_operator.runtime.gauge import Gauge
from gemma4_operator.runtime.publish import StatusWriter
from gemma4_operator.runtime.rollouts import Rollouts, Steered
from gemma4_operator.runtime.settled import Settled
from gemma4_operator.runtime.silence import silent_seconds
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.taken import Taken
from gemma4_operator.runtime.witness import Witness
from gemma4_operator.runtime.worker import Again
from gemma4_operator.runtime.world import World
from gemma4_operator.scaling.told import kept
from gemma4_operator.status.against import against_plan
from gemma4_operator.status.evidence import Evidence
from gemma4_operator.status.pods import PodView, mapping
from gemma4_operator.status.project import Problem, Subject, project
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.rollout import rollout, told_replicas
from gemma4_operator.status.unplaced import nodes_coming


@dataclass(frozen=True, slots=True, kw_only=True)
class _Applied:
    """What came of the changes that were due: those done, those left alone, and what stopped the rest."""

    done: tuple[Change, ...] = ()
    pending: tuple[Change, ...] = ()
    problem: Problem | None = None


class Reconciler:
    """Brings one custom resource at a time closer to its spec; holds no state that a restart would miss."""

    def __init__(
        self,
        *,
        api: Api,
        world: World,
        recorder: Recorder,
        desires: Desires,
        taken: Taken,
        witness: Witness,
        contests: Contests,
        gauge: Gauge,
        autoscaler: Autoscaler,
        unplaced_seconds: float,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._world = world
        self._recorder = recorder
        self._desires = desires
        self._taken = taken
        self._witness = witness
        self._contests = contests
        self._gauge = gauge
        self._autoscaler = autoscaler
        self._unplaced_seconds = unplaced_seconds
        self._now = now
        self._rollouts = Rollouts(world=world, taken=taken, monotonic=monotonic, now=now)
        self._settled = Settled()
        self._publisher = StatusWriter(
            api, resources=world.custom_resources, settled=self._settled, contests=contests, recorder=recorder
        )
        self._announcer = Announcer(recorder)
        self._converger = Converger(api, children=world.children, settled=self._settled, contests=contests)
        self._uids: dict[Key, str] = {}

    async def __call__(self, key: Key) -> Again | None:
        """Walk once from left to right; return when to come back without news, if time may change something.

        Raises:
            ApiUnavailable: Nothing is wrong with the object; the status stays as it is.
            Conflict: Nor is it then: somebody was first, or a quota of the namespace was counted anew just then.
            LeadershipLost: Another replica may be writing.
        """
        resource = self._world.custom_resources.get(key)
        self._remember(key, resource)
        if resource is None or "deletionTimestamp" in resource["metadata"]:
            return None
        pods = self._world.pods.owned_by(key)
        evidence = await self._witness.evidence(key.namespace, pods)
        wanted, steered = await self._wanted(key, resource, pods, evidence)
        try:
            applied = await self._apply(key, resource, wanted, steered)
        except NotFound:
            return Again()  # The namespace or the custom resource went away in this moment.
        except Forbidden:
            return None  # The namespace is ending, and all that is in it.
        waits = await self._tell(key, resource, wanted, steered, applied, evidence)
        if self._was_edited(key, resource):
            return Again(after_seconds=0.0)
        if waits or (applied.problem is not None and applied.problem.planned):
            return Again()
        silent = silent_seconds(pods, now=self._now())
        after = [seconds for seconds in (steered.again_seconds, silent) if seconds is not None]
        return Again(after_seconds=min(after)) if after else None

    async def _wanted(
        self, key: Key, resource: Object, pods: Sequence[PodView], evidence: Mapping[str, Evidence]
    ) -> tuple[Desire, Steered]:
        """Return what should exist, and what of it now.

        Where nothing fits a choice takes seconds, and the Lease must not wait for it. As long as children are not as
        a plan wants them, what their pods say is not said of it.
        """
        wrong, live = None, self._world.child(DEPLOYMENT.kind, key)
        scale = Scale(live=told_replicas(live), decided=self._autoscaler.decided(key))
        if not self._desires.must_choose(resource, scale):
            kept = self._desires.of(resource, scale)
            steered = await self._rollouts.steer(key, kept)
            wrong = against_plan(
                pods,
                rollout(live),
                evidence,
                planned=steered.pods,
                patience_seconds=self._unplaced_seconds,
                now=self._now(),
            )
            if wrong is None or not self._is_as_wanted(steered, key):
                return kept, steered
        uses, nodes = await self._taken.by_others(key), self._world.node_views()
        chosen = await asyncio.to_thread(self._desires.choose, resource, uses, nodes, wrong=wrong, scale=scale)
        return chosen, await self._rollouts.steer(key, chosen)

    def _is_as_wanted(self, steered: Steered, key: Key) -> bool:
        try:
            return not self._due(steered, key)
        except ForeignObject:
            return False  # Applying meets it again, and tells it.

    def _due(self, steered: Steered, key: Key) -> tuple[Change, ...]:
        return due_changes(steered.objects, key=key, children=self._world.children, settled=self._settled)

    async def _apply(self, key: Key, resource: Object, wanted: Desire, steered: Steered) -> _Applied:
        """Make the changes that are due.

        Raises:
            NotFound: If the namespace or the custom resource is gone.
            Conflict: If a write came at a bad moment.
            Forbidden: If the namespace is ending.
        """
        if wanted.problem is not None:
            return _Applied(problem=wanted.problem)
        done: list[Change] = []
        try:
            changes = self._due(steered, key)
            if changes and wanted.spec is not None and wanted.spec.suspend:
                return _Applied(pending=changes)
            for change in changes:
                written = await self._converger.apply(change, key=key)
                done += [change] if written else []
        except (NotFound, Conflict):
            raise
        except (ForeignObject, ApiRejected) as error:
            if isinstance(error, Forbidden) and error.namespace_is_terminating:
                raise
            return _Applied(done=tuple(done), problem=_problem_of(error))
        return _Applied(done=tuple(done), problem=_contested(self._contests.told(resource["metadata"]["uid"])))

    async def _tell(
        self,
        key: Key,
        resource: Object,
        wanted: Desire,
        steered: Steered,
        applied: _Applied,
        evidence: Mapping[str, Evidence],
    ) -> bool:
        """Say how it is; return whether that has to wait."""
        subject = Subject(
            namespace=key.namespace,
            name=key.name,
            generation=resource["metadata"]["generation"],
            previous=resource.get("status", {}),
            spec=wanted.spec,
            wanted=wanted.count.replicas if wanted.count is not None else None,
            plan=wanted.plan,
            problem=applied.problem,
            rejection=wanted.rejection,
            rollout=rollout(self._world.child(DEPLOYMENT.kind, key)).of_plan(len(steered.pods)),
            pods=steered.pods,
            evidence=evidence,
            selector=selector(key.name),
            pending=tuple(change.kind for change in applied.pending),
            rolling=steered.told,
            blocked=steered.blocked,
            leaving=steered.leaving,
            overdue=steered.overdue,
            remark=steered.remark,
            cache=self._cache(key, wanted, steered),
            autoscaling=self._autoscaling(key, wanted, steered, resource, evidence),
        )
        status = project(subject, now=self._now())
        waits = await self._publisher.write(resource, status)
        await self._announcer.announce(resource, status, applied.done)
        return waits

    def _autoscaling(
        self, key: Key, wanted: Desire, steered: Steered, resource: Object, evidence: Mapping[str, Evidence]
    ) -> AutoscalingStatus | None:
        """Have the autoscaler look after the resource, and return what is said of it."""
        live = told_replicas(self._world.child(DEPLOYMENT.kind, key))
        before = mapping(mapping(resource.get("status")).get("autoscaling"))
        self._autoscaler.attend(
            key,
            spec=wanted.spec,
            plan=wanted.plan,
            dialects=wanted.dialects,
            live=live,
            told=before,
            coming=nodes_coming(evidence),
            is_mixed=steered.is_mixed,
        )
        if wanted.spec is None or wanted.spec.autoscaling is None or wanted.count is None:
            return None
        said = self._autoscaler.told(key) or kept(before)
        limited_by = wanted.count.limited_by or said.limited_by
        return said.model_copy(update={"desired_replicas": wanted.count.replicas, "limited_by": limited_by})

    def _was_edited(self, key: Key, resource: Object) -> bool:
        """Whether the spec is another than this pass was about.

        A status that we write comes back with whatever spec is stored by then, so the watch's word of an edit in this
        moment is older than what is known already, and wakes nobody.
        """
        newest = self._world.custom_resources.get(key)
        return newest is not None and newest["metadata"]["generation"] != resource["metadata"]["generation"]

    def _cache(self, key: Key, wanted: Desire, steered: Steered) -> CacheSize | None:
        """Return how large the engine's cache is, once a pod has said so."""
        if wanted.plan is None:
            return None
        blocks = self._gauge.blocks(key, steered.pods, wanted.dialects)
        return self._desires.cache_size(wanted.plan, blocks=blocks) if blocks is not None else None

    def _remember(self, key: Key, resource: Object | None) -> None:
        """Forget what was kept of an object once it is gone or another has taken its name."""
        uid = resource["metadata"]["uid"] if resource is not None else None
        known = self._uids.pop(key, None)
        if known is not None and known != uid:
            self._recorder.forget(known)
            self._settled.forget(known)
            self._desires.forget(known)
            self._contests.forget(known)
            self._rollouts.forget(key)
            self._gauge.forget(key)
            self._autoscaler.forget(key)
        if uid is not None:
            self._uids[key] = uid


def _contested(told: Sequence[str]) -> Problem | None:
    if not told:
        return None
    return Problem(reason=Reason.CONTESTED, message=" ".join((*told, Reason.CONTESTED.advice)), planned=True)


def _problem_of(error: ForeignObject | ApiRejected) -> Problem:
    if isinstance(error, Leftover):
        return Problem(reason=Reason.PROGRESSING, message=f"{error}.", planned=True)
    if isinstance(error, ForeignObject):
        return Problem(reason=Reason.NAME_CONFLICT, message=f"{error}. {Reason.NAME_CONFLICT.advice}", planned=True)
    return Problem(
        reason=Reason.CHILD_REJECTED,
        message=f"The API server refuses: {error.message.rstrip('.')}. {Reason.CHILD_REJECTED.advice}",
        planned=True,
    )
