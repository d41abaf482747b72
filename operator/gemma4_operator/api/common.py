"""What every model of a custom resource shares: camelCase names, no unknown fields, frozen values, common words."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from gemma4_operator.api.docstrings import docstrings
from gemma4_operator.api.rules import VALIDATIONS, Form, Rule, broken

GROUP = "gemma4.dev"
VERSION = "v1alpha1"

TEMPLATE_LABEL = f"{GROUP}/template"
"""Bears the hash of the template that a pod was made from, so that pods of one rollout are told from those before."""

DEFAULT_SHOWN = "x-default-shown"
"""Marks a field whose default stands in the schema, so that the API server writes it into objects."""

_SPELLINGS = {"gpus": "GPUs", "mib": "MiB"}
"""Words that keep their own spelling inside a name; a name's first word is always in lower case."""


def camel_case(name: str) -> str:
    """Return a field's name as people write it in YAML, such as `maximumGPUs` for `maximum_gpus`."""
    first, *rest = name.split("_")
    return first + "".join(_SPELLINGS.get(word, word.capitalize()) for word in rest)


class ApiModel(BaseModel):
    """A part of a custom resource: camelCase outside, snake_case inside, unknown fields refused, immutable."""

    model_config = ConfigDict(
        alias_generator=camel_case,
        validate_by_name=True,
        extra="forbid",
        frozen=True,
    )

    RULES: ClassVar[tuple[Rule, ...]] = ()
    """What must hold across the fields."""

    def to_json(self) -> dict[str, Any]:
        """Return what the API server would store: JSON values under camelCase names, absent fields left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @model_validator(mode="before")
    @classmethod
    def _take_null_for_absent(cls, data: Any) -> Any:
        """Drop nulls, as the API server does."""
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data

    @model_validator(mode="after")
    def _keep_rules(self) -> Self:
        broken(self.RULES, self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        json_schema = handler.resolve_ref_schema(handler(schema))
        for name, text in docstrings(cls).items():
            json_schema["properties"][cls.model_fields[name].alias or name].setdefault("description", text)
        if cls.RULES:
            json_schema[VALIDATIONS] = [rule.validation() for rule in cls.RULES]
        return json_schema


class Variant(StrEnum):
    """The chat models of the Gemma 4 family."""

    V31B = "31B"
    V26B_A4B = "26B-A4B"
    V12B = "12B"
    E4B = "E4B"
    E2B = "E2B"


class Quantization(StrEnum):
    """How the weights are stored, in the names of the formats themselves."""

    BF16 = "BF16"
    FP8 = "FP8"
    NVFP4 = "NVFP4"
    W4A16 = "W4A16"
    Q8_0 = "Q8_0"
    Q6_K = "Q6_K"
    Q5_K_M = "Q5_K_M"
    Q4_K_M = "Q4_K_M"
    Q4_0 = "Q4_0"

    @property
    def is_gguf(self) -> bool:
        """Whether the weights are one of llama.cpp's GGUF formats."""
        return self.value.startswith("Q")


class EngineType(StrEnum):
    """The inference servers a pod can run."""

    VLLM = "VLLM"
    NIM = "NIM"
    LLAMA_CPP = "LlamaCpp"
    OLLAMA = "Ollama"


_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_WORD = "[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?"

Integer = Annotated[int, Field(strict=True)]
"""A JSON integer; the API server converts neither texts nor booleans."""

Switch = Annotated[bool, Field(strict=True)]
"""A JSON boolean; the API server converts neither texts nor numbers."""

Name = Annotated[
    str,
    Field(max_length=253),
    Form(_SUBDOMAIN, "must be the name of an object: lower-case letters, digits, '-' and '.', such as 'chat-weights'"),
]
"""The name of another object in the same namespace (RFC 1123 subdomain)."""

LABEL_KEY = Form(
    rf"({_SUBDOMAIN}/)?[A-Za-z0-9]([-._A-Za-z0-9]{{0,61}}[A-Za-z0-9])?",
    "must be a label's key, such as 'pool' or 'nvidia.com/gpu.product'",
)

LabelKey = Annotated[str, Field(max_length=317), LABEL_KEY]
"""The key of a label or a taint."""

LABEL_VALUE = Form(f"({_WORD})?", "must be a label's value: letters, digits, '-', '_' and '.', such as 'NVIDIA-L40S'")

LabelValue = Annotated[str, Field(max_length=63), LABEL_VALUE]
"""The value of a label or a taint; may be empty."""


class SecretKey(ApiModel):
    """One key of a Secret in the same namespace; the operator never reads it, the pod does."""

    name: Name
    """The Secret's name."""
    key: Annotated[
        str,
        Field(max_length=253),
        Form("[-._A-Za-z0-9]+", "must be a key of the Secret: letters, digits, '-', '_' and '.', such as 'token'"),
    ]
    """The key inside the Secret."""


class LocalReference(ApiModel):
    """An object of the same namespace, by name."""

    name: Name
    """The object's name."""
