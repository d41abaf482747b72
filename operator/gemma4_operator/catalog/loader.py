"""The catalogue as typed values: which weights exist for a variant in a format, and which image runs an engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from gemma4_operator.api.common import EngineType, Quantization, Variant

CHECKPOINTS_FILE = "checkpoints.yaml"
ENGINES_FILE = "engines.yaml"

_Text = Annotated[str, Field(min_length=1)]


class CatalogError(ValueError):
    """A row that cannot be used, with file, row and field."""


class _Row(BaseModel):
    """A fact and where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    source: _Text
    """Where the row's numbers and names come from, for a person to look up."""


class Checkpoint(_Row):
    """The weights of one variant in one format."""

    variant: Variant
    quantization: Quantization
    repository: Annotated[str, Field(pattern=r"^[-._A-Za-z0-9]+/[-._A-Za-z0-9]+$")]
    revision: _Text
    file: Annotated[str, Field(pattern=r"\.gguf$")] | None = None
    """The GGUF file to take; absent: all of the repository."""
    bytes: Annotated[int, Field(gt=0, strict=True)]
    """What is downloaded and loaded."""

    @property
    def key(self) -> tuple[Variant, Quantization]:
        """What a plan looks the row up by."""
        return (self.variant, self.quantization)


class EngineImage(_Row):
    """The image that runs an engine, and the engine's version inside."""

    engine: EngineType
    version: _Text
    image: Annotated[str, Field(pattern=r"^[^:@]+/[^:@]+:[^:@]+(@sha256:[0-9a-f]{64})?$")]

    @property
    def key(self) -> EngineType:
        """What a plan looks the row up by."""
        return self.engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """All facts, by what they are looked up with."""

    checkpoints: Mapping[tuple[Variant, Quantization], Checkpoint]
    engines: Mapping[EngineType, EngineImage]

    def quantizations(self, variant: Variant) -> tuple[Quantization, ...]:
        """Return the formats in which weights of a variant are known, in the catalogue's order."""
        return tuple(quantization for known, quantization in self.checkpoints if known is variant)

    def weights_bytes(self, variant: Variant, quantization: Quantization) -> int:
        """Return how large weights are, or an upper bound for a format without a row: the variant's largest."""
        row = self.checkpoints.get((variant, quantization))
        return row.bytes if row else max(row.bytes for row in self.checkpoints.values() if row.variant is variant)


def builtin_catalog() -> Catalog:
    """Return the catalogue that comes with the operator."""
    package = files(__package__)
    return parse_catalog(
        checkpoints=package.joinpath(CHECKPOINTS_FILE).read_text(encoding="utf-8"),
        engines=package.joinpath(ENGINES_FILE).read_text(encoding="utf-8"),
    )


def parse_catalog(*, checkpoints: str, engines: str) -> Catalog:
    """Type both files, or raise CatalogError naming file, row and field."""
    weights = {row.key: row for row in _rows(Checkpoint, checkpoints, CHECKPOINTS_FILE)}
    images = {row.key: row for row in _rows(EngineImage, engines, ENGINES_FILE)}
    for variant in Variant:
        if (variant, Quantization.BF16) not in weights:
            raise CatalogError(f"{CHECKPOINTS_FILE}: must have a row for '{variant}' in BF16, the base of all budgets")
    for engine in EngineType:
        if engine not in images:
            raise CatalogError(f"{ENGINES_FILE}: must have a row for the engine '{engine}'")
    return Catalog(checkpoints=weights, engines=images)


_RowT = TypeVar("_RowT", Checkpoint, EngineImage)


def _rows(model: type[_RowT], text: str, name: str) -> list[_RowT]:
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CatalogError(f"{name}: must be YAML: {error}") from error
    if not isinstance(raw, list):
        raise CatalogError(f"{name}: must be a list of rows")
    rows = [_row(model, item, f"{name}[{index}]") for index, item in enumerate(raw)]
    seen: dict[Any, int] = {}
    for index, row in enumerate(rows):
        if row.key in seen:
            raise CatalogError(f"{name}[{index}]: must differ from row {seen[row.key]} in what it is looked up by")
        seen[row.key] = index
    return rows


def _row(model: type[_RowT], item: Any, where: str) -> _RowT:
    try:
        return model.model_validate(item)
    except ValidationError as error:
        first: ErrorDetails = error.errors(include_url=False, include_input=False)[0]
        path = ".".join([where, *(str(step) for step in first["loc"])])
        raise CatalogError(f"{path}: {first['msg']}") from error
