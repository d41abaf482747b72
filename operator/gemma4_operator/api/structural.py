"""From a pydantic model to the structural schema of a CustomResourceDefinition.

A structural schema is the part of JSON schema that the API server can prune, default and merge by. What pydantic says
in other words is rewritten; what can not be said is an error here, at build time, and never dropped in silence.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from gemma4_operator.api.common import DEFAULT_SHOWN

JsonObject = dict[str, Any]

_KEPT = frozenset(
    {"type", "format", "description", "enum", "pattern", "minimum", "maximum", "required"}
    | {f"{bound}{what}" for bound in ("min", "max") for what in ("Length", "Items", "Properties")}
)
_DROPPED = frozenset({"title", "examples"})
_HANDLED = frozenset({"anyOf", "const", "default", "additionalProperties", "properties", "items", "uniqueItems"})
_EXCLUSIVE = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}


class NotStructural(ValueError):
    """A model says something that no structural schema can say."""


def structural_schema(model: type[BaseModel]) -> JsonObject:
    """Return the structural schema of a model's JSON form."""
    schema = model.model_json_schema(by_alias=True)
    return _Writer(schema.pop("$defs", {})).write(schema, path=model.__name__)


class _Writer:
    """Rewrites schemas against one set of definitions."""

    def __init__(self, definitions: Mapping[str, JsonObject]) -> None:
        self._definitions = definitions

    def write(self, schema: JsonObject, *, path: str) -> JsonObject:
        """Return the structural form of a schema and all that is below it."""
        schema = self._inlined(schema, path=path)
        written = {key: value for key, value in schema.items() if key in _KEPT or key.startswith("x-kubernetes-")}
        for keyword in schema.keys() - written.keys() - _DROPPED - _HANDLED - _EXCLUSIVE.keys() - {DEFAULT_SHOWN}:
            raise NotStructural(f"{path}: a structural schema has no `{keyword}`")
        if "const" in schema:
            written["enum"] = [schema["const"]]
        for keyword, bound in _EXCLUSIVE.items():
            if keyword in schema:
                written |= {bound: schema[keyword], keyword: True}
        if "type" not in schema and "x-kubernetes-int-or-string" not in schema:
            raise NotStructural(f"{path}: a structural schema has a type everywhere")
        written |= self._children(schema, path=path)
        written |= _default(schema)
        return written

    def _inlined(self, schema: JsonObject, *, path: str) -> JsonObject:
        """Resolve references, optional values and the one union that Kubernetes knows."""
        if "$ref" in schema:
            name = schema["$ref"].removeprefix("#/$defs/")
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            return self._inlined(self._definitions[name] | rest, path=path)
        if "anyOf" not in schema:
            return schema
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        options = [option for option in schema["anyOf"] if option != {"type": "null"}]
        if [option.get("type") for option in options] == ["integer", "string"]:
            return rest | {"x-kubernetes-int-or-string": True}
        if len(options) != 1:
            raise NotStructural(f"{path}: a structural schema has no unions; use optional fields and a rule")
        return self._inlined(options[0] | rest, path=path)

    def _children(self, schema: JsonObject, *, path: str) -> JsonObject:
        """Write what is below an object, a map or a list."""
        written: JsonObject = {}
        if "properties" in schema:
            fields = schema["properties"].items()
            written["properties"] = {name: self.write(field, path=f"{path}.{name}") for name, field in fields}
        elif schema.get("additionalProperties") is True:
            written["x-kubernetes-preserve-unknown-fields"] = True
        elif "additionalProperties" in schema:
            written["additionalProperties"] = self.write(schema["additionalProperties"], path=f"{path}.*")
        if schema.get("type") == "array":
            written["items"] = self.write(schema["items"], path=f"{path}[]")
            kind = "set" if schema.get("uniqueItems") else "atomic"
            written["x-kubernetes-list-type"] = schema.get("x-kubernetes-list-type", kind)
        return written


def _default(schema: JsonObject) -> JsonObject:
    """Tell a default, and set it only where users expect to see it: a stored default never changes again."""
    default = schema.get("default")
    if not isinstance(default, str | int) or default == "":
        return {}
    told = f"'{default}'" if isinstance(default, str) else str(default).lower()
    description = {"description": f"{schema.get('description', '')} Default: {told}.".strip()}
    return description | {"default": default} if schema.get(DEFAULT_SHOWN) else description
