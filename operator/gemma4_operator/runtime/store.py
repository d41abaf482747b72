"""What the cluster looks like, as far as the watches and our own writes have told.

kopf delivers whole objects with its events, so a pass reads memory and not the API server. Three rules keep it true:
a newer resourceVersion wins (they are comparable, KEP-5504), and so does a deletion over what is older than itself; an
object that has lost the label it is watched by is reported as deleted and may come back, newer; and a listing replaces
all that it must have seen. Where listings go back in time, etcd was restored from a backup: the next one is the truth,
whatever was known.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

V = TypeVar("V")
_TOMBSTONES = 4096


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One object by namespace and name."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry(Generic[V]):
    uid: str
    resource_version: int
    owner: Key
    value: V


def key_of(obj: Mapping[str, Any]) -> Key:
    """Return the key of a raw object; that of a cluster has no namespace."""
    metadata = obj["metadata"]
    return Key(metadata.get("namespace", ""), metadata["name"])


class Shelf(Generic[V]):
    """All known objects of one kind, and whose they are.

    Args:
        owner: The key of the Gemma4Deployment a raw object belongs to, or None if it is nobody's.
        reduce: What to keep of a raw object.
    """

    def __init__(
        self, *, owner: Callable[[Mapping[str, Any]], Key | None], reduce: Callable[[dict[str, Any]], V]
    ) -> None:
        self._owner = owner
        self._reduce = reduce
        self._entries: dict[Key, _Entry[V]] = {}
        self._owned: dict[Key, dict[Key, None]] = {}
        self._gone: OrderedDict[str, int] = OrderedDict()
        self._listed: dict[str | None, int] = {}

    def get(self, key: Key) -> V | None:
        """Return one object."""
        entry = self._entries.get(key)
        return entry.value if entry is not None else None

    def owned_by(self, owner: Key) -> tuple[V, ...]:
        """Return the objects of one Gemma4Deployment, in the order of their names."""
        return tuple(self._entries[key].value for key in sorted(self._owned.get(owner, ())))

    def owners(self) -> tuple[Key, ...]:
        """Return the keys of all Gemma4Deployments that own something here."""
        return tuple(self._owned)

    def put(self, obj: dict[str, Any]) -> Key | None:
        """Remember a state of an object; return its owner if what is kept of it is news."""
        metadata = obj["metadata"]
        owner, key, version = self._owner(obj), key_of(obj), int(metadata["resourceVersion"])
        known = self._entries.get(key)
        newest = max(self._gone.get(metadata["uid"], -1), known.resource_version if known is not None else -1)
        if version <= newest:
            return None
        if known is not None and known.owner != owner:
            self._drop(key)
        if owner is None:
            return known.owner if known is not None else None
        before = self._entries.get(key)
        value = self._reduce(obj)
        self._entries[key] = _Entry(uid=metadata["uid"], resource_version=version, owner=owner, value=value)
        self._owned.setdefault(owner, {})[key] = None
        return owner if before is None or before.uid != metadata["uid"] or before.value != value else None

    def remove(self, obj: dict[str, Any]) -> Key | None:
        """Forget a deleted object and all that is older; return its owner if it was known."""
        uid, version = obj["metadata"]["uid"], int(obj["metadata"]["resourceVersion"])
        self._gone[uid] = max(version, self._gone.pop(uid, -1))
        while len(self._gone) > _TOMBSTONES:
            self._gone.popitem(last=False)
        known = self._entries.get(key_of(obj))
        if known is None or known.uid != uid or known.resource_version > version:
            return None
        return self._drop(key_of(obj))

    def replace(
        self, objects: Iterable[dict[str, Any]], *, resource_version: int, namespace: str | None = None
    ) -> set[Key]:
        """Take a listing as the truth of its moment, and of one namespace; return the owners for which it is news."""
        if resource_version < self._listed.get(namespace, -1):
            self._begin_anew(namespace)
        self._listed[namespace] = resource_version
        listed = list(objects)
        news = {owner for owner in map(self.put, listed) if owner is not None}
        present = {key_of(obj) for obj in listed}
        vanished = [
            key
            for key, entry in self._entries.items()
            if namespace in (None, key.namespace) and key not in present and entry.resource_version <= resource_version
        ]
        return news | {self._drop(key) for key in vanished}

    def forget(self, namespace: str) -> set[Key]:
        """Forget all of a namespace that is gone; return the owners of what was there."""
        self._listed.pop(namespace, None)
        return {self._drop(key) for key in list(self._entries) if key.namespace == namespace}

    def _begin_anew(self, namespace: str | None) -> None:
        """Let all that is known be older than anything that is told from now on."""
        self._gone.clear()
        for key, entry in self._entries.items():
            if namespace in (None, key.namespace):
                self._entries[key] = replace(entry, resource_version=-1)

    def _drop(self, key: Key) -> Key:
        owner = self._entries.pop(key).owner
        self._owned[owner].pop(key, None)
        if not self._owned[owner]:
            del self._owned[owner]
        return owner
