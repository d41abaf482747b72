"""Values that fit nowhere, and well-formed documents that somebody has damaged."""

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

Json = Any

TEXTS = (
    "", " ", "\t\n", "NaN", "Infinity", "-0", "null", "true", "0x10", "1e400", "1_000", "٣", "¹", "½", "ﷺ", "İ", "ß",
    "\u202e31B", "\u200b", "\ufeffa", "a\u0301", "👩‍👩‍👧", "\x00", "\x1b[31mred", "a\rb", "'; --",
    "{{ 7 * 7 }}", "${HOME}", "$(id)", "../../etc/passwd", "%s%n", "<b>", "-1Gi", "1.5.5Gi", "Ki", "1e99Gi", "9" * 64,
    "a" * 5000, "--flag=x",
)  # fmt: skip
"""Texts that some program somewhere has stumbled over."""
NUMBERS = (0, -1, 1, 0.5, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 1e308, -1e-308)
SHAPES: tuple[Json, ...] = (None, True, False, [], {}, [None], [[]], {"": ""}, {"a": {"b": ["c"]}}, ["a", 1, None, {}])
EVERYTHING: tuple[Json, ...] = (*TEXTS, *NUMBERS, *SHAPES)


def nested(depth: int, *, inside: Json = "x") -> Json:
    """Return an object in an object, and so on."""
    for _ in range(depth):
        inside = {"a": inside}
    return inside


def damaged(document: Json, chance: Random, *, times: int = 1) -> Json:
    """Return a copy with fields taken away, put twice, or given values of any other kind."""
    result = copy.deepcopy(document)
    for _ in range(times):
        holders = [holder for holder in _holders(result) if holder]
        if holders:
            _damage(chance.choice(holders), chance)
    return result


def _holders(value: Json) -> Iterator[Json]:
    if isinstance(value, dict | list):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from _holders(item)


def _damage(holder: Json, chance: Random) -> None:
    step = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    how = chance.randrange(4)
    if how == 0:
        del holder[step]
    elif how == 1 and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[step]))
    elif how == 1:
        holder[chance.choice(TEXTS)] = holder.pop(step)
    else:
        holder[step] = copy.deepcopy(chance.choice(EVERYTHING))


def reworded(document: Json, chance: Random, *, share: float) -> Json:
    """Return a document of the same types in which a share of the texts and numbers are others, and of the fields gone.

    That is what an API server stores that knows the types: fields that are empty are left out, and names are kept.
    """
    if isinstance(document, dict):
        return {
            key: item if key == "name" else reworded(item, chance, share=share)
            for key, item in document.items()
            if key in _KEPT or chance.random() >= share / 4
        }
    if isinstance(document, list):
        return [reworded(item, chance, share=share) for item in document]
    if chance.random() >= share or isinstance(document, bool):
        return document
    return chance.choice(TEXTS) if isinstance(document, str) else chance.choice((0, -1, 2**31, 2**63 - 1))


_KEPT = ("metadata", "name", "namespace", "kind", "type", "uid")
