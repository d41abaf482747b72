"""What the parts of a status share: words of bounded length, and room for fields that a newer operator wrote."""

from typing import Annotated

from pydantic import ConfigDict, Field

from gemma4_operator.api.common import ApiModel

Word = Annotated[str, Field(max_length=128)]
Line = Annotated[str, Field(max_length=4096)]
Sentence = Annotated[str, Field(max_length=32768)]
Count = Annotated[int, Field(ge=0)]


class StatusModel(ApiModel):
    """A part of a status; fields that a newer operator wrote are passed over when it is read back."""

    model_config = ConfigDict(extra="ignore")
