"""The catalogue as typed values: read once, checked across its rows, and looked things up in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gemma4_operator.api.bounded import Unbounded, require_bounded
from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.api.distinct import Repeated, repeated
from gemma4_operator.catalog.checkpoints import Checkpoint, Tuning
from gemma4_operator.catalog.engines import EngineImage, Form
from gemma4_operator.catalog.gpus import Gpu
from gemma4_operator.catalog.models import Model
from gemma4_operator.catalog.products import normalized

MODELS_FILE = "models.yaml"
CHECKPOINTS_FILE = "checkpoints.yaml"
GPUS_FILE = "gpus.yaml"
ENGINES_FILE = "engines.yaml"
FILES = (MODELS_FILE, CHECKPOINTS_FILE, GPUS_FILE, ENGINES_FILE)
CURRENCY = "USD"
SIZE_TOLERANCE = 0.01
"""By how much the parts of a checkpoint may miss its bytes."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C is ten times as fast, and not everywhere."""


class CatalogError(ValueError):
    """A row that cannot be used, with file, row and field."""


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """All facts, by what they are looked up with."""

    models: Mapping[Variant, Model]
    checkpoints: tuple[Checkpoint, ...]
    gpus: tuple[Gpu, ...]
    engines: Mapping[EngineType, EngineImage]
    currency: str = CURRENCY

    @cached_property
    def _preferred(self) -> Mapping[tuple[Variant, Quantization, Tuning], Checkpoint]:
        return {(row.variant, row.quantization, row.tuning): row for row in self.checkpoints if row.preferred}

    @cached_property
    def _products(self) -> Mapping[str, tuple[Gpu, ...]]:
        found: dict[str, tuple[Gpu, ...]] = {}
        for row in self.gpus:
            for product in row.products:
                name = normalized(product)
                found[name] = (*found.get(name, ()), row)
        return found

    def preferred(
        self, variant: Variant, quantization: Quantization, tuning: Tuning = Tuning.INSTRUCTION
    ) -> Checkpoint | None:
        """Return the checkpoint that a plan takes."""
        return self._preferred.get((variant, quantization, tuning))

    def reader(self, form: Form) -> EngineImage:
        """Return the engine for weights in a form where nobody names one: the first that reads them."""
        return next(engine for engine in self.engines.values() if form in engine.reads)

    def find(self, repository: str, file: str | None = None) -> Checkpoint | None:
        """Return a checkpoint by its repository; without a file, the first of it."""
        matches = (row for row in self.checkpoints if row.repository == repository)
        return next((row for row in matches if file is None or row.file == file), None)

    def of_repository(self, repository: str) -> tuple[Checkpoint, ...]:
        """Return all checkpoints of a repository, in whatever capitals: the Hub knows no difference."""
        name = repository.casefold()
        return tuple(row for row in self.checkpoints if row.repository.casefold() == name)

    def quantizations(self, variant: Variant) -> tuple[Quantization, ...]:
        """Return the formats in which instruction-tuned weights of a variant are known, in the catalogue's order."""
        return tuple(quantization for quantization in Quantization if self.preferred(variant, quantization))

    def weights_bytes(self, variant: Variant, quantization: Quantization) -> int:
        """Return how large weights are, or an upper bound for a format without a row: the variant's largest."""
        row = self.preferred(variant, quantization)
        return row.bytes if row else max(row.bytes for row in self.checkpoints if row.variant is variant)

    def gpu(self, product: str, memory_mib: int | None = None) -> Gpu | None:
        """Return a GPU by its node label; suffixes of sharing and MIG are passed over.

        The longest known name that begins the label wins, since firmware variants lengthen names; of rows with one
        name, that with the nearest memory.
        """
        name = normalized(product)
        for length in range(len(name), 0, -1):
            rows = self._products.get(name[:length])
            if rows is not None and (length == len(name) or name[length] == "-"):
                return min(rows, key=lambda row: abs(row.memory_mib - (memory_mib or row.memory_mib)))
        return None


def builtin_catalog() -> Catalog:
    """Return the catalogue that comes with the operator."""
    package = files(__package__)
    return parse_catalog({name: package.joinpath(name).read_text(encoding="utf-8") for name in FILES})


