"""From the JSON of a custom resource to its model, or to what must be corrected, field by field.

The API server judged the object already, but perhaps by an older CRD; and the command line has no API server.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gemma4_operator.api.deployment import Gemma4Deployment
from gemma4_operator.api.shown import shown

PROBLEMS_TOLD = 10
"""How many a message has room for."""
_WORDS = {
    "missing": "must be given",
    "extra_forbidden": "must be absent: there is no such field",
    "enum": "must be one of {expected}",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "too_long": "must have at most {max_length} items",
    "int_type": "must be an integer",
    "bool_type": "must be true or false",
    "string_type": "must be a text",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct: where, and what must be."""

    path: str
    must: str

    def __str__(self) -> str:
        return f"{self.path}: {self.must}"


class InvalidResource(ValueError):
    """A custom resource that its own rules refuse."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        more = len(problems) - PROBLEMS_TOLD
        told = "; ".join(map(str, problems[:PROBLEMS_TOLD]))
        super().__init__(f"{told}; and {more} more" if more > 0 else told)
        self.problems = problems


def read_deployment(body: Mapping[str, Any]) -> Gemma4Deployment:
    """Return the deployment that an object describes, or raise InvalidResource with all its problems."""
    try:
        return Gemma4Deployment.model_validate(dict(body), by_alias=True, by_name=False)
    except ValidationError as error:
        raise InvalidResource(tuple(_problems(error))) from error


def _problems(error: ValidationError) -> list[Problem]:
    found = []
    for detail in error.errors(include_url=False, include_input=False):
        path = _path(detail["loc"])
        if detail["type"] == "rules":
            violations = detail["ctx"]["violations"]
            found += [Problem(f"{path}{field}".removeprefix("."), must) for field, must in violations]
        else:
            found.append(Problem(path, _must(detail)))
    return found


def _must(detail: ErrorDetails) -> str:
    words = _WORDS.get(detail["type"])
    return words.format(**detail.get("ctx", {})) if words else detail["msg"]


def _path(location: tuple[int | str, ...]) -> str:
    """Write a location as people do: `spec.engine.env[0].name`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{shown(step)}" for step in location).removeprefix(".")
