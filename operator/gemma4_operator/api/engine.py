"""Which inference server, from which image, and what to add to its command and environment."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gemma4_operator.api.common import ApiModel, EngineType
from gemma4_operator.api.rules import Form, Unique

_IMAGE_PART = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_TAG = ":[_A-Za-z0-9][-._A-Za-z0-9]{0,127}"
_IMAGE = (
    r"([A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?(:[0-9]+)?/)?"
    rf"{_IMAGE_PART}(/{_IMAGE_PART})*"
    rf"({_TAG}|({_TAG})?@sha256:[a-f0-9]{{64}})"
)

Image = Annotated[
    str,
    Field(max_length=512),
    Form(_IMAGE, "must be an image with its tag or digest, such as 'registry.example.com/vllm-openai:v0.33.0'"),
]
"""A container image, of any registry and with any of the two that says which."""


class EnvironmentVariable(ApiModel):
    """One variable for the engine's container."""

    name: Annotated[
        str,
        Field(max_length=253),
        Form("[_A-Za-z][_A-Za-z0-9]*", "must be the name of a variable, such as 'VLLM_LOGGING_LEVEL'"),
    ]
    """The variable's name."""
    value: Annotated[str, Field(max_length=32768)]
    """The variable's value."""


class EngineChoice(StrEnum):
    """Which inference server; Auto takes the one that fits the checkpoint's format: VLLM, LlamaCpp or Ollama."""

    AUTO = "Auto"
    VLLM = EngineType.VLLM.value
    NIM = EngineType.NIM.value
    LLAMA_CPP = EngineType.LLAMA_CPP.value
    OLLAMA = EngineType.OLLAMA.value


class Engine(ApiModel):
    """The inference server and what to add to its command."""

    type: EngineChoice = EngineChoice.AUTO
    """The inference server; Auto takes the one that fits the checkpoint's format: VLLM, LlamaCpp or Ollama."""
    image: Image | None = None
    """The container image to run; absent: the catalogue's for the engine."""
    extra_args: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=4096)], ...],
        Field(max_length=64),
    ] = ()
    """Arguments to append to the engine's command, one item each."""
    env: Annotated[tuple[EnvironmentVariable, ...], Field(max_length=64), Unique(by="name")] = ()
    """Environment variables to set in the engine's container."""
