"""What must hold across the fields of a Gemma4Deployment, for both judges."""

import re
from typing import TYPE_CHECKING

from gemma4_operator.api.common import EngineType, Variant
from gemma4_operator.api.rules import Rule, RuleReason

if TYPE_CHECKING:
    from gemma4_operator.api.deployment import Gemma4DeploymentSpec

_SERVICE_NAME = "[a-z]([-a-z0-9]{0,61}[a-z0-9])?"
_SMALL = (Variant.E2B, Variant.E4B)
_ENGINE = "self.?engine.?type.orValue('Auto')"
_OLLAMA_WEIGHTS = "self.model.?checkpoint.?ollama.hasValue()"


def _engine_is(spec: "Gemma4DeploymentSpec", *allowed: EngineType) -> bool:
    return spec.engine.type.value in ("Auto", *allowed)


def _has_ollama_weights(spec: "Gemma4DeploymentSpec") -> bool:
    return spec.model.checkpoint is not None and spec.model.checkpoint.ollama is not None


def _context_fits(spec: "Gemma4DeploymentSpec") -> bool:
    return spec.model.variant not in _SMALL or spec.capabilities.context_tokens <= 131072


def _engine_reads_gguf(spec: "Gemma4DeploymentSpec") -> bool:
    return not spec.model.quantization.is_gguf or _engine_is(spec, EngineType.LLAMA_CPP, EngineType.OLLAMA)


def _engine_reads_safetensors(spec: "Gemma4DeploymentSpec") -> bool:
    only_vllm = spec.model.quantization.value in ("FP8", "NVFP4", "W4A16")
    return not only_vllm or _engine_is(spec, EngineType.VLLM)


def _engine_reads_ollama(spec: "Gemma4DeploymentSpec") -> bool:
    return not _has_ollama_weights(spec) or _engine_is(spec, EngineType.OLLAMA)


def _ollama_has_format(spec: "Gemma4DeploymentSpec") -> bool:
    return not _has_ollama_weights(spec) or spec.model.quantization.is_gguf or spec.model.quantization.value == "BF16"


def _key_is_checked(spec: "Gemma4DeploymentSpec") -> bool:
    ollama = spec.engine.type.value == EngineType.OLLAMA or _has_ollama_weights(spec)
    return spec.secrets.api_key is None or not ollama


SPEC_RULES = (
    Rule(
        field=".capabilities.contextTokens",
        message="must be at most 131072 with `model.variant` 'E2B' or 'E4B'",
        cel="!(self.model.variant in ['E2B', 'E4B']) || self.?capabilities.?contextTokens.orValue(8192) <= 131072",
        holds=_context_fits,
    ),
    Rule(
        field=".engine.type",
        message="must be 'LlamaCpp', 'Ollama' or 'Auto' with a GGUF `model.quantization` such as 'Q4_K_M'",
        cel=f"!self.model.quantization.startsWith('Q') || {_ENGINE} in ['Auto', 'LlamaCpp', 'Ollama']",
        holds=_engine_reads_gguf,
    ),
    Rule(
        field=".engine.type",
        message="must be 'VLLM' or 'Auto' with `model.quantization` 'FP8', 'NVFP4' or 'W4A16'",
        cel=f"!(self.model.quantization in ['FP8', 'NVFP4', 'W4A16']) || {_ENGINE} in ['Auto', 'VLLM']",
        holds=_engine_reads_safetensors,
    ),
    Rule(
        field=".engine.type",
        message="must be 'Ollama' or 'Auto' with `model.checkpoint.ollama`",
        cel=f"!{_OLLAMA_WEIGHTS} || {_ENGINE} in ['Auto', 'Ollama']",
        holds=_engine_reads_ollama,
    ),
    Rule(
        field=".model.quantization",
        message="must be 'BF16' or a GGUF format such as 'Q4_K_M' with `model.checkpoint.ollama`",
        cel=f"!{_OLLAMA_WEIGHTS} || self.model.quantization == 'BF16' || self.model.quantization.startsWith('Q')",
        holds=_ollama_has_format,
    ),
    Rule(
        field=".secrets.apiKey",
        message="must be absent with Ollama, which lets everyone in: take another engine or drop the key",
        cel=f"!has(self.secrets) || !has(self.secrets.apiKey) || !({_ENGINE} == 'Ollama' || {_OLLAMA_WEIGHTS})",
        holds=_key_is_checked,
        reason=RuleReason.FORBIDDEN,
    ),
)

NAME_RULE = Rule(
    field=".metadata.name",
    message="must be a name that a Service can have: at most 63 lower-case letters, digits and '-', a letter first",
    cel=f"self.metadata.name.matches('^{_SERVICE_NAME}$')",
    holds=lambda it: re.fullmatch(_SERVICE_NAME, it.metadata.name) is not None,
)
