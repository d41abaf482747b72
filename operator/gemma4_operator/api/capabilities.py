"""What requests need of the model: how long they are, what they carry, and what comes back."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gemma4_operator.api.common import ApiModel, Integer, Switch
from gemma4_operator.api.rules import Rule, Unique

DEFAULT_CONTEXT_TOKENS = 8192


class Modality(StrEnum):
    """What a request can carry."""

    TEXT = "Text"
    IMAGE = "Image"
    AUDIO = "Audio"
    VIDEO = "Video"


class Capabilities(ApiModel):
    """What requests need of the model."""

    context_tokens: Annotated[Integer, Field(ge=1024, le=262144)] = DEFAULT_CONTEXT_TOKENS
    """The longest context in tokens, prompt and answer together; 131072 at most for E2B and E4B."""
    modalities: Annotated[tuple[Modality, ...], Field(max_length=len(Modality)), Unique()] = (Modality.TEXT,)
    """What requests carry, each of Text, Image, Audio and Video at most once; absent: Text alone."""
    tool_calling: Switch = True
    """Whether answers may call the tools that a request offers."""
    reasoning: Switch = True
    """Whether the model thinks before it answers unless a request says otherwise, and its thoughts come back apart from
    the answer; without it, it does not think."""

    RULES = (
        Rule(
            field=".modalities",
            message="must have 'Text', which every request carries",
            cel="!has(self.modalities) || 'Text' in self.modalities",
            holds=lambda it: Modality.TEXT in it.modalities,
        ),
    )
