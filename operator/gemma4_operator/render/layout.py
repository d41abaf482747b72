"""Templates to objects: Jinja2 lays out YAML, and every value is JSON inside it, so that none can change the layout."""

import json
from typing import Any

import jinja2
import yaml

_KEPT_EMPTY = frozenset({"emptyDir"})
"""Fields whose empty value says something: an emptyDir without options is a volume all the same."""


def lay_out(template: str, context: dict[str, Any]) -> dict[str, Any]:
    """Return the object that a template of this room describes, without what is null or empty."""
    text = _ENVIRONMENT.get_template(template).render(context)
    loaded: dict[str, Any] = _pruned(yaml.load(text, Loader=_Loader))
    return loaded


def encoded(value: Any) -> str:
    """Write a value as one YAML scalar that holds its JSON.

    The JSON is plain ASCII on one line, so that nothing in the scalar needs YAML's own rules for quoting, and YAML has
    one node to read instead of the value's many.
    """
    return f"!json {json.dumps(json.dumps(value, allow_nan=False))}"


class _Loader(yaml.CSafeLoader):
    """YAML with the values that `encoded` wrote."""


def _decoded(loader: _Loader, node: yaml.ScalarNode) -> Any:
    return json.loads(loader.construct_scalar(node))


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


_Loader.add_constructor("!json", _decoded)

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("gemma4_operator.render"),
    undefined=jinja2.StrictUndefined,
    finalize=encoded,
    autoescape=False,
    keep_trailing_newline=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
