"""What a team knows better: rows and prices of its own, in one YAML text that merges over the built-in catalogue.

The text is a mapping with the keys of `KEYS`. An entry names its row by what the row is looked up with, and changes
only the fields it gives; one that names no row is a new row and must be complete. An entry that cannot be used is
reported and passed over, and the rest applies: a slip in one price must not stop an operator.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from gemma4_operator.api.common import Quantization, Variant
from gemma4_operator.api.shown import shown
from gemma4_operator.catalog.checkpoints import Checkpoint
from gemma4_operator.catalog.engines import EngineImage
from gemma4_operator.catalog.gpus import Gpu
from gemma4_operator.catalog.loader import (
    SIZE_TOLERANCE,
    Catalog,
    CatalogError,
    read_repeated,
    read_yaml,
    require_size,
    size_off,
)
from gemma4_operator.catalog.merge import added, changed
from gemma4_operator.catalog.models import Model
from gemma4_operator.catalog.products import normalized

NAME = "override"
"""What messages call the text as a whole."""
PRICES = "prices"
_MOST_SHOWN = 1000
_Change = Callable[[Catalog, Any, str], Catalog]


def override(catalog: Catalog, text: str) -> tuple[Catalog, tuple[str, ...]]:
    """Return the catalogue with a team's rows and prices, and one sentence for each entry that was passed over.

    Args:
        catalog: The built-in one, or the result of an earlier override.
        text: YAML, as in a file or under one key of a ConfigMap; empty: nothing changes.
    """
    try:
        given = read_yaml(text, NAME)
    except CatalogError as error:
        return catalog, (shown(" ".join(str(error).split()), _MOST_SHOWN),)
    if given is None:
        return catalog, ()
    if not isinstance(given, dict):
        return catalog, (f"{NAME}: must be a mapping with the keys {', '.join(KEYS)}",)
    faults = [f"{NAME}: {one}; the last counts" for one in read_repeated(text)]
    faults += [f"{key}: must be one of {', '.join(KEYS)}" for key in sorted(map(str, given)) if key not in KEYS]
    for where, change, entry in _entries(given):
        try:
            catalog = change(catalog, entry, where)
        except CatalogError as error:
            faults.append(str(error))
    # Keys and values are the writer's own words.
    return catalog, tuple(shown(fault, _MOST_SHOWN) for fault in faults)


def _entries(given: Mapping[Any, Any]) -> Iterator[tuple[str, _Change, Any]]:
    """Yield all entries with their paths, in the order of `KEYS` whatever that of the text."""
    for key, change in _CHANGES.items():
        match given.get(key):
            case None:
                pass
            case dict() as prices if key == PRICES:
                yield from ((f"{key}.{product}", change, (str(product), price)) for product, price in prices.items())
            case list() as rows if key != PRICES:
                yield from ((f"{key}[{index}]", change, row) for index, row in enumerate(rows))
            case _:
                yield key, _refused, "a mapping of products to prices" if key == PRICES else "a list of rows"


def _refused(_: Catalog, wanted: str, where: str) -> Catalog:
    raise CatalogError(f"{where}: must be {wanted}")


def _with_model(catalog: Catalog, entry: Any, where: str) -> Catalog:
    known = next((row for row in catalog.models.values() if row.variant == _named(entry, "variant")), None)
    row = changed(known, entry, where) if known else added(Model, entry, where)
    for checkpoint in (one for one in catalog.checkpoints if one.variant is row.variant):
        if abs(off := size_off(checkpoint, row)) > SIZE_TOLERANCE:
            fits = f"fit the bytes of {checkpoint.repository} within 1 %, and miss them by {off:.1%}"
            raise CatalogError(f"{where}.parameters: must {fits}; leave them as they are")
    return replace(catalog, models={**catalog.models, row.variant: row})


def _with_checkpoint(catalog: Catalog, entry: Any, where: str) -> Catalog:
    """Return the catalogue with one checkpoint; where it is preferred, the one of before gives way."""
    key = (_named(entry, "repository"), _named(entry, "file"))
    known = next((row for row in catalog.checkpoints if row.key == key), None)
    row = changed(known, entry, where) if known else added(Checkpoint, entry, where)
    require_size(row, catalog.models[row.variant], where)
    rows = [row if other is known else _yielding(other, row) for other in catalog.checkpoints]
    result = replace(catalog, checkpoints=tuple(rows if known else [*rows, row]))
    for variant in result.models:
        if result.preferred(variant, Quantization.BF16) is None:
            missing = f"another row for {variant} in BF16 is preferred; mark that one instead"
            raise CatalogError(f"{where}.preferred: must stay true until {missing}")
    return result


def _yielding(other: Checkpoint, row: Checkpoint) -> Checkpoint:
    rivals = (other.variant, other.quantization, other.tuning) == (row.variant, row.quantization, row.tuning)
    return other.model_copy(update={"preferred": False}) if rivals and row.preferred and other.preferred else other


def _with_gpu(catalog: Catalog, entry: Any, where: str) -> Catalog:
    """Return the catalogue with one GPU; a new one comes first, so that it wins where labels do not decide."""
    match entry:
        case {"products": [str() as product, *_] as products}:
            memory_mib = entry.get("memoryMib")
            rows = [row for row in catalog.gpus if row.products[0] == product]
            rows = [row for row in rows if memory_mib in (None, row.memory_mib)]
        case _:
            product, products, rows = "", [], []
    match rows:
        case []:
            return replace(catalog, gpus=(added(Gpu, entry, where), *catalog.gpus))
        case [known]:
            names = [*known.products, *(name for name in products if name not in known.products)]
            row = changed(known, {**entry, "products": names}, where)
            return replace(catalog, gpus=tuple(row if other is known else other for other in catalog.gpus))
        case _:
            sizes = ", ".join(str(row.memory_mib) for row in rows)
            raise CatalogError(f"{where}.memoryMib: must say which '{product}' is meant, one of {sizes}")


def _with_engine(catalog: Catalog, entry: Any, where: str) -> Catalog:
    known = next((row for row in catalog.engines.values() if row.engine == _named(entry, "engine")), None)
    row = changed(known, entry, where) if known else added(EngineImage, entry, where)
    if lacking := [variant for variant in Variant if variant not in row.minimum_version]:
        raise CatalogError(f"{where}.minimumVersion: must name a version for {', '.join(lacking)}")
    return replace(catalog, engines={**catalog.engines, row.engine: row})


def _with_price(catalog: Catalog, entry: tuple[str, Any], where: str) -> Catalog:
    product, price = entry
    rows = [row for row in catalog.gpus if normalized(product) in map(normalized, row.products)]
    match rows:
        case [known]:
            try:
                row = changed(known, {"hourlyPrice": price}, where)
            except CatalogError:
                raise CatalogError(f"{where}: must be US$ for one hour, such as 1.25, not '{price}'") from None
            return replace(catalog, gpus=tuple(row if other is known else other for other in catalog.gpus))
        case []:
            raise CatalogError(f"{where}: must be a product of the catalogue; correct it, or add its row under gpus")
        case _:
            raise CatalogError(f"{where}: must name one GPU, and {len(rows)} bear it; set hourlyPrice under gpus")


def _named(entry: Any, field: str) -> Any:
    return entry.get(field) if isinstance(entry, dict) else None


_CHANGES: Mapping[str, _Change] = {
    "models": _with_model,
    "checkpoints": _with_checkpoint,
    "gpus": _with_gpu,
    "engines": _with_engine,
    PRICES: _with_price,
}
KEYS = tuple(_CHANGES)
"""What an override may hold, in the order in which it is applied: a new GPU can be priced."""
