"""Nodes and pods as they are given: what cannot be one is told with its name and field, before anything is planned.

An API server judged them already; files that people wrote or cut down had no such judge.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gemma4_operator.api.shown import shown
from gemma4_operator.cli.inputs import InvalidInput, Object, objects_in, of_kinds, place, read_text
from gemma4_operator.planner.node_labels import PREFIX

_QUANTITY = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][0-9]{1,2}|[KMGTPE]i|[mkMGTPE])?")
"""The form of k8s.io/apimachinery's resource.Quantity."""
_WHOLE = re.compile(r"[0-9]+")
_SHOWN = 40
Fault = tuple[str, str]
"""A field, and what it must be."""


def read_inventory(path: str) -> tuple[tuple[Object, ...], tuple[Object, ...]]:
    """Return the nodes and the pods of what `kubectl get nodes -o json` or `-o yaml` prints. Raises InvalidInput."""
    return _read(path, "Node", "Pod", must="hold what `kubectl get nodes -o json` prints")


def read_pods(path: str) -> tuple[Object, ...]:
    """Return the pods of what `kubectl get pods -A -o json` prints. Raises InvalidInput."""
    return _read(path, "Pod", must="hold what `kubectl get pods -A -o json` prints")[1]


def _read(path: str, *kinds: str, must: str) -> tuple[tuple[Object, ...], tuple[Object, ...]]:
    """Return nodes and pods; a cluster may have none, of which kubectl prints an empty list."""
    where, text = place(path), read_text(path)
    objects = objects_in(text, where=where)
    if not objects and text.strip():
        return (), ()
    return _split(of_kinds(objects, *kinds, where=where, must=must), where)


def _split(objects: tuple[Object, ...], where: str) -> tuple[tuple[Object, ...], tuple[Object, ...]]:
    for one in objects:
        fault = next(_faults(one), None)
        if fault is not None:
            field, must = fault
            raise InvalidInput(f"{where}: {_name(one)}: `{field}` {must}")
    nodes = tuple(one for one in objects if one["kind"] == "Node")
    return nodes, tuple(one for one in objects if one["kind"] == "Pod")


def _name(one: Object) -> str:
    metadata = one.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{one['kind']} '{name}'" if isinstance(name, str) and name else f"a {one['kind']}"


def _faults(one: Object) -> Iterator[Fault]:
    yield from _of_metadata(one)
    for section in ("spec", "status"):
        if not isinstance(one.get(section, {}), dict):
            yield section, f"must be an object, and is {_shown(one[section])}"
    yield from _of_node(one) if one["kind"] == "Node" else _of_pod(one)


def _of_metadata(one: Object) -> Iterator[Fault]:
    metadata = one.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        yield "metadata.name", "must be given"
        return
    labels = metadata.get("labels") or {}
    if not isinstance(labels, dict):
        yield "metadata.labels", f"must be an object, and is {_shown(labels)}"
        return
    for key, value in labels.items():
        if not isinstance(value, str):
            yield f"metadata.labels.{key}", f"must be a text, and is {_shown(value)}: put it in quotes"


def _of_node(node: Object) -> Iterator[Fault]:
    for index, taint in enumerate(_list(node.get("spec", {}), "taints")):
        for field in ("key", "effect"):
            if not isinstance(taint, dict) or not isinstance(taint.get(field), str):
                yield f"spec.taints[{index}].{field}", "must be given"
    for index, condition in enumerate(_list(node.get("status", {}), "conditions")):
        if not isinstance(condition, dict) or not {"type", "status"} <= condition.keys():
            yield f"status.conditions[{index}]", "must have `type` and `status`"
    for field in ("allocatable", "capacity"):
        amounts = node.get("status", {}).get(field) or {}
        path = f"status.{field}"
        if not isinstance(amounts, dict):
            yield path, f"must be an object, and is {_shown(amounts)}"
            continue
        yield from _of_quantities(amounts, path)
        memory = amounts.get("memory", "0")
        if not _QUANTITY.fullmatch(str(memory)):
            yield f"{path}.memory", f"must be a quantity such as 64Gi, and is {_shown(memory)}"


def _of_pod(pod: Object) -> Iterator[Fault]:
    for part in ("containers", "initContainers"):
        for index, container in enumerate(_list(pod.get("spec", {}), part)):
            resources = container.get("resources") or {} if isinstance(container, dict) else None
            if not isinstance(resources, dict):
                yield f"spec.{part}[{index}].resources", "must be an object"
                continue
            for kind in ("requests", "limits"):
                amounts = resources.get(kind) or {}
                path = f"spec.{part}[{index}].resources.{kind}"
                if isinstance(amounts, dict):
                    yield from _of_quantities(amounts, path)
                else:
                    yield path, f"must be an object, and is {_shown(amounts)}"


def _of_quantities(amounts: Mapping[str, Any], path: str) -> Iterator[Fault]:
    for resource, amount in amounts.items():
        if str(resource).startswith(PREFIX) and not _WHOLE.fullmatch(str(amount)):
            yield f"{path}.{resource}", f"must be a whole number, and is {_shown(amount)}"


def _list(section: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list of a section; what is none is as if one wrong item were in it."""
    items = section.get(name) or []
    return items if isinstance(items, list) else [items]


def _shown(value: Any) -> str:
    return f"'{shown(str(value), _SHOWN)}'"
