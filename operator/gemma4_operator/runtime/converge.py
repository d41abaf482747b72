"""From rendered objects to the cluster: apply what differs, touch nothing that is not ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from gemma4_operator.api.common import TEMPLATE_LABEL
from gemma4_operator.kube.api import Api, Object
from gemma4_operator.kube.drift import differences
from gemma4_operator.kube.errors import ApiRejected, NotFound
from gemma4_operator.kube.kinds import POD_DISRUPTION_BUDGET, Kind
from gemma4_operator.kube.managers import writers
from gemma4_operator.kube.owners import controller
from gemma4_operator.render.hash import HASH_ANNOTATION
from gemma4_operator.runtime.contest import Contests
from gemma4_operator.runtime.grown import as_grown
from gemma4_operator.runtime.settled import Settled
from gemma4_operator.runtime.store import Key, Shelf
from gemma4_operator.runtime.world import CHILD_KINDS

FIELD_MANAGER = "gemma4-operator"
_KINDS = {kind.kind: kind for kind in CHILD_KINDS}
_RIVALS: Mapping[str, Object] = {POD_DISRUPTION_BUDGET.kind: {"minAvailable": None}}
"""Fields of a spec that exclude one of ours."""


class ForeignObject(Exception):
    """An object of the name that is needed belongs to somebody else."""

    def __init__(self, obj: Object) -> None:
        super().__init__(f"{obj['kind']} '{obj['metadata']['name']}' exists and does not belong to this object")


class Leftover(ForeignObject):
    """An object of the name that is needed belongs to a predecessor of that name, and goes with it."""

    def __init__(self, obj: Object) -> None:
        super().__init__(obj)
        self.args = (f"{obj['kind']} '{obj['metadata']['name']}' of an earlier object of this name is being removed",)


class What(StrEnum):
    """What was done to a child."""

    CREATED = "Created"
    CHANGED = "Changed"
    REPAIRED = "Repaired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One write that is due, or was done. `paths` are the fields that differ."""

    what: What
    obj: Object
    paths: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The child's kind."""
        return str(self.obj["kind"])


def fingerprint(obj: Object) -> str:
    """Return the renderer's own hash of an object."""
    return str(obj["metadata"]["annotations"][HASH_ANNOTATION])


def due_changes(
    desired: Sequence[Object], *, key: Key, children: Mapping[str, Shelf[Object]], settled: Settled
) -> tuple[Change, ...]:
    """Compare what should be with what is.

    Raises:
        ForeignObject: If a child of that name is known and has another controller; `Leftover`: a predecessor of ours.
    """
    changes = (_due_change(obj, children[obj["kind"]].get(key), settled) for obj in desired)
    return tuple(change for change in changes if change is not None)


def _due_change(obj: Object, live: Object | None, settled: Settled) -> Change | None:
    if live is None:
        return Change(what=What.CREATED, obj=obj, paths=())
    _require_ours(live, obj)
    obj = as_grown(obj, live)
    paths = tuple(differences(obj, live))
    if not paths or settled.is_settled(owner_uid(obj), obj["kind"], live, fingerprint(obj)):
        return None
    applied = live["metadata"].get("annotations", {}).get(HASH_ANNOTATION)
    what = What.REPAIRED if applied == fingerprint(obj) else What.CHANGED
    return Change(what=what, obj=obj, paths=paths)


def _require_ours(live: Object, obj: Object) -> None:
    """Raise `ForeignObject` unless the live object is the rendered one."""
    if belongs(live, obj):
        return
    wanted, owner = controller(obj), controller(live)
    is_namesake = (owner.get("kind"), owner.get("name")) == (wanted["kind"], wanted["name"])
    raise Leftover(live) if is_namesake else ForeignObject(live)


def owner_uid(obj: Object) -> str:
    """Return the uid of the custom resource that a rendered object belongs to."""
    return str(obj["metadata"]["ownerReferences"][0]["uid"])


def belongs(live: Object, obj: Object) -> bool:
    """Whether a live object has the controller that the rendered one names."""
    return bool(controller(live).get("uid") == owner_uid(obj))