def parse_catalog(texts: Mapping[str, str]) -> Catalog:
    """Type all files, by their names; raises CatalogError naming file, row and field."""
    models = {row.key: row for row in _rows(Model, texts[MODELS_FILE], MODELS_FILE)}
    engines = {row.key: row for row in _rows(EngineImage, texts[ENGINES_FILE], ENGINES_FILE)}
    catalog = Catalog(
        models=models,
        checkpoints=_rows(Checkpoint, texts[CHECKPOINTS_FILE], CHECKPOINTS_FILE),
        gpus=_rows(Gpu, texts[GPUS_FILE], GPUS_FILE),
        engines=engines,
    )
    require_complete(catalog)
    return catalog


def require_complete(catalog: Catalog) -> None:
    """Raise CatalogError for what no single row can see."""
    for variant in Variant:
        if variant not in catalog.models:
            raise CatalogError(f"{MODELS_FILE}: must have a row for '{variant}'")
        if catalog.preferred(variant, Quantization.BF16) is None:
            raise CatalogError(f"{CHECKPOINTS_FILE}: must have a preferred row for '{variant}' in BF16")
    for engine in EngineType:
        if engine not in catalog.engines:
            raise CatalogError(f"{ENGINES_FILE}: must have a row for the engine '{engine}'")
    for form in Form:
        if not any(form in engine.reads for engine in catalog.engines.values()):
            raise CatalogError(f"{ENGINES_FILE}: must have an engine that reads {form}")
    seen: set[tuple[Variant, Quantization, Tuning]] = set()
    for index, row in enumerate(catalog.checkpoints):
        where = f"{CHECKPOINTS_FILE}[{index}]"
        require_size(row, catalog.models[row.variant], where)
        identity = (row.variant, row.quantization, row.tuning)
        if row.preferred and identity in seen:
            raise CatalogError(f"{where}.preferred: must be true of one row for {', '.join(identity)}")
        seen |= {identity} if row.preferred else set()


def require_size(row: Checkpoint, model: Model, where: str) -> None:
    """Raise CatalogError where a checkpoint's parts do not add up to its bytes."""
    if abs(off := size_off(row, model)) > SIZE_TOLERANCE:
        raise CatalogError(f"{where}.bits: must add up to the bytes within 1 %, and miss them by {off:.1%}")


def size_off(checkpoint: Checkpoint, model: Model) -> float:
    """Return by which share the parts of a checkpoint miss what lies in memory; below 0: they are too small."""
    return size_of(checkpoint, model) / checkpoint.resident_bytes - 1


def size_of(checkpoint: Checkpoint, model: Model) -> float:
    """Return what the parts of a checkpoint add up to, in bytes."""
    parts = type(model.parameters).model_fields
    bits: float = sum(getattr(model.parameters, part) * getattr(checkpoint.bits, part) for part in parts)
    return bits / 8


_RowT = TypeVar("_RowT", Model, Checkpoint, Gpu, EngineImage)


def read_yaml(text: str, name: str) -> Any:
    """Return what a YAML text holds; raises CatalogError."""
    try:
        document = yaml.load(text, Loader=_Loader)
        require_bounded(document)
    except Unbounded as error:
        raise CatalogError(f"{name}: {error}") from error
    except RecursionError as error:
        raise CatalogError(f"{name}: must be YAML, and is nested deeper than any") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date of no calendar, a number without end.
        raise CatalogError(f"{name}: must be YAML: {error}") from error
    return document


def read_repeated(text: str) -> tuple[Repeated, ...]:
    """Return the keys that are there again in a YAML text which can be read."""
    document = yaml.compose(text, Loader=_Loader)
    return tuple(repeated(document)) if document is not None else ()


def _rows(model: type[_RowT], text: str, name: str) -> tuple[_RowT, ...]:
    raw = read_yaml(text, name)
    if not isinstance(raw, list):
        raise CatalogError(f"{name}: must be a list of rows")
    rows = tuple(typed(model, item, f"{name}[{index}]") for index, item in enumerate(raw))
    _require_unique(rows, name)
    return rows


def _require_unique(rows: Iterable[_RowT], name: str) -> None:
    seen: dict[Any, int] = {}
    for index, row in enumerate(rows):
        key = row.key
        if key in seen:
            raise CatalogError(f"{name}[{index}]: must differ from row {seen[key]} in what it is looked up by")
        seen[key] = index


def typed(model: type[_RowT], item: Any, where: str) -> _RowT:
    """Return one row; raises CatalogError with its first fault."""
    try:
        return model.model_validate(item)
    except ValidationError as error:
        first: ErrorDetails = error.errors(include_url=False, include_input=False)[0]
        path = ".".join([where, *(str(step) for step in first["loc"])])
        raise CatalogError(f"{path}: {first['msg']}") from error
