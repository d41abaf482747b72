"""The CRD's own schema, walked: every field of a spec with its place, and values at its edges.

What the tables of good deployments have at a place serves as a sample, since a schema says what a text must match and
not how to write one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cases.deployments import GOOD, patched

Json = Any
Schema = dict[str, Any]
Place = tuple[str, ...]
ITEM, VALUE = "[]", "{}"
"""Steps of a place: into the items of a list, and into the values of a map with free keys."""

_FILE = Path(__file__).parents[2] / "crds" / "gemma4.dev_gemma4deployments.yaml"
(_VERSION,) = yaml.safe_load(_FILE.read_text(encoding="utf-8"))["spec"]["versions"]
_WHOLE: Schema = _VERSION["schema"]["openAPIV3Schema"]
SPEC: Schema = _WHOLE["properties"]["spec"]
STATUS: Schema = _WHOLE["properties"]["status"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field below `spec`, and whether the object that has it must have it."""

    place: Place
    schema: Schema
    required: bool

    def __str__(self) -> str:
        return ".".join(("spec", *self.place)).replace(".[]", "[]")


def fields(schema: Schema = SPEC, place: Place = ()) -> Iterator[Field]:
    """Yield every field below a place."""
    for name, own in schema.get("properties", {}).items():
        here = (*place, name)
        yield Field(place=here, schema=own, required=name in schema.get("required", ()))
        yield from fields(own, here)
    for step, key in ((ITEM, "items"), (VALUE, "additionalProperties")):
        if key in schema:
            yield Field(place=(*place, step), schema=schema[key], required=False)
            yield from fields(schema[key], (*place, step))


def _samples() -> dict[Place, list[Json]]:
    found: dict[Place, list[Json]] = {}

    def note(value: Json, place: Place) -> None:
        known = found.setdefault(place, [])
        if value is not None and value not in known:
            known.append(value)
        schema = _BY_PLACE.get(place)
        if isinstance(value, dict):
            free = schema is not None and "additionalProperties" in schema.schema
            for key, item in value.items():
                note(item, (*place, VALUE if free else key))
        for item in value if isinstance(value, list) else ():
            note(item, (*place, ITEM))

    for case in GOOD:
        note(patched(case.patch).get("spec"), ())
    return found


_BY_PLACE: dict[Place, Field] = {field.place: field for field in fields()}
FIELDS: tuple[Field, ...] = tuple(_BY_PLACE.values())
SAMPLES = _samples()


def edges(field: Field) -> list[Json]:
    """Return values that a field may have, those at its bounds first."""
    schema, known = field.schema, SAMPLES.get(field.place, [])
    match schema.get("type"):
        case _ if "enum" in schema:
            return list(schema["enum"])
        case "boolean":
            return [False, True]
        case "integer":
            return [schema[bound] for bound in ("minimum", "maximum") if bound in schema] + known
        case "string":
            return _texts(schema, [text for text in known if isinstance(text, str)])
        case "array":
            return _lists(field, [items for items in known if isinstance(items, list)])
        case _:
            return [{}, *known]


def _texts(schema: Schema, known: list[str]) -> list[str]:
    """Return samples, the shortest text and the longest: a sample whose last letter goes on as far as it may."""
    longest = [text + text[-1:] * (schema["maxLength"] - len(text)) for text in known if text and "maxLength" in schema]
    return [*known, "a" * max(1, schema.get("minLength", 0)), *longest, *([] if schema.get("minLength") else [""])]


def _lists(field: Field, known: list[list[Json]]) -> list[list[Json]]:
    most = min(field.schema.get("maxItems", 3), 64)
    item = _BY_PLACE[(*field.place, ITEM)]
    told_by = field.schema.get("x-kubernetes-list-map-keys", ())
    full = [_numbered(valid(item), number, told_by) for number in range(most)]
    options = [value for value in edges(item) if not isinstance(value, dict | list)]
    return [[], *known, full, options[:most]]


def _numbered(value: Json, number: int, told_by: list[str]) -> Json:
    """Return the same value over again, told apart."""
    if isinstance(value, dict):
        return value | {key: f"{value.get(key, 'x')}{number}" for key in told_by}
    return f"{value}{number}" if isinstance(value, str) else value


def valid(field: Field) -> Json:
    """Return a value that a field may have: a sample where there is one, else the smallest."""
    known = SAMPLES.get(field.place)
    if known:
        return known[-1]
    schema = field.schema
    if schema.get("type") == "object":
        return {
            name: valid(_BY_PLACE[(*field.place, name)])
            for name in schema.get("properties", {})
            if name in schema.get("required", ())
        }
    return {"array": [], "integer": schema.get("minimum", 1), "boolean": True}.get(schema.get("type", ""), "a")


def at(place: Place) -> Field:
    """Return the field at a place."""
    return _BY_PLACE[place]


def closed(schema: Schema) -> Schema:
    """Return a structural schema as JSON schema, which takes no field that the API server would drop."""
    result = {key: value for key, value in schema.items() if not key.startswith("x-") and key != "default"}
    if "properties" in schema:
        result["properties"] = {name: closed(field) for name, field in schema["properties"].items()}
        result["additionalProperties"] = False
    if "items" in schema:
        result["items"] = closed(schema["items"])
    return result
