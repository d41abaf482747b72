"""Templates to objects: Jinja2 lays out YAML, and every value is JSON inside it, so that none can change the layout."""

import json
import re
from typing import Any

import jinja2
import yaml

_KEPT_EMPTY = frozenset({"emptyDir"})
"""Fields whose empty value says something: an emptyDir without options is a volume all the same."""

_SURROGATE_PAIR = re.compile(r"\\\\|\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})")


def lay_out(template: str, context: dict[str, Any]) -> dict[str, Any]:
    """Return the object that a template of this room describes, without what is null or empty."""
    text = _ENVIRONMENT.get_template(template).render(context)
    loaded: dict[str, Any] = _pruned(yaml.load(text, Loader=yaml.CSafeLoader))
    return loaded


def encoded(value: Any) -> str:
    """Write a value as JSON that YAML reads the same way.

    The two differ in one thing: what lies beyond 16 bits is a pair of escapes in JSON and a single one in YAML.
    """
    return _SURROGATE_PAIR.sub(_joined, json.dumps(value, ensure_ascii=True, allow_nan=False))


def _joined(match: re.Match[str]) -> str:
    if match[1] is None:
        return match[0]
    code = 0x10000 + ((int(match[1], 16) - 0xD800) << 10) + (int(match[2], 16) - 0xDC00)
    return f"\\U{code:08x}"


def _pruned(value: Any) -> Any:
    match value:
        case dict():
            items = ((key, _pruned(item)) for key, item in value.items())
            return {key: item for key, item in items if key in _KEPT_EMPTY or not _is_nothing(item)}
        case list():
            return [_pruned(item) for item in value]
        case _:
            return value


def _is_nothing(value: Any) -> bool:
    return value is None or value == {} or value == []


_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("gemma4_operator.render"),
    undefined=jinja2.StrictUndefined,
    finalize=encoded,
    autoescape=False,
    keep_trailing_newline=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
