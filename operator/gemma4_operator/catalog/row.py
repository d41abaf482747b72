"""What all rows of the catalogue share: frozen values, no unknown fields, and a source in each."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Text = Annotated[str, Field(min_length=1)]
Bytes = Annotated[int, Field(gt=0, strict=True)]
Count = Annotated[int, Field(ge=0, strict=True)]
Version = Annotated[str, Field(pattern=r"^b?[0-9]+(\.[0-9]+)*[-+.0-9A-Za-z]*$")]
ComputeCapability = Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]$", coerce_numbers_to_str=True)]


class Part(BaseModel):
    """A part of a row; camelCase in YAML, snake_case here, immutable."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, frozen=True, extra="forbid")


class Row(Part):
    """A fact and where it comes from."""

    source: Text
    """Where the row's numbers and names come from, for a person to look up; a guess says that it is one."""
