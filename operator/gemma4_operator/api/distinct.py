"""Keys that a YAML mapping has twice: of two the last would count, without a word, and the API server refuses them."""

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

_MERGE = "tag:yaml.org,2002:merge"
"""Of `<<`, which says that keys come from elsewhere and is no key itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """A key that is there again.

    Attributes:
        path: Of the field, from the document's root on.
        lines: Where it is for the first time, and where again.
    """

    path: str
    lines: tuple[int, int]

    def __str__(self) -> str:
        """Say what must be."""
        first, again = self.lines
        return f"must have each key once, and `{self.path}` is in line {first} and again in line {again}"


def repeated(document: yaml.Node) -> Iterator[Repeated]:
    """Yield each key that a mapping of a document has again; what an alias stands for is looked at once."""
    seen: set[int] = set()
    waiting: list[tuple[yaml.Node, str]] = [(document, "")]
    while waiting:
        node, path = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield from _in_mapping(node, path)
            waiting += [(value, _below(path, key)) for key, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(item, f"{path}[{index}]") for index, item in enumerate(node.value)]


def _in_mapping(node: yaml.MappingNode, path: str) -> Iterator[Repeated]:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
            continue
        line, name = key.start_mark.line + 1, (key.tag, key.value)
        if name in lines:
            yield Repeated(path=_below(path, key), lines=(lines[name], line))
        lines.setdefault(name, line)


def _below(path: str, key: yaml.Node) -> str:
    return f"{path}.{key.value}".removeprefix(".")