class Converger:
    """Writes children."""

    def __init__(
        self, api: Api, *, children: Mapping[str, Shelf[Object]], settled: Settled, contests: Contests
    ) -> None:
        self._api = api
        self._children = children
        self._settled = settled
        self._contests = contests

    async def apply(self, change: Change, *, key: Key) -> bool:
        """Write one child and remember what is stored now, unless somebody undoes it each time and it has to wait.

        Returns:
            Whether it was written.

        Raises:
            ForeignObject: If an object of that name turns out to be somebody else's.
            ApiError: As the client does.
        """
        mark, uid = fingerprint(change.obj), owner_uid(change.obj)
        if self._contests.holds(uid, change.kind, mark):
            is_undone = not self._settled.was_idle(uid, change.kind, mark)
            if is_undone and not self._contests.is_told(uid, change.kind, change.paths):
                self._contests.tell(uid, change.kind, change.paths, contest(change, await self._rivals(change, key)))
            return False
        await self._write(change, key)
        self._contests.wrote(uid, change.kind, mark, repair=change.what is What.REPAIRED)
        return True

    async def _rivals(self, change: Change, key: Key) -> tuple[str, ...]:
        """Return who has written what differs; the shelves do not keep it, since it is asked for so seldom."""
        try:
            live = await self._api.get(_KINDS[change.kind], namespace=key.namespace, name=key.name)
        except NotFound:
            return ()
        return writers(live, change.paths, apart_from=FIELD_MANAGER)

    async def _write(self, change: Change, key: Key) -> None:
        kind = _KINDS[change.kind]
        before = self._children[change.kind].get(key)
        is_first = change.what is What.CREATED
        # Forced only over a child of ours: what somebody makes under a free name at this very moment is a conflict.
        force = not is_first or not await self._is_free(kind, change.obj, key)
        try:
            after = await self._api.apply(kind, change.obj, manager=FIELD_MANAGER, force=force)
        except ApiRejected as error:
            if before is None or error.status != HTTPStatus.UNPROCESSABLE_ENTITY:
                raise
            after = await self._oust(kind, change.obj, key)
        self._settled.note(owner_uid(change.obj), change.kind, before, after, fingerprint(change.obj))
        self._children[change.kind].put(after)

    async def _is_free(self, kind: Kind, obj: Object, key: Key) -> bool:
        """Look at a name before the first write to it; raises `ForeignObject` if a stranger has it.

        A stranger's object bears none of our labels, so the watches do not show it; nor do they show a child of ours
        that has lost its label.
        """
        try:
            live = await self._api.get(kind, namespace=key.namespace, name=key.name)
        except NotFound:
            return True
        _require_ours(live, obj)
        return False

    async def _oust(self, kind: Kind, obj: Object, key: Key) -> Object:
        """Take away what others have set where it cannot stand beside ours, such as a second port of one name.

        Then whole lists become ours, with what others added to them. A patch leaves an entry of its own among the
        field managers; it goes at once, or fields that a later rendering drops would stay in its name.
        """
        spec = {**_RIVALS.get(kind.kind, {}), **obj["spec"]}
        live = await self._api.merge(kind, {"spec": spec}, namespace=key.namespace, name=key.name)
        entries = [
            entry
            for entry in live["metadata"]["managedFields"]
            if (entry["manager"], entry["operation"]) != (FIELD_MANAGER, "Update")
        ]
        ours = {"metadata": {"managedFields": entries}}
        await self._api.merge(kind, ours, namespace=key.namespace, name=key.name)
        return await self._api.apply(kind, obj, manager=FIELD_MANAGER, force=True)


def summary(changes: Sequence[Change]) -> str:
    """Say in one sentence what was done, such as `Created Deployment, Service. Repaired Service (spec.ports).`."""
    sentences = []
    for what in What:
        parts = [_part(change) for change in changes if change.what is what]
        if parts:
            sentences.append(f"{what.value} {', '.join(parts)}.")
    return " ".join(sentences)


def contest(change: Change, rivals: Sequence[str]) -> str:
    """Say who undoes each repair of a child, as far as that can be known."""
    who = " and ".join(f"'{name}'" for name in rivals) or "a writer without a name, such as an admission webhook"
    told = f"Each repair of {_part(change)} is undone by {who}"
    if change.what is What.CREATED:
        told = f"{change.kind} is deleted each time it is made"
    return f"{told}, so repairs are made less often now."


def _part(change: Change) -> str:
    # Marks of our own change with every change, and say nothing of it.
    paths = [path for path in change.paths if not any(mark in path for mark in (HASH_ANNOTATION, TEMPLATE_LABEL))]
    shown = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
    return f"{change.kind} ({shown})" if paths else change.kind
