"""The pod template patch: free below `metadata` and `spec`, because it follows Kubernetes' own Pod, not ours."""

from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

MOST_LEVELS = 64
"""Twice what a Pod has; the API server takes thousands where a schema is open."""
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
            if _nests_deeper(content, MOST_LEVELS):
                raise PydanticCustomError("form", "must nest no deeper than {most} levels", {"most": MOST_LEVELS})
        return {section: content for section, content in value.items() if content is not None}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        content = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        return {
            "type": "object",
            "properties": {section: content | {"description": text} for section, text in _SECTIONS.items()},
        }


PodTemplatePatch = Annotated[dict[str, Any], _Sections()]
"""A partial pod template."""


def _nests_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    items = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_nests_deeper(item, levels - 1) for item in items)
