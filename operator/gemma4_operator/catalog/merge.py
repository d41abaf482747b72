"""What one entry of an override makes of a row: a known one with some fields changed, or a new one."""

from collections.abc import Mapping
from typing import Any, TypeVar

from gemma4_operator.catalog.checkpoints import Checkpoint
from gemma4_operator.catalog.engines import EngineImage
from gemma4_operator.catalog.gpus import Gpu
from gemma4_operator.catalog.loader import CatalogError, typed
from gemma4_operator.catalog.models import Model

SOURCE = "override"
"""Where a row or a price comes from that names no source."""
_ABOUT_PRICE = frozenset({"hourlyPrice", "priceSource"})

_RowT = TypeVar("_RowT", Model, Checkpoint, Gpu, EngineImage)


def added(model: type[_RowT], entry: Any, where: str) -> _RowT:
    """Return a new row; raises CatalogError unless it is complete, its source aside."""
    defaults = {"source": SOURCE} | ({"priceSource": SOURCE} if model is Gpu else {})
    try:
        return typed(model, defaults | entry if isinstance(entry, dict) else entry, where)
    except CatalogError as error:
        missing = "must be given, since the catalogue knows no such row"
        raise CatalogError(str(error).replace("Field required", missing)) from None


def changed(known: _RowT, entry: Mapping[str, Any], where: str) -> _RowT:
    """Return a known row with an entry's fields; a row that says what it says already stays the same.

    Sources follow unless the entry names its own: a price's is replaced, a row's tells what was overridden.
    """
    before = known.model_dump(mode="json", by_alias=True)
    row = typed(type(known), patched(before, entry), where)
    after = row.model_dump(mode="json", by_alias=True)
    differs = sorted(field for field in after if after[field] != before[field])
    sources = {}
    if "source" not in entry and (facts := [field for field in differs if field not in _ABOUT_PRICE]):
        sources["source"] = f"{SOURCE} of {', '.join(facts)}; else {known.source}"
    if "priceSource" not in entry and "hourlyPrice" in differs:
        sources["price_source"] = SOURCE
    return row.model_copy(update=sources)


def patched(before: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON merge patch's result (RFC 7396): mappings merge, null removes, everything else replaces."""
    after = dict(before)
    for key, value in patch.items():
        inner = before.get(key)
        if isinstance(value, dict):
            after[key] = patched(inner if isinstance(inner, dict) else {}, value)
        elif value is None:
            after.pop(key, None)
        else:
            after[key] = value
    return after
