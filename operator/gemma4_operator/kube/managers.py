"""Who wrote what: the field managers that the API server notes in an object's `managedFields`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_ITEM = re.compile(r"\[[^\]]*\]")


def writers(
    live: Mapping[str, Any], paths: Sequence[str], *, apart_from: str, of_status: bool = False
) -> tuple[str, ...]:
    """Return the managers other than one of ours that own the fields of these paths.

    Where nobody owns them, as after a removal, it is whoever wrote last.

    Args:
        live: An object with its `managedFields`.
        paths: As `differences` gives them, such as `spec.ports[http].targetPort`.
        apart_from: Our own manager.
        of_status: Whether the status is meant, and not the rest of the object.
    """
    others = [
        entry
        for entry in live["metadata"].get("managedFields", ())
        if entry.get("manager") != apart_from and (entry.get("subresource") == "status") is of_status
    ]
    wanted = {_ITEM.sub("", path) for path in paths}
    owners = {entry["manager"] for entry in others if _owns(entry.get("fieldsV1") or {}, wanted)}
    if owners or not others:
        return tuple(sorted(owners))
    last = max(str(entry.get("time", "")) for entry in others)
    return tuple(sorted({entry["manager"] for entry in others if str(entry.get("time", "")) == last}))


def _owns(fields: Mapping[str, Any], wanted: set[str]) -> bool:
    """Whether an owned field is a wanted one, lies in one, or holds one as a whole (an atomic map or list)."""
    owned = set(_leaves(fields, ""))
    return any(
        leaf == path or leaf.startswith(f"{path}.") or path.startswith(f"{leaf}.") for leaf in owned for path in wanted
    )


def _leaves(fields: Mapping[str, Any], path: str) -> Iterator[str]:
    """Yield owned fields as paths; the items of a list are not told apart, since each tells them apart by other keys.

    https://kubernetes.io/docs/reference/using-api/server-side-apply/ has the format: `f:` is a field, `k:` an item.
    """
    inner = {name: value for name, value in fields.items() if name != "."}
    if not inner:
        yield path
    for name, value in inner.items():
        kind, _, key = name.partition(":")
        here = f"{path}.{key}".lstrip(".") if kind == "f" else path
        yield from _leaves(value or {}, here)
