"""From pydantic's JSON schema to the structural one: the rows of the table, one by one."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from gemma4_operator.api.common import DEFAULT_SHOWN, ApiModel
from gemma4_operator.api.rules import Form, Keys, Rule, Unique
from gemma4_operator.api.structural import NotStructural, structural_schema


class Color(StrEnum):
    """A color."""

    RED = "Red"
    BLUE = "Blue"


class Part(ApiModel):
    """A part."""

    name: str
    """Its name."""


def field(annotation: Any, default: Any = ...) -> dict[str, Any]:
    """Return the structural schema of one field."""
    model = type("M", (BaseModel,), {"__annotations__": {"it": annotation}, "it": default})
    return structural_schema(model)["properties"]["it"]


A_FORM = Form(r"[a-z]\.", "must be a letter and a dot")


@pytest.mark.parametrize(
    ("annotation", "default", "expected"),
    [
        (str, ..., {"type": "string"}),
        (str | None, None, {"type": "string"}),
        (Color, ..., {"type": "string", "enum": ["Red", "Blue"], "description": "A color."}),
        (Color | None, None, {"type": "string", "enum": ["Red", "Blue"], "description": "A color."}),
        (Literal["x"], ..., {"type": "string", "enum": ["x"]}),
        (int | str, ..., {"x-kubernetes-int-or-string": True}),
        (int | str | None, None, {"x-kubernetes-int-or-string": True}),
        (Annotated[int, Field(ge=1, le=5)], ..., {"type": "integer", "minimum": 1, "maximum": 5}),
        (Annotated[int, Field(gt=1)], ..., {"type": "integer", "minimum": 1, "exclusiveMinimum": True}),
        (Annotated[int, Field(lt=5)], ..., {"type": "integer", "maximum": 5, "exclusiveMaximum": True}),
        (dict[str, str], ..., {"type": "object", "additionalProperties": {"type": "string"}}),
        (dict[str, Any], ..., {"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
        (
            Annotated[dict[str, str], Field(max_length=3)],
            ...,
            {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 3},
        ),
        (tuple[str, ...], ..., {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "atomic"}),
        (frozenset[str], ..., {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"}),
        (
            Annotated[tuple[str, ...], Unique()],
            ...,
            {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        ),
        (
            Annotated[tuple[Part, ...], Field(max_length=2), Unique(by="name")],
            ...,
            {
                "type": "array",
                "maxItems": 2,
                "items": {
                    "type": "object",
                    "description": "A part.",
                    "properties": {"name": {"type": "string", "description": "Its name."}},
                    "required": ["name"],
                },
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
        ),
        (Annotated[str, Field(title="T", examples=["x"])], ..., {"type": "string"}),
        (Annotated[str, Field(description="Words.")], ..., {"type": "string", "description": "Words."}),
        (Annotated[int, Field(description="Words.")], 3, {"type": "integer", "description": "Words. Default: 3."}),
        (bool, False, {"type": "boolean", "description": "Default: false."}),
        (str, "x", {"type": "string", "description": "Default: 'x'."}),
        (str, "", {"type": "string"}),
        (Annotated[int, Field(json_schema_extra={DEFAULT_SHOWN: True})], 3,
         {"type": "integer", "description": "Default: 3.", "default": 3}),
        (
            Annotated[str, A_FORM],
            ...,
            {
                "type": "string",
                "x-kubernetes-validations": [
                    {
                        "rule": r"self.matches('^(?:[a-z]\\.)$')",
                        "message": "must be a letter and a dot",
                        "reason": "FieldValueInvalid",
                    }
                ],
            },
        ),
        (
            Annotated[dict[str, str], Keys(A_FORM)],
            ...,
            {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "x-kubernetes-validations": [
                    {
                        "rule": r"self.all(key, key.matches('^(?:[a-z]\\.)$'))",
                        "message": "must be a letter and a dot",
                        "reason": "FieldValueInvalid",
                    }
                ],
            },
        ),
    ],
    ids=str,
)  # fmt: skip
def test_row(annotation: Any, default: Any, expected: dict[str, Any]):
    assert field(annotation, default) == expected


@pytest.mark.parametrize(
    ("annotation", "why"),
    [
        (int | bool, "no unions"),
        (Part | Color, "no unions"),
        (tuple[int, str], "`prefixItems`"),
        (Annotated[int, Field(multiple_of=2)], "`multipleOf`"),
        (Annotated[dict[Annotated[str, Field(pattern="^a")], str], "x"], "`patternProperties`"),
        (Annotated[dict[Annotated[str, Field(max_length=3)], str], "x"], "`propertyNames`"),
        (Any, "a type everywhere"),
    ],
    ids=str,
)
def test_what_can_not_be_said_is_an_error_that_names_the_field(annotation: Any, why: str):
    with pytest.raises(NotStructural, match=rf"^M\.it: .*{why}"):
        field(annotation)


def test_items_have_a_type_as_well():
    with pytest.raises(NotStructural, match=r"^M\.it\[\]: .*a type everywhere"):
        field(list)


def test_rules_stand_on_their_object():
    class Pair(ApiModel):
        """Two."""

        a: str | None = None
        """One."""
        RULES = (
            Rule(field=".a", message="must be given", cel="has(self.a)", holds=lambda it: it.a is not None),
            Rule(field="", message="must be nice", cel="true", holds=lambda _: True),
        )

    assert structural_schema(Pair)["x-kubernetes-validations"] == [
        {"rule": "has(self.a)", "message": "must be given", "reason": "FieldValueInvalid", "fieldPath": ".a"},
        {"rule": "true", "message": "must be nice", "reason": "FieldValueInvalid"},
    ]


def test_a_field_may_bear_the_name_of_a_keyword():
    class Odd(BaseModel):
        title: str
        default: str = "x"
        properties: tuple[str, ...] = ()

    assert set(structural_schema(Odd)["properties"]) == {"title", "default", "properties"}
