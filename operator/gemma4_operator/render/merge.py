"""Merging a partial pod template over a whole one: the rules of the patch, without any opinion on what may change.

Maps merge, null removes a field, lists of objects with an identity merge by it, other lists replace. An item of `env`,
`volumes` and `volumeMounts` has one meaning only, so the patch's item takes the place of the whole item; an item of
`containers` and the like is merged in turn. Merging twice is merging once.
"""

from typing import Any

from gemma4_operator.api.shown import shown

_IDENTITIES = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
}
_WHOLE = frozenset({"env", "volumes", "volumeMounts"})
_FREE_KEYS = frozenset({"labels", "annotations", "nodeSelector", "limits", "requests"})
"""Maps whose keys are the user's own words, so that a label may be called `env`."""

_MOST_SHOWN = 300
"""Of a path and of a message, in which names and keys are the user's own words."""


class PatchError(ValueError):
    """A patch that cannot be, with the path below the custom resource and one sentence that names it."""

    def __init__(self, path: str, message: str) -> None:
        self.path = shown(path, _MOST_SHOWN)
        self.message = shown(message, _MOST_SHOWN)
        super().__init__(f"`{self.path}` {self.message}")


def merged(base: Any, patch: Any, *, path: str, free: bool = False) -> Any:
    """Return the base with the patch over it; `free`: the keys are the user's, and none names a list of objects."""
    if not isinstance(patch, dict):
        return patch
    result = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        here = f"{path}.{key}"
        if value is None:
            result.pop(key, None)
        elif key in _IDENTITIES and not free:
            result[key] = _merged_list(result.get(key, []), value, field=key, path=here)
        else:
            result[key] = merged(result.get(key), value, path=here, free=free or key in _FREE_KEYS)
    return result


def _merged_list(base: list[Any], patch: Any, *, field: str, path: str) -> list[Any]:
    if not isinstance(patch, list):
        raise PatchError(path, "must be a list.")
    identity = _IDENTITIES[field]
    result = {item[identity]: item for item in base}
    for index, item in enumerate(patch):
        here = f"{path}[{index}]"
        mark = item.get(identity) if isinstance(item, dict) else None
        if not isinstance(mark, str | int):
            raise PatchError(here, f"must be an object with `{identity}`, which tells the items apart.")
        before = None if field in _WHOLE else result.get(mark)
        result[mark] = merged(before, item, path=here)
    return list(result.values())
