"""A fence around one field: what it may hold, and the words for whoever wrote something else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gemma4_operator.render.merge import PatchError


@dataclass(frozen=True, slots=True)
class Fence:
    """What one field may hold; `allows` is asked with None where the field is absent."""

    allows: Callable[[Any], bool]
    must: str


def off(must: str) -> Fence:
    """Return the fence of a field that may only be absent, or say that it is off."""
    return Fence(lambda value: value is None or value is False or value == "", must)


def exactly(wanted: bool, must: str) -> Fence:
    """Return the fence of a field that must be there, with this value."""
    return Fence(lambda value: value is wanted, must)


def one_of(wanted: frozenset[str], must: str) -> Fence:
    """Return the fence of a field that is absent or holds one of these texts."""
    return Fence(lambda value: value is None or (isinstance(value, str) and value in wanted), must)


ANYTHING = Fence(lambda _: True, "")
"""No fence: whatever the field holds is the API server's to judge."""


def check_fields(given: Mapping[str, Any], fences: Mapping[str, Fence], *, path: str) -> None:
    """Return if all fields of an object are inside their fences, and none is without one.

    Raises:
        PatchError: With the path of the first field that is not.
    """
    for field, fence in fences.items():
        if not fence.allows(given.get(field)):
            raise PatchError(f"{path}.{field}", fence.must)
    for field in sorted(given.keys() - fences.keys()):
        if given[field] is not None:
            raise PatchError(f"{path}.{field}", "must be absent: no patch may set this field.")


def map_at(value: Any, path: str) -> Mapping[str, Any]:
    """Return a value that is a map, or an empty one where it is absent; anything else is a `PatchError`."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise PatchError(path, "must be a map.")
    return value


def maps_at(value: Any, path: str) -> list[Mapping[str, Any]]:
    """Return a value that is a list of maps, or an empty one where it is absent; anything else is a `PatchError`."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise PatchError(path, "must be a list.")
    return [map_at(item, f"{path}[{index}]") for index, item in enumerate(value)]
