"""One pass over one custom resource: from what is to what should be, and what to say about it."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from gemma4_operator.kube.api import Api, Object
from gemma4_operator.kube.drift import differences
from gemma4_operator.kube.errors import ApiRejected, Forbidden, NotFound
from gemma4_operator.kube.events import Event, EventType, Recorder
from gemma4_operator.kube.kinds import DEPLOYMENT
from gemma4_operator.render.labels import selector
from gemma4_operator.runtime.converge import (
    FIELD_MANAGER,
    Change,
    Converger,
    ForeignObject,
    Leftover,
    Settled,
    due_changes,
    summary,
)
from gemma4_operator.runtime.desire import Desire, Desires
from gemma4_operator.runtime.rollouts import Rollouts, Steered
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.taken import Taken
from gemma4_operator.runtime.witness import Witness
from gemma4_operator.runtime.worker import Again
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT, World
from gemma4_operator.status.against import against_plan
from gemma4_operator.status.evidence import Evidence
from gemma4_operator.status.pods import PodView
from gemma4_operator.status.project import Problem, Subject, project
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.rollout import rollout

STATUS_MANAGER = f"{FIELD_MANAGER}-status"
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
        unplaced_seconds: float,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._api = api
        self._world = world
        self._recorder = recorder
        self._desires = desires
        self._taken = taken
        self._witness = witness
        self._unplaced_seconds = unplaced_seconds
        self._now = now
        self._rollouts = Rollouts(world=world, taken=taken, monotonic=monotonic)
        self._settled = Settled()
        self._converger = Converger(api, children=world.children, settled=self._settled)
        self._uids: dict[Key, str] = {}

    async def __call__(self, key: Key) -> Again | None:
        """Walk once from left to right; return when to come back without news, if time may change something.

        Raises:
            ApiUnavailable: Nothing is wrong with the object; the status stays as it is.
            LeadershipLost: Another replica may be writing.
        """
        resource = self._world.custom_resources.get(key)
        self._remember(key, resource)
        if resource is None or "deletionTimestamp" in resource["metadata"]:
            return None
        pods = self._world.pods.owned_by(key)
        evidence = await self._witness.evidence(key.namespace, pods)
        wanted, steered = await self._wanted(key, resource, pods, evidence)
        done: list[Change] = []
        problem = wanted.problem
        pending: tuple[Change, ...] = ()
        if problem is None:
            try:
                changes = self._due(steered, key)
                pending = changes if wanted.spec is not None and wanted.spec.suspend else ()
                for change in changes if not pending else ():
                    await self._converger.apply(change, key=key)
                    done.append(change)
            except NotFound:
                return Again()  # The namespace or the custom resource went away in this moment.
            except (ForeignObject, ApiRejected) as error:
                if isinstance(error, Forbidden) and error.namespace_is_terminating:
                    return None
                problem = _problem_of(error)
        status = project(
            Subject(
                namespace=key.namespace,
                name=key.name,
                generation=resource["metadata"]["generation"],
                previous=resource.get("status", {}),
                spec=wanted.spec,
                plan=wanted.plan,
                problem=problem,
                rejection=wanted.rejection,
                rollout=rollout(self._world.child(DEPLOYMENT.kind, key)),
                pods=steered.pods,
                evidence=evidence,
                selector=selector(key.name),
                pending=tuple(change.kind for change in pending),
                rolling=steered.told,
                blocked=steered.blocked,
                remark=steered.remark,
            ),
            now=self._now(),
        )
        await self._write_status(resource, status)
        await self._announce(resource, status, done)
        if problem is not None and problem.planned:
            return Again()
        return Again(after_seconds=steered.again_seconds) if steered.again_seconds is not None else None

    async def _wanted(
        self, key: Key, resource: Object, pods: Sequence[PodView], evidence: Mapping[str, Evidence]
    ) -> tuple[Desire, Steered]:
        """Return what should exist, and what of it now.

        Where nothing fits a choice takes seconds, and the Lease must not wait for it. As long as children are not as
        a plan wants them, what their pods say is not said of it.
        """
        wrong = None
        if not self._desires.must_choose(resource):
            kept = self._desires.of(resource)
            steered = await self._rollouts.steer(key, kept)
            wrong = against_plan(
                pods,
                rollout(self._world.child(DEPLOYMENT.kind, key)),
                evidence,
                patience_seconds=self._unplaced_seconds,
                now=self._now(),
            )
            if wrong is None or self._due(steered, key):
                return kept, steered
        uses, nodes = await self._taken.by_others(key), self._world.node_views()
        chosen = await asyncio.to_thread(self._desires.choose, resource, uses, nodes, wrong=wrong)
        return chosen, await self._rollouts.steer(key, chosen)

    def _due(self, steered: Steered, key: Key) -> tuple[Change, ...]:
        return due_changes(steered.objects, key=key, children=self._world.children, settled=self._settled)

    async def _write_status(self, resource: Object, status: dict[str, Any]) -> None:
        previous = resource.get("status", {})
        stale = set(previous) - set(status)
        conditions = {condition["type"] for condition in previous.get("conditions", ())}
        outdated = conditions != {condition["type"] for condition in status["conditions"]}
        mark = str(status)
        unchanged = not stale and not outdated and next(differences(status, previous), None) is None
        if unchanged or self._settled.is_settled(resource, mark):
            return
        body = {
            "apiVersion": GEMMA4_DEPLOYMENT.api_version,
            "kind": GEMMA4_DEPLOYMENT.kind,
            "metadata": {name: resource["metadata"][name] for name in ("namespace", "name", "uid")},
            "status": status,
        }
        try:
            after = await self._api.apply_status(GEMMA4_DEPLOYMENT, body, manager=STATUS_MANAGER)
        except NotFound:
            return
        self._settled.note(resource, after, mark)
        self._world.custom_resources.put(after)

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
            self._rollouts.forget(key)
        if uid is not None:
            self._uids[key] = uid


def _identity(plan: Mapping[str, Any]) -> tuple[Any, ...]:
    return plan["why"], plan.get("tries", 0)


def _ready(status: dict[str, Any]) -> dict[str, Any] | Any:
    return next((condition for condition in status.get("conditions", ()) if condition["type"] == "Ready"), None)


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
