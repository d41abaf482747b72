"""Rules that a field's type cannot say, each written once for both judges: the API server (CEL) and the operator.

`Rule` looks at several fields of one object, `Form` at one text, `Keys` at the keys of a map, `Unique` at the items of
a list. All four tell the writer what must be, in the same words on both sides. In an annotation they stand after
`Field`, whose bounds then belong to the value itself.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

VALIDATIONS = "x-kubernetes-validations"


class RuleReason(StrEnum):
    """Why a rule refuses, in the API server's own words."""

    INVALID = "FieldValueInvalid"
    FORBIDDEN = "FieldValueForbidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule across the fields of an object."""

    field: str
    """The field to correct, as a path relative to the object, such as `.engine.type`; empty: the object itself."""
    message: str
    cel: str
    holds: Callable[[Any], bool]
    reason: RuleReason = RuleReason.INVALID

    def validation(self) -> dict[str, str]:
        """Write the rule as the API server reads it."""
        path = {"fieldPath": self.field} if self.field else {}
        return {"rule": self.cel, "message": self.message, "reason": self.reason.value} | path


def broken(rules: Iterable[Rule], subject: object) -> None:
    """Raise one error that names every rule the subject breaks, or return."""
    violations = tuple((rule.field, rule.message) for rule in rules if not rule.holds(subject))
    if violations:
        text = "; ".join(message for _, message in violations)
        raise PydanticCustomError("rules", "{text}", {"text": text, "violations": violations})


class _Check(ABC):
    """What `Form`, `Keys` and `Unique` share: a validator for pydantic, and keywords for the schema."""

    __slots__ = ()

    @abstractmethod
    def check(self, value: Any) -> Any:
        """Return the value, or raise what must be."""

    @abstractmethod
    def keywords(self) -> dict[str, Any]:
        """Return the schema's keywords that say the same."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) | self.keywords()


def _refuse(message: str) -> PydanticCustomError:
    return PydanticCustomError("form", "{text}", {"text": message})


@dataclass(frozen=True, slots=True)
class Form(_Check):
    """What a whole text must look like: an expression that RE2 and Python read alike, and the words for people."""

    pattern: str
    message: str

    def check(self, value: str) -> str:
        """Return the text if all of it has the form."""
        if re.fullmatch(self.pattern, value) is None:
            raise _refuse(self.message)
        return value

    def keywords(self) -> dict[str, Any]:
        """Say it in CEL, whose message people understand; a schema's `pattern` would show them the expression."""
        return {VALIDATIONS: [_matches("self.matches('^(?:{0})$')", self)]}


@dataclass(frozen=True, slots=True)
class Keys(_Check):
    """The form that every key of a map must have."""

    form: Form

    def check(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return the map if all its keys have the form."""
        for key in value:
            self.form.check(key)
        return value

    def keywords(self) -> dict[str, Any]:
        """Say it in CEL."""
        return {VALIDATIONS: [_matches("self.all(key, key.matches('^(?:{0})$'))", self.form)]}


def _matches(template: str, form: Form) -> dict[str, str]:
    escaped = form.pattern.replace("\\", "\\\\")
    return {"rule": template.format(escaped), "message": form.message, "reason": RuleReason.INVALID.value}


@dataclass(frozen=True, slots=True)
class Unique(_Check):
    """A list without duplicates: of plain values, or of objects that are told apart by one of their fields."""

    by: str = ""

    def check(self, value: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the list if no two items are alike."""
        marks = [getattr(item, self.by) if self.by else item for item in value]
        if len(set(marks)) < len(marks):
            what = f"items with different `{self.by}`" if self.by else "different items"
            raise _refuse(f"must have {what} only")
        return value

    def keywords(self) -> dict[str, Any]:
        """Say it with the list's type, which server-side apply needs as well."""
        if self.by:
            return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [self.by]}
        return {"x-kubernetes-list-type": "set"}
