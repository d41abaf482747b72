"""Writing a status: only where it differs, only what the installed CRD knows, and not against another for ever."""

import logging
import re
from collections.abc import Iterator, Sequence
from typing import Any

from gemma4_operator.kube.api import Api, Object
from gemma4_operator.kube.drift import differences
from gemma4_operator.kube.errors import ApiRejected, NotFound
from gemma4_operator.kube.events import Event, EventType, Recorder
from gemma4_operator.kube.managers import writers
from gemma4_operator.runtime.contest import Contests
from gemma4_operator.runtime.converge import FIELD_MANAGER
from gemma4_operator.runtime.settled import Settled
from gemma4_operator.runtime.store import Shelf
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT
from gemma4_operator.status.reasons import Reason

STATUS_MANAGER = f"{FIELD_MANAGER}-status"
_WHAT = "status"
_UNDECLARED = re.compile(r"\.status\.([A-Za-z0-9_.\[\]=\"{},:-]+): field not declared in schema")
log = logging.getLogger(__name__)


class StatusWriter:
    """Brings a status to the API server."""

    def __init__(
        self, api: Api, *, resources: Shelf[Object], settled: Settled, contests: Contests, recorder: Recorder
    ) -> None:
        self._api = api
        self._resources = resources
        self._settled = settled
        self._contests = contests
        self._recorder = recorder

    async def write(self, resource: Object, status: dict[str, Any]) -> bool:
        """Write a status that differs from the one there is.

        Returns:
            Whether it has to wait, since somebody undoes it each time.
        """
        paths = _differing(status, resource.get("status", {}))
        uid, mark, timeless = resource["metadata"]["uid"], str(status), str(_timeless(status))
        if not paths or self._settled.is_settled(uid, _WHAT, resource, mark):
            return False
        if self._contests.holds(uid, _WHAT, timeless):
            await self._say_who(resource, paths)
            return True
        try:
            after, is_whole = await self._apply(resource, status)
            after = await self._rid(after, status)
        except NotFound:
            return False
        # What was left out will not be stored next time either.
        self._settled.note(uid, _WHAT, resource if is_whole else after, after, mark)
        self._contests.wrote(uid, _WHAT, timeless)
        self._resources.put(after)
        return False

    async def _apply(self, resource: Object, status: dict[str, Any]) -> tuple[Object, bool]:
        """Apply; a CRD that is older than this operator gets what it knows, rather than nothing.

        Returns:
            What is stored now, and whether that was all.
        """
        unknown: frozenset[str] = frozenset()
        while True:
            try:
                stored = await self._send(resource, _without(status, unknown))
            except ApiRejected as error:
                # It names one field of each object, and the next only once that one is gone.
                more = undeclared(error.message) - unknown
                if not more:
                    raise
                unknown |= more
                continue
            if unknown:
                log.warning(
                    "The installed CRD is older than this operator and does not know status fields (%s): apply crds/.",
                    ", ".join(sorted(unknown)),
                )
            return stored, not unknown

    async def _rid(self, stored: Object, status: dict[str, Any]) -> Object:
        """Take away what others have written into the status: an apply leaves it, and readers take it for ours."""
        pointers = [*_foreign(stored.get("status", {}), status)]
        if not pointers:
            return stored
        try:
            return await self._api.remove_status(GEMMA4_DEPLOYMENT, stored, pointers)
        except ApiRejected as error:  # It has changed in this moment, which is news and brings the next pass.
            log.debug("What others wrote into a status stays for now: %s", error.message)
            return stored

    async def _send(self, resource: Object, status: dict[str, Any]) -> Object:
        body = {
            "apiVersion": GEMMA4_DEPLOYMENT.api_version,
            "kind": GEMMA4_DEPLOYMENT.kind,
            "metadata": {name: resource["metadata"][name] for name in ("namespace", "name", "uid")},
            "status": status,
        }
        return await self._api.apply_status(GEMMA4_DEPLOYMENT, body, manager=STATUS_MANAGER)

    async def _say_who(self, resource: Object, paths: Sequence[str]) -> None:
        """Tell of a contest by an event, since the status is what is contested."""
        metadata = resource["metadata"]
        # Listed, since the role has no right to get one; the shelf does not keep what is looked for.
        named = f"metadata.name={metadata['name']}"
        found = await self._api.list(GEMMA4_DEPLOYMENT, namespace=metadata["namespace"], field_selector=named)
        live = next(iter(found.items), resource)
        fields = [f"status.{path}" for path in paths]
        rivals = writers(live, fields, apart_from=STATUS_MANAGER, of_status=True)
        names = " and ".join(f"'{name}'" for name in rivals) or "a writer without a name"
        await self._recorder.publish(
            Event(
                regarding=resource,
                type=EventType.WARNING,
                reason=Reason.CONTESTED.value,
                action="Reconcile",
                note=f"Each write of the status, which is the operator's alone, is undone by {names}; so it is "
                "written less often now, and may not be true.",
            )
        )


def undeclared(message: str) -> frozenset[str]:
    """Return the fields of a status that a schema does not know, by what the API server says of an apply."""
    return frozenset(re.sub(r"\[[^\]]*\]", "", path) for path in _UNDECLARED.findall(message))


def _without(status: Any, paths: frozenset[str]) -> Any:
    """Return a status without some fields, in each item where they lie in a list."""
    if isinstance(status, list):
        return [_without(item, paths) for item in status]
    if not isinstance(status, dict):
        return status
    below = {
        name: frozenset(path.removeprefix(f"{name}.") for path in paths if path.startswith(f"{name}."))
        for name in status
    }
    return {name: _without(value, below[name]) for name, value in status.items() if name not in paths}


def _differing(status: dict[str, Any], previous: dict[str, Any]) -> list[str]:
    """Return the paths of what is to be written, and of what is to go."""
    gone = [*sorted(set(previous) - set(status))]
    wanted, found = _types(status), _types(previous)
    return [*differences(status, previous), *gone, *(f"conditions[{name}]" for name in sorted(found - wanted))]


def _foreign(stored: dict[str, Any], status: dict[str, Any]) -> Iterator[str]:
    """Yield a pointer to each condition and field that is not of this status; conditions from the last one on."""
    ours, found = _types(status), stored.get("conditions", ())
    for index in reversed(range(len(found))):
        if found[index]["type"] not in ours:
            yield f"/status/conditions/{index}"
    yield from (f"/status/{name}" for name in sorted(set(stored) - set(status)))


def _types(status: dict[str, Any]) -> set[str]:
    return {condition["type"] for condition in status.get("conditions", ())}


def _timeless(status: dict[str, Any]) -> dict[str, Any]:
    """Return what a status says, without when: another's write to a condition would move its time."""
    conditions = [{**condition, "lastTransitionTime": ""} for condition in status.get("conditions", ())]
    return {**status, "conditions": conditions}
