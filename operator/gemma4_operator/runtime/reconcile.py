"""One pass over one custom resource: from what is to what should be, and what to say about it."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from gemma4_operator.kube.api import Api, Object
from gemma4_operator.kube.errors import ApiRejected, Forbidden, NotFound
from gemma4_operator.kube.events import Event, EventType, Recorder
from gemma4_operator.kube.kinds import DEPLOYMENT
from gemma4_operator.planner.replan import Wrong
from gemma4_operator.render.labels import selector
from gemma4_operator.runtime.contest import Contests
from gemma4_operator.runtime.converge import (
    Change,
    Converger,
    ForeignObject,
    Leftover,
    Settled,
    due_changes,
    summary,
)
from gemma4_operator.runtime.desire import Desire, Desires
from gemma4_operator.runtime.publish import StatusWriter
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.taken import Taken
from gemma4_operator.runtime.witness import Witness
from gemma4_operator.runtime.world import World
from gemma4_operator.status.diagnose import diagnose, max_restarts
from gemma4_operator.status.project import Problem, Subject, project, rollout
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.unplaced import unplaced_seconds

RESTARTS_THAT_TELL = 2
"""After so many an engine that runs out of memory does so by its plan, and not for what another process left."""
_UNEVENTFUL = frozenset({Reason.PROGRESSING, Reason.STILL_STARTING})
_GOOD = frozenset({Reason.READY, Reason.SCALED_TO_ZERO, Reason.SUSPENDED})
log = logging.getLogger(__name__)


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
        unplaced_seconds: float,
        now: Callable[[], datetime],
    ) -> None:
        self._api = api
        self._world = world
        self._recorder = recorder
        self._desires = desires
        self._taken = taken
        self._witness = witness
        self._unplaced_seconds = unplaced_seconds
        self._now = now
        self._settled = Settled()
        self._publisher = StatusWriter(
            api, resources=world.custom_resources, settled=self._settled, contests=contests, recorder=recorder
        )
        self._contests = contests
        self._converger = Converger(api, children=world.children, settled=self._settled, contests=contests)
        self._uids: dict[Key, str] = {}

    async def __call__(self, key: Key) -> bool:
        """Walk once from left to right; return whether to come back without news (a problem time may solve).

        Raises:
            ApiUnavailable: Nothing is wrong with the object; the status stays as it is.
            LeadershipLost: Another replica may be writing.
        """
        resource = self._world.custom_resources.get(key)
        self._remember(key, resource)
        if resource is None or "deletionTimestamp" in resource["metadata"]:
            return False
        wanted = await self._wanted(key, resource)
        done: list[Change] = []
        problem = wanted.problem
        pending: tuple[Change, ...] = ()
        if problem is None:
            try:
                changes = self._due(wanted, key)
                pending = changes if wanted.spec is not None and wanted.spec.suspend else ()
                for change in changes if not pending else ():
                    written = await self._converger.apply(change, key=key)
                    done += [change] if written else []
                problem = _contested(self._contests.told(resource["metadata"]["uid"])) if not pending else None
            except NotFound:
                return True  # The namespace or the custom resource went away in this moment.
            except (ForeignObject, ApiRejected) as error:
                if isinstance(error, Forbidden) and error.namespace_is_terminating:
                    return False
                problem = _problem_of(error)
        waits = await self._tell(key, resource, wanted, problem, pending, done)
        return waits or (problem is not None and problem.planned)

    async def _wanted(self, key: Key, resource: Object) -> Desire:
        """Return what should exist; where nothing fits a choice takes seconds, and the Lease must not wait for it.

        As long as children are not as a plan wants them, what their pods say is not said of it.
        """
        wrong = await self._wrong(key)
        if not self._desires.must_choose(resource):
            kept = self._desires.of(resource)
            if wrong is None or self._due(kept, key):
                return kept
        uses, nodes = await self._taken.by_others(key), self._world.node_views()
        return await asyncio.to_thread(self._desires.choose, resource, uses, nodes, wrong=wrong)

    async def _wrong(self, key: Key) -> Wrong | None:
        """Return what the pods say against their plan; those of an earlier one say nothing about it."""
        pods, running = self._world.pods.owned_by(key), rollout(self._world.child(DEPLOYMENT.kind, key))
        if not running.current or running.ready:
            return None
        if unplaced_seconds(pods, now=self._now()) >= self._unplaced_seconds:
            return Wrong.UNPLACED
        if running.old or max_restarts(pods) < RESTARTS_THAT_TELL:
            return None
        found = diagnose(pods, await self._witness.evidence(key.namespace, pods))
        return Wrong.MEMORY if found is not None and found.reason is Reason.GPU_OUT_OF_MEMORY else None

    def _due(self, wanted: Desire, key: Key) -> tuple[Change, ...]:
        return due_changes(wanted.objects, key=key, children=self._world.children, settled=self._settled)

    async def _tell(
        self,
        key: Key,
        resource: Object,
        wanted: Desire,
        problem: Problem | None,
        pending: Sequence[Change],
        done: Sequence[Change],
    ) -> bool:
        """Say how it is; return whether that has to wait."""
        pods = self._world.pods.owned_by(key)
        subject = Subject(
            namespace=key.namespace,
            name=key.name,
            generation=resource["metadata"]["generation"],
            previous=resource.get("status", {}),
            spec=wanted.spec,
            plan=wanted.plan,
            problem=problem,
            rejection=wanted.rejection,
            rollout=rollout(self._world.child(DEPLOYMENT.kind, key)),
            pods=pods,
            evidence=await self._witness.evidence(key.namespace, pods),
            selector=selector(key.name),
            pending=tuple(change.kind for change in pending),
        )
        status = project(subject, now=self._now())
        waits = await self._publisher.write(resource, status)
        await self._announce(resource, status, done)
        return waits

    async def _announce(self, resource: Object, status: dict[str, Any], done: Sequence[Change]) -> None:
        """Publish what was done, and the cause when it has changed."""
        if done:
            note = summary(done)
            log.info("%s/%s: %s", resource["metadata"]["namespace"], resource["metadata"]["name"], note)
            await self._recorder.publish(
                Event(
                    regarding=resource,
                    type=EventType.NORMAL,
                    reason=Reason.CHILDREN_APPLIED.value,
                    action="Apply",
                    note=note,
                )
            )
        await self._announce_plan(resource, status)
        before, ready = _ready(resource.get("status", {})), _ready(status)
        reason = Reason(ready["reason"])
        if reason in _UNEVENTFUL or (before or {}).get("reason") == reason.value:
            return
        await self._recorder.publish(
            Event(
                regarding=resource,
                type=EventType.NORMAL if reason in _GOOD else EventType.WARNING,
                reason=reason.value,
                action="Reconcile",
                note=ready["message"],
            )
        )

    async def _announce_plan(self, resource: Object, status: dict[str, Any]) -> None:
        """Publish that a plan has taken the place of another."""
        before, plan = resource.get("status", {}).get("plan", {}), status.get("plan", {})
        if before.get("why") and plan.get("why") and _identity(before) != _identity(plan):
            await self._recorder.publish(
                Event(
                    regarding=resource,
                    type=EventType.NORMAL,
                    reason=Reason.PLANNED.value,
                    action="Plan",
                    note=" ".join((plan["why"], *plan.get("notes", ()))),
                )
            )

    def _remember(self, key: Key, resource: Object | None) -> None:
        """Forget what was kept of an object once it is gone or another has taken its name."""
        uid = resource["metadata"]["uid"] if resource is not None else None
        known = self._uids.pop(key, None)
        if known is not None and known != uid:
            self._recorder.forget(known)
            self._settled.forget(known)
            self._desires.forget(known)
            self._contests.forget(known)
        if uid is not None:
            self._uids[key] = uid


def _identity(plan: Mapping[str, Any]) -> tuple[Any, ...]:
    return plan["why"], plan.get("tries", 0)


def _ready(status: dict[str, Any]) -> dict[str, Any] | Any:
    return next((condition for condition in status.get("conditions", ()) if condition["type"] == "Ready"), None)


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
