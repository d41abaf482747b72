"""A rule's knobs from text: what each may be follows from its field."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from enum import StrEnum
from typing import Any, TypeVar, get_type_hints

Knobs = TypeVar("Knobs")


class BadPolicy(ValueError):
    """Names a rule that there is not, or a knob or a value that it does not take; the message says what would do."""


def parted(text: str) -> tuple[str, Mapping[str, str]]:
    """Return the name and the knobs of `NAME[:key=value,...]`. Raises BadPolicy."""
    name, has_knobs, knobs = text.partition(":")
    texts: dict[str, str] = {}
    for pair in knobs.split(",") if has_knobs else ():
        key, equals, value = pair.partition("=")
        if not equals:
            raise BadPolicy(f"`{name}` must be followed by key=value, and is by '{pair}': write {name}:key=value")
        if key in texts:
            raise BadPolicy(f"`{key}` of `{name}` must be said once, and is said twice: leave one out")
        texts[key] = value
    return name, texts


def read(kind: type[Knobs], texts: Mapping[str, str], *, name: str) -> Knobs:
    """Return a rule's knobs: its defaults, but for those that are named.

    Raises:
        BadPolicy: naming the knob.
    """
    known: Mapping[str, Field[Any]] = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    hints, values = get_type_hints(kind), {}
    for key, text in texts.items():
        if key not in known:
            raise BadPolicy(f"`{name}` has no knob '{key}': take {', '.join(known)}")
        values[key] = _value(known[key], hints[key], text, f"`{key}` of `{name}`")
    for key, field in known.items():
        if field.default is MISSING and key not in values:
            raise BadPolicy(f"`{name}` needs `{key}`: write {name}:{key}=4")
    try:
        return kind(**values)
    except ValueError as error:
        raise BadPolicy(f"`{name}`: {error}") from error


def _value(field: "Field[Any]", kind: Any, text: str, name: str) -> object:
    if kind is bool:
        if text not in ("true", "false"):
            raise BadPolicy(f"{name} must be true or false, and is '{text}'")
        return text == "true"
    if issubclass(kind, StrEnum):
        if text not in tuple(kind):
            raise BadPolicy(f"{name} must be one of {', '.join(kind)}, and is '{text}'")
        return kind(text)
    return _number(kind, text, name, may_be_zero=field.metadata.get("least") == 0)


def _number(kind: type[int] | type[float], text: str, name: str, *, may_be_zero: bool) -> float:
    what = "a whole number" if kind is int else "a number"
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0 or (value == 0 and not may_be_zero):
        raise BadPolicy(f"{name} must be {what} {'of at least 0' if may_be_zero else 'above 0'}, and is '{text}'")
    return value
