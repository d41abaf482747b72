"""Events: what a pass did, another number of replicas, another plan, another cause; nothing that goes on."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from gemma4_operator.kube.api import Object
from gemma4_operator.kube.events import Event, EventType, Recorder
from gemma4_operator.runtime.converge import Change, summary
from gemma4_operator.status.reasons import Reason

_UNEVENTFUL = frozenset({Reason.PROGRESSING, Reason.STILL_STARTING})
_GOOD = frozenset({Reason.READY, Reason.SCALED_TO_ZERO, Reason.SUSPENDED})
log = logging.getLogger(__name__)


class Announcer:
    """Publishes what is new between the status before a pass and the one after it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def announce(self, resource: Object, status: Mapping[str, Any], done: Sequence[Change]) -> None:
        """Publish what was done, another number of replicas, another plan, and another cause."""
        before = resource.get("status", {})
        if done:
            note = summary(done)
            log.info("%s/%s: %s", resource["metadata"]["namespace"], resource["metadata"]["name"], note)
            await self._publish(resource, EventType.NORMAL, Reason.CHILDREN_APPLIED, "Apply", note)
        if why := _scaled(before, status):
            await self._publish(resource, EventType.NORMAL, Reason.SCALED, "Scale", why)
        was, plan = before.get("plan") or {}, status.get("plan") or {}
        if was.get("why") and plan.get("why") and _identity(was) != _identity(plan):
            note = " ".join((plan["why"], *plan.get("notes", ())))
            await self._publish(resource, EventType.NORMAL, Reason.PLANNED, "Plan", note)
        ready = _ready(status)
        reason = Reason(ready["reason"])
        if reason not in _UNEVENTFUL and _ready(before).get("reason") != reason.value:
            kind = EventType.NORMAL if reason in _GOOD else EventType.WARNING
            await self._publish(resource, kind, reason, "Reconcile", ready["message"])

    async def _publish(self, resource: Object, kind: EventType, reason: Reason, action: str, note: str) -> None:
        event = Event(regarding=resource, type=kind, reason=reason.value, action=action, note=note)
        await self._recorder.publish(event)


def _scaled(before: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    """Return from how many to how many replicas the autoscaler went, and why; empty: it stayed."""
    was, now = before.get("autoscaling") or {}, status.get("autoscaling") or {}
    past, wanted = was.get("desiredReplicas"), now.get("desiredReplicas")
    if past is None or wanted is None or past == wanted:
        return ""
    return f"From {past} to {wanted} replicas. {now.get('message') or ''}".rstrip()


def _identity(plan: Mapping[str, Any]) -> tuple[Any, ...]:
    return plan["why"], plan.get("tries", 0)


def _ready(status: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((one for one in status.get("conditions", ()) if one["type"] == "Ready"), {})
