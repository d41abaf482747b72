"""The pod template patch: free below `metadata` and `spec`, because it follows Kubernetes' own Pod, not ours."""

import json
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

MOST_LEVELS = 32
"""Of nesting; a pod's own fields have at most a dozen."""
MOST_CHARACTERS = 65536
"""Of a patch as JSON: each pass compares what it leads to with what is there."""
_SECTIONS = {
    "metadata": "Labels and annotations to add to the pods.",
    "spec": "The part of a Pod's spec to merge in.",
}


class _Sections:
    """An object with the two sections of a pod template, each of any content."""

    @staticmethod
    def check(value: dict[str, Any]) -> dict[str, Any]:
        """Return the sections that are given, if there are no others."""
        for section, content in value.items():
            if section not in _SECTIONS:
                raise PydanticCustomError("form", "must have no field but `metadata` and `spec`")
            if not isinstance(content, dict | None):
                raise PydanticCustomError("form", "must have objects as `metadata` and `spec`")
        if _levels(value, most=MOST_LEVELS) > MOST_LEVELS:
            raise PydanticCustomError("form", "must have at most {most} levels of nesting", {"most": MOST_LEVELS})
        if len(json.dumps(value)) > MOST_CHARACTERS:
            raise PydanticCustomError("form", "must have at most {most} characters as JSON", {"most": MOST_CHARACTERS})
        return {section: content for section, content in value.items() if content is not None}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        content = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        return {
            "type": "object",
            "properties": {section: content | {"description": text} for section, text in _SECTIONS.items()},
        }


def _levels(value: Any, *, most: int) -> int:
    """Count how deep a value is nested, without recursion, and no further than it matters."""
    level, inside = 0, [value]
    while inside and level <= most:
        holders = [item for item in inside if isinstance(item, dict | list)]
        inside = [item for holder in holders for item in (holder.values() if isinstance(holder, dict) else holder)]
        level += 1 if holders else 0
    return level


PodTemplatePatch = Annotated[dict[str, Any], _Sections()]
"""A partial pod template."""
