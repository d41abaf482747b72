"""The difference of two Kubernetes objects as a strategic merge patch, as kustomize applies one."""

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]

_KEYS: Mapping[str, str] = {
    "containers": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ports": "containerPort",
    "topologySpreadConstraints": "topologyKey",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
"""The lists of a Deployment's pods that are merged item by item, each with the field that tells items apart.

From `patchMergeKey` in Kubernetes' own types; lists of any other name are replaced whole.
"""


def merge_patch(old: Object, new: Object) -> Object:
    """Return what makes one mapping of the other; empty if nothing differs."""
    patch: Object = {key: None for key in old if key not in new}
    for key, value in new.items():
        if key not in old:
            patch[key] = value
        elif old[key] != value:
            patch[key] = _difference(key, old[key], value)
    return patch


def removal(resource: Object) -> Object:
    """Return the patch that takes an object away."""
    return {"$patch": "delete", **identity(resource)}


def identity(resource: Object) -> Object:
    """Return that part of an object by which a patch finds it."""
    metadata = {key: resource["metadata"][key] for key in ("name", "namespace") if key in resource["metadata"]}
    return {"apiVersion": resource["apiVersion"], "kind": resource["kind"], "metadata": metadata}


def _difference(field: str, old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return merge_patch(old, new)
    if isinstance(old, list) and isinstance(new, list) and field in _KEYS:
        return _items(old, new, key=_KEYS[field])
    return new


def _items(old: list[Object], new: list[Object], *, key: str) -> list[Object]:
    before, after = ({item[key]: item for item in items} for items in (old, new))
    gone = [{"$patch": "delete", key: name} for name in before if name not in after]
    changed = [
        {key: name, **merge_patch(before.get(name, {}), item)}
        for name, item in after.items()
        if before.get(name) != item
    ]
    return gone + changed
