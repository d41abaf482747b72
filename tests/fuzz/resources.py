"""Gemma4Deployments at the edges of their schema and one step beyond, the same for the same seed.

A third are mixtures of the table of good deployments, a third of those have fields at their bounds, and a third have
one thing wrong. Nobody says beforehand which the API server takes: two judges say it, and must agree.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.cases.deployments import GOOD, patched
from tests.fuzz.junk import EVERYTHING, NUMBERS, SHAPES, TEXTS, nested
from tests.fuzz.schema import FIELDS, ITEM, VALUE, Field, Json, Place, at, edges, valid

Resource = dict[str, Any]
SEED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzzed:
    """One resource, and what was done to it."""

    name: str
    what: str
    body: Resource


def resources(count: int, *, seed: int = SEED) -> tuple[Fuzzed, ...]:
    """Return so many resources, each with a name of its own."""
    return tuple(_resource(number, Random(f"{seed}/{number}")) for number in range(count))


def _resource(number: int, chance: Random) -> Fuzzed:
    name = f"fuzz-{number}"
    cases = chance.sample(GOOD, chance.choice((1, 1, 1, 2)))
    # Large parts apart: the mixture of two tables' rows is often a contradiction, and one row never is.
    body = patched(*(case.patch for case in cases), {"metadata": {"name": name}})
    body["metadata"] = {"name": name}
    what = " + ".join(case.name for case in cases)
    if number % 3 == 1:
        for _ in range(chance.choice((1, 1, 2))):
            field = chance.choice(FIELDS)
            put(body, field.place, copy.deepcopy(chance.choice(edges(field))))
            what += f"; {field} at an edge"
    elif number % 3 == 2:
        what += f"; {_mutate(body, chance)}"
    return Fuzzed(name=name, what=what, body=body)


def put(body: Resource, place: Place, value: Json) -> None:
    """Set a field of the spec; the objects above it are made as far as they are missing."""
    holder, key = _reach(body, place)
    holder[key] = value


def _reach(body: Resource, place: Place) -> tuple[Any, Any]:
    """Return what holds a field, and under which key or index."""
    holder: Any = body
    key: Any = "spec"
    for index, step in enumerate(place):
        found = holder.get(key) if isinstance(holder, dict) else holder[key]
        if not found:
            found = copy.deepcopy(valid(at(place[:index]))) if index else {}
            holder[key] = found = found or ([valid(at(place[: index + 1]))] if step == ITEM else {})
        holder = found
        key = 0 if step == ITEM else next(iter(found), "pool") if step == VALUE else step
    return holder, key


def _mutate(body: Resource, chance: Random) -> str:
    if chance.random() < _SHARE_OF_PATCHES:
        name = chance.choice(sorted(PATCHES))
        body["spec"] = {**(body["spec"] or {}), "podTemplatePatch": copy.deepcopy(PATCHES[name])}
        return f"podTemplatePatch with {name}"
    field = chance.choice(FIELDS)
    name = chance.choice([name for name, (applies, _) in _MUTATIONS.items() if applies(field)])
    _MUTATIONS[name][1](body, field, chance)
    return f"{field} with {name}"


def _has(kind: str) -> Callable[[Field], bool]:
    return lambda field: field.schema.get("type") == kind


def _any(_: Field) -> bool:
    return True


def _with(values: tuple[Json, ...]) -> Callable[[Resource, Field, Random], None]:
    return lambda body, field, chance: put(body, field.place, copy.deepcopy(chance.choice(values)))


def _without(body: Resource, field: Field, _: Random) -> None:
    holder, key = _reach(body, field.place)
    if isinstance(holder, list) or key in holder:
        del holder[key]


def _too_long(body: Resource, field: Field, chance: Random) -> None:
    longest = field.schema.get("maxLength", 70_000)
    put(body, field.place, chance.choice("aß👩") * (longest + 1))


def _too_many(body: Resource, field: Field, _: Random) -> None:
    put(body, field.place, [valid(at((*field.place, ITEM)))] * (field.schema.get("maxItems", 64) + 1))


def _twice(body: Resource, field: Field, _: Random) -> None:
    put(body, field.place, [copy.deepcopy(valid(at((*field.place, ITEM)))) for _ in range(2)])


def _unknown(body: Resource, field: Field, chance: Random) -> None:
    put(body, field.place, valid(field))
    holder, key = _reach(body, field.place)
    if isinstance(holder[key], dict):
        holder[key] = holder[key] | {chance.choice(("unknown", "Name", "", "a.b", "\u017f", "$ref")): 1}


def _beyond(body: Resource, field: Field, chance: Random) -> None:
    bounds = [field.schema.get("minimum", 0) - 1, field.schema.get("maximum", 2**31) + 1]
    put(body, field.place, chance.choice(bounds))


_MUTATIONS: Mapping[str, tuple[Callable[[Field], bool], Callable[[Resource, Field, Random], None]]] = {
    "a value of any kind": (_any, _with(EVERYTHING)),
    "an odd text": (_has("string"), _with(TEXTS)),
    "an odd number": (_has("integer"), _with(NUMBERS)),
    "another shape": (_any, _with(SHAPES)),
    "nothing": (_any, _without),
    "one letter too many": (_has("string"), _too_long),
    "one item too many": (_has("array"), _too_many),
    "one item twice": (_has("array"), _twice),
    "a field too many": (_has("object"), _unknown),
    "a number out of bounds": (_has("integer"), _beyond),
}
_SHARE_OF_PATCHES = 0.2
"""The one field whose content no schema knows gets more than its share."""


def _pod(**spec: Json) -> Resource:
    return {"spec": spec}


PATCHES: Mapping[str, Json] = {
    "nothing": {},
    "nulls": {"metadata": None, "spec": None},
    "no containers": _pod(containers=None),
    "an empty list of containers": _pod(containers=[]),
    "containers that are none": _pod(containers=[None]),
    "containers that are texts": _pod(containers=["a"]),
    "a container without a name": _pod(containers=[{"image": "a:1"}]),
    "a container whose name is a number": _pod(containers=[{"name": 7, "image": "a:1"}]),
    "a container whose name is a list": _pod(containers=[{"name": ["a"]}]),
    "containers as a map": _pod(containers={"name": "a"}),
    "a container twice": _pod(containers=[{"name": "a", "image": "a:1"}, {"name": "a", "image": "b:1"}]),
    "ports that are none": _pod(containers=[{"name": "a", "image": "a:1", "ports": [None]}]),
    "a port below zero": _pod(containers=[{"name": "a", "image": "a:1", "ports": [{"containerPort": -1}]}]),
    "a port as a text": _pod(containers=[{"name": "a", "image": "a:1", "ports": [{"containerPort": "http"}]}]),
    "no port of the engine": _pod(containers=[{"name": "vllm", "ports": None}, {"name": "llama-server", "ports": []}]),
    "volumes that are texts": _pod(volumes=["a"]),
    "volumes as a number": _pod(volumes=3),
    "a volume of the host": _pod(volumes=[{"name": "a", "hostPath": {"path": "/"}}]),
    "init containers as a text": _pod(initContainers="a"),
    "a security context as a text": _pod(securityContext="root", containers=[{"name": "a", "securityContext": "x"}]),
    "quantities that make no sense": _pod(
        containers=[{"name": "a", "image": "a:1", "resources": {"limits": {"cpu": "-1", "memory": "1e99Zi"}}}]
    ),
    "limits as a list": _pod(containers=[{"name": "vllm", "resources": {"limits": ["a"]}}]),
    "labels as a list": {"metadata": {"labels": ["a"]}},
    "no labels": {"metadata": {"labels": None, "annotations": None}},
    "labels that are numbers": {"metadata": {"labels": {"a": 1}, "annotations": {"b": True}}},
    "a label of the operator's": {"metadata": {"labels": {"gemma4.dev/deployment": "x"}}},
    "a key without end": {"metadata": {"annotations": {"gemma4.dev/" + "x" * 50_000: "1"}}},
    "a key of control characters": {"metadata": {"annotations": {"gemma4.dev/\x07\n\r": "1"}}},
    "other fields of metadata": {"metadata": {"name": "x", "namespace": "kube-system", "ownerReferences": "x"}},
    "an unknown field": _pod(nope={"a": [1, 2.5, None, "b"]}),
    "numbers of all sizes": _pod(terminationGracePeriodSeconds=2**63 - 1, priority=-1e308),
    "a grace period as a text": _pod(terminationGracePeriodSeconds="soon"),
    "the host's network as a text": _pod(hostNetwork="yes"),
    "variables that are none": _pod(containers=[{"name": "vllm", "env": [None]}, {"name": "llama-server", "env": "A"}]),
    "variables of any text": _pod(containers=[{"name": "vllm", "env": [{"name": text} for text in TEXTS]}]),
    "an affinity of nothing": _pod(affinity=None, tolerations=None, nodeSelector=None, securityContext=None),
    "selectors that are numbers": _pod(nodeSelector={"a": 1}, affinity=[]),
    "templates": _pod(schedulerName="{{ pod }}", hostname="{% raw %}"),
    "thirty levels": _pod(a=nested(29)),
    "lists in lists": _pod(tolerations=[[[[]]]], containers=[[]]),
    "a thousand containers": _pod(containers=[{"name": f"c{number}", "image": "a:1"} for number in range(1000)]),
    "another section": {"status": {}},
    "a section that is a text": {"spec": "hostNetwork: true"},
}
"""Patches for the pod template by what is odd in them."""
