"""Which model: the member of the family, the format of its weights, and where the weights come from."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gemma4_operator.api.common import ApiModel, Integer, Name, Quantization, Switch, Variant
from gemma4_operator.api.rules import Form, Rule, Unique

_PART = "[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?"
_FOLDER = r"\.{0,2}[-_A-Za-z0-9][-._A-Za-z0-9]*"


class VariantChoice(StrEnum):
    """Which member of the Gemma 4 family; Auto leaves it to the planner."""

    AUTO = "Auto"
    V31B = Variant.V31B.value
    V26B_A4B = Variant.V26B_A4B.value
    V12B = Variant.V12B.value
    E4B = Variant.E4B.value
    E2B = Variant.E2B.value


class QuantizationChoice(StrEnum):
    """Which format of the weights; Auto leaves it to the planner."""

    AUTO = "Auto"
    BF16 = Quantization.BF16.value
    FP8 = Quantization.FP8.value
    NVFP4 = Quantization.NVFP4.value
    W4A16 = Quantization.W4A16.value
    Q8_0 = Quantization.Q8_0.value
    Q6_K = Quantization.Q6_K.value
    Q5_K_M = Quantization.Q5_K_M.value
    Q4_K_M = Quantization.Q4_K_M.value
    Q4_0 = Quantization.Q4_0.value

    @property
    def is_gguf(self) -> bool:
        """Whether one of llama.cpp's GGUF formats is asked for."""
        return self is not QuantizationChoice.AUTO and Quantization(self.value).is_gguf


class HuggingFaceCheckpoint(ApiModel):
    """Weights in a repository of the Hugging Face Hub."""

    repository: Annotated[
        str,
        Field(max_length=193),
        Form(f"{_PART}/{_PART}", "must be an organization and a name, such as 'google/gemma-4-31B-it'"),
    ]
    """The repository, such as google/gemma-4-31B-it."""
    revision: Annotated[
        str,
        Field(max_length=128),
        Form("[A-Za-z0-9][-._/A-Za-z0-9]*", "must be a branch, a tag or a commit, such as 'main'"),
    ] = "main"
    """The branch, tag or commit; only a commit never changes."""


class ClaimCheckpoint(ApiModel):
    """Weights that already lie on a PersistentVolumeClaim of the same namespace."""

    claim_name: Name
    """The PersistentVolumeClaim's name."""
    path: Annotated[
        str,
        Field(max_length=512),
        Form(f"({_FOLDER}(/{_FOLDER})*)?", "must be a relative path without '..', such as 'gemma-4/31b'"),
    ] = ""
    """The folder or GGUF file inside the claim; absent: the claim's root."""
    projector_path: (
        Annotated[
            str,
            Field(max_length=512),
            Form(f"{_FOLDER}(/{_FOLDER})*", "must be a relative path without '..', such as 'mmproj-BF16.gguf'"),
        ]
        | None
    ) = None
    """The GGUF file inside the claim with which LlamaCpp reads images and sound; absent: it reads text alone."""


class AdapterClaim(ApiModel):
    """A folder of a PersistentVolumeClaim of the same namespace."""

    claim_name: Name
    """The PersistentVolumeClaim's name."""
    path: Annotated[
        str,
        Field(max_length=512),
        Form(f"{_FOLDER}(/{_FOLDER})*", "must be a relative path without '..', such as 'runs/support-v1'"),
    ]
    """The folder with adapter_config.json inside the claim."""


class Adapter(ApiModel):
    """A LoRA adapter, which clients ask for by its name in place of the model's."""

    name: Annotated[
        str,
        Field(max_length=63),
        Form("[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?", "must be a model's name for clients, such as 'support'"),
    ]
    """The model name that clients send to be answered with this adapter."""
    claim: AdapterClaim
    """Where the adapter lies."""
    rank: Annotated[Integer, Field(ge=1, le=4096)]
    """Its rank, `r` in adapter_config.json; the largest decides how much memory each takes."""


class OllamaCheckpoint(ApiModel):
    """Weights in Ollama's library."""

    name: Annotated[
        str,
        Field(max_length=193),
        Form(f"{_PART}(/{_PART}){{0,2}}", "must be a model of Ollama's library without its tag, such as 'gemma4'"),
    ]
    """The model's name without its tag, such as gemma4."""
    tag: Annotated[
        str,
        Field(max_length=128),
        Form("[_A-Za-z0-9][-._A-Za-z0-9]*", "must be a tag of the model, such as '31b-it-q4_K_M'"),
    ] = "latest"
    """The tag, which names size and format, such as 31b-it-q4_K_M."""


class Checkpoint(ApiModel):
    """Exactly one place where the weights come from."""

    hugging_face: HuggingFaceCheckpoint | None = None
    """A repository of the Hugging Face Hub."""
    claim: ClaimCheckpoint | None = None
    """A PersistentVolumeClaim that holds the weights already."""
    ollama: OllamaCheckpoint | None = None
    """A model of Ollama's library; only the engine Ollama reads it."""
    size_bytes: Annotated[Integer, Field(ge=1, le=10**13)] | None = None
    """How large the weights are in bytes; needed only for weights that the catalogue does not know."""

    RULES = (
        Rule(
            field="",
            message="must have exactly one of `huggingFace`, `claim` and `ollama`",
            cel="[has(self.huggingFace), has(self.claim), has(self.ollama)].exists_one(given, given)",
            holds=lambda it: [it.hugging_face, it.claim, it.ollama].count(None) == 2,
        ),
    )


class Model(ApiModel):
    """Which member of the family, in which format, from where."""

    variant: VariantChoice = VariantChoice.AUTO
    """The member of the Gemma 4 family; Auto takes the one that serves the objectives best."""
    quantization: QuantizationChoice = QuantizationChoice.AUTO
    """The format of the weights: Q formats are GGUF files for LlamaCpp or Ollama; FP8, NVFP4 and W4A16 need VLLM or
    NIM; Auto takes the one that serves the objectives best."""
    checkpoint: Checkpoint | None = None
    """The weights to load; absent: the catalogue's checkpoint for variant and quantization."""
    adapters: Annotated[tuple[Adapter, ...], Field(max_length=32), Unique(by="name")] = ()
    """LoRA adapters that are served beside the model, each under its own name, by VLLM or the model-free NIM."""

    drafter: Switch = False
    """Whether the variant's own drafter proposes tokens (MTP), which is faster while few requests run at once; its
    memory is planned for, its gain is not counted on. Only VLLM runs it."""

    RULES = (
        Rule(
            field=".variant",
            message="must be named with `checkpoint`, such as '31B': nobody can tell it from the weights",
            cel="!has(self.checkpoint) || self.?variant.orValue('Auto') != 'Auto'",
            holds=lambda it: it.checkpoint is None or it.variant is not VariantChoice.AUTO,
        ),
        Rule(
            field=".quantization",
            message="must be named with `checkpoint`, such as 'BF16': nobody can tell it from the weights",
            cel="!has(self.checkpoint) || self.?quantization.orValue('Auto') != 'Auto'",
            holds=lambda it: it.checkpoint is None or it.quantization is not QuantizationChoice.AUTO,
        ),
    )
