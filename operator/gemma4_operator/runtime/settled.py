"""Applies that changed nothing: a field that the API server, or a webhook of others, writes in its own way.

Such an apply is not sent again while the object is as it was. Once it is another, if only by its status, it is worth a
try, but nobody has undone anything.
"""

from gemma4_operator.kube.api import Object


class Settled:
    """Remembers them, by the uid of the custom resource and what was written of it."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, tuple[str, str]]] = {}

    def is_settled(self, uid: str, what: str, live: Object, mark: str) -> bool:
        """Whether this was applied to exactly this state before, to no effect."""
        return self._known.get(uid, {}).get(what) == (live["metadata"]["resourceVersion"], mark)

    def was_idle(self, uid: str, what: str, mark: str) -> bool:
        """Whether the last apply was of this, and changed nothing."""
        known = self._known.get(uid, {}).get(what)
        return known is not None and known[1] == mark

    def note(self, uid: str, what: str, before: Object | None, after: Object, mark: str) -> None:
        """Remember an apply if it changed nothing."""
        old, new = (before or {}).get("metadata", {}), after["metadata"]
        if old.get("resourceVersion") == new["resourceVersion"]:
            self._known.setdefault(uid, {})[what] = (new["resourceVersion"], mark)
        else:
            self._known.get(uid, {}).pop(what, None)

    def forget(self, uid: str) -> None:
        """Drop what is remembered of a custom resource that is gone."""
        self._known.pop(uid, None)
