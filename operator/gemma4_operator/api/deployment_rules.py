"""What must hold across the fields of a Gemma4Deployment, for both judges."""

import re
from typing import TYPE_CHECKING

from gemma4_operator.api.capabilities import DEFAULT_CONTEXT_TOKENS, Modality
from gemma4_operator.api.common import EngineType
from gemma4_operator.api.model import QuantizationChoice, VariantChoice
from gemma4_operator.api.rules import Rule, RuleReason
from gemma4_operator.api.update import UpdateStrategy
from gemma4_operator.api.workload import DEFAULT_INPUT_TOKENS, DEFAULT_OUTPUT_TOKENS

if TYPE_CHECKING:
    from gemma4_operator.api.deployment import Gemma4DeploymentSpec

DEFAULT_SERVED_NAME = "gemma-4"
"""Of the model, for clients."""
_SERVICE_NAME = "[a-z]([-a-z0-9]{0,61}[a-z0-9])?"
_SMALL = (VariantChoice.E2B, VariantChoice.E4B)
_SAFETENSORS = (QuantizationChoice.FP8, QuantizationChoice.NVFP4, QuantizationChoice.W4A16)
_DEAF = (VariantChoice.V31B, VariantChoice.V26B_A4B)
_ENGINE = "self.?engine.?type.orValue('Auto')"
_VARIANT = "self.?model.?variant.orValue('Auto')"
_QUANTIZATION = "self.?model.?quantization.orValue('Auto')"
_OLLAMA_WEIGHTS = "self.?model.?checkpoint.?ollama.hasValue()"
_STRATEGY = "self.?update.?strategy.orValue('Auto')"
_KEPT_PERCENT = "self.?disruption.?minAvailablePercent.orValue(50)"
_CONTEXT = f"self.?capabilities.?contextTokens.orValue({DEFAULT_CONTEXT_TOKENS})"
_INPUT = f"self.?workload.?inputTokens.orValue({DEFAULT_INPUT_TOKENS})"
_OUTPUT = f"self.?workload.?outputTokens.orValue({DEFAULT_OUTPUT_TOKENS})"
_SERVED_NAME = (
    "(has(self.endpoint) && has(self.endpoint.servedModelName) ? "
    f"self.endpoint.servedModelName : '{DEFAULT_SERVED_NAME}')"
)


def _carries(modality: Modality) -> str:
    """Say it without an optional, whose size the API server cannot estimate."""
    return (
        f"(has(self.capabilities) && has(self.capabilities.modalities) && '{modality}' in self.capabilities.modalities)"
    )


def _engine_is(spec: "Gemma4DeploymentSpec", *engines: EngineType) -> bool:
    return spec.engine.type.value in engines


def _has_ollama_weights(spec: "Gemma4DeploymentSpec") -> bool:
    return spec.model.checkpoint is not None and spec.model.checkpoint.ollama is not None


def _context_fits(spec: "Gemma4DeploymentSpec") -> bool:
    return spec.model.variant not in _SMALL or spec.capabilities.context_tokens <= 131072


def _engine_reads_gguf(spec: "Gemma4DeploymentSpec") -> bool:
    return not spec.model.quantization.is_gguf or not _engine_is(spec, EngineType.VLLM, EngineType.NIM)


def _engine_reads_safetensors(spec: "Gemma4DeploymentSpec") -> bool:
    return spec.model.quantization not in _SAFETENSORS or not _engine_is(spec, EngineType.LLAMA_CPP, EngineType.OLLAMA)


def _engine_reads_ollama(spec: "Gemma4DeploymentSpec") -> bool:
    return not _has_ollama_weights(spec) or spec.engine.type.value in ("Auto", EngineType.OLLAMA)


def _ollama_has_format(spec: "Gemma4DeploymentSpec") -> bool:
    return not _has_ollama_weights(spec) or spec.model.quantization not in _SAFETENSORS


def _can_hear(spec: "Gemma4DeploymentSpec") -> bool:
    return Modality.AUDIO not in spec.capabilities.modalities or spec.model.variant not in _DEAF


def _request_fits(spec: "Gemma4DeploymentSpec") -> bool:
    load = spec.workload
    return load is None or load.input_tokens + load.output_tokens <= spec.capabilities.context_tokens


def _images_are_seen(spec: "Gemma4DeploymentSpec") -> bool:
    load = spec.workload
    return load is None or load.images_per_request == 0 or Modality.IMAGE in spec.capabilities.modalities


def _key_is_checked(spec: "Gemma4DeploymentSpec") -> bool:
    is_open = _engine_is(spec, EngineType.OLLAMA, EngineType.NIM) or _has_ollama_weights(spec)
    return spec.secrets.api_key is None or not is_open


def _downloads(spec: "Gemma4DeploymentSpec") -> bool:
    return spec.cache is None or spec.model.checkpoint is None or spec.model.checkpoint.claim is None


def _cache_is_reached(spec: "Gemma4DeploymentSpec") -> bool:
    is_one = spec.replicas <= 1 and (spec.autoscaling is None or spec.autoscaling.max_replicas <= 1)
    return spec.cache is None or is_one or spec.cache.claim.is_shared


def _one_decides(spec: "Gemma4DeploymentSpec") -> bool:
    """Only the default goes with autoscaling: the API server writes it into every object, for /scale."""
    return spec.autoscaling is None or spec.replicas == 1


def _claim_moves(spec: "Gemma4DeploymentSpec") -> bool:
    """Whether a new pod can mount the cache before the old one goes, where it must."""
    must_surge = spec.update.strategy is UpdateStrategy.SURGE or (
        spec.update.strategy is UpdateStrategy.AUTO and spec.disruption.min_available_percent == 100
    )
    return spec.cache is None or not must_surge or spec.cache.claim.is_shared


def _names_differ(spec: "Gemma4DeploymentSpec") -> bool:
    """Whether each of the names that clients may send stands for one model."""
    return all(adapter.name != spec.endpoint.served_model_name for adapter in spec.model.adapters)


def _ngc_key_is_used(spec: "Gemma4DeploymentSpec") -> bool:
    return spec.secrets.ngc_api_key is None or _engine_is(spec, EngineType.NIM)


SPEC_RULES = (
    Rule(
        field=".replicas",
        message="must be absent or 1 with `autoscaling`, since the operator's autoscaler decides: set "
        "`autoscaling.minReplicas` and `autoscaling.maxReplicas`, or remove `autoscaling`",
        cel="!has(self.autoscaling) || self.replicas == 1",
        holds=_one_decides,
    ),
    Rule(
        field=".capabilities.contextTokens",
        message="must be at most 131072 with `model.variant` 'E2B' or 'E4B'",
        cel=f"!({_VARIANT} in ['E2B', 'E4B']) || {_CONTEXT} <= 131072",
        holds=_context_fits,
    ),
    Rule(
        field=".capabilities.modalities",
        message="must not have 'Audio' with `model.variant` '31B' or '26B-A4B': take 'Auto', '12B', 'E4B' or 'E2B'",
        cel=f"!{_carries(Modality.AUDIO)} || !({_VARIANT} in ['31B', '26B-A4B'])",
        holds=_can_hear,
    ),
    Rule(
        field=".workload.inputTokens",
        message="must be, together with `outputTokens`, at most `capabilities.contextTokens`; where they are absent: "
        f"{DEFAULT_INPUT_TOKENS}, {DEFAULT_OUTPUT_TOKENS} and {DEFAULT_CONTEXT_TOKENS}",
        cel=f"!has(self.workload) || {_INPUT} + {_OUTPUT} <= {_CONTEXT}",
        holds=_request_fits,
    ),
    Rule(
        field=".workload.imagesPerRequest",
        message="must be 0 or absent without 'Image' in `capabilities.modalities`",
        cel=f"self.?workload.?imagesPerRequest.orValue(0) == 0 || {_carries(Modality.IMAGE)}",
        holds=_images_are_seen,
    ),
    Rule(
        field=".engine.type",
        message="must be 'LlamaCpp', 'Ollama' or 'Auto' with a GGUF `model.quantization` such as 'Q4_K_M'",
        cel=f"!{_QUANTIZATION}.startsWith('Q') || !({_ENGINE} in ['VLLM', 'NIM'])",
        holds=_engine_reads_gguf,
    ),
    Rule(
        field=".engine.type",
        message="must be 'VLLM', 'NIM' or 'Auto' with `model.quantization` 'FP8', 'NVFP4' or 'W4A16'",
        cel=f"!({_QUANTIZATION} in ['FP8', 'NVFP4', 'W4A16']) || !({_ENGINE} in ['LlamaCpp', 'Ollama'])",
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
        cel=f"!{_OLLAMA_WEIGHTS} || !({_QUANTIZATION} in ['FP8', 'NVFP4', 'W4A16'])",
        holds=_ollama_has_format,
    ),
    Rule(
        field=".secrets.apiKey",
        message="must be absent with Ollama and NIM, which let everyone in: take another engine or drop the key",
        cel=f"!has(self.secrets) || !has(self.secrets.apiKey) || "
        f"!({_ENGINE} in ['Ollama', 'NIM'] || {_OLLAMA_WEIGHTS})",
        holds=_key_is_checked,
        reason=RuleReason.FORBIDDEN,
    ),
    Rule(
        field=".model.adapters",
        message="must not have the model's own name among theirs, or one of the two could not be asked: rename the "
        f"adapter, or set another `endpoint.servedModelName`, which is '{DEFAULT_SERVED_NAME}' where it is absent",
        cel="!has(self.model) || !has(self.model.adapters) || "
        f"self.model.adapters.all(adapter, adapter.name != {_SERVED_NAME})",
        holds=_names_differ,
    ),
    Rule(
        field=".cache",
        message="must be absent with `model.checkpoint.claim`: nothing is downloaded then",
        cel="!has(self.cache) || !self.?model.?checkpoint.?claim.hasValue()",
        holds=_downloads,
        reason=RuleReason.FORBIDDEN,
    ),
    Rule(
        field=".cache.claim.accessModes",
        message="must have 'ReadWriteMany' with more than one of `replicas` or `autoscaling.maxReplicas`: pods of "
        "other nodes cannot mount it",
        cel="!has(self.cache) || (self.replicas <= 1 && self.?autoscaling.?maxReplicas.orValue(1) <= 1) || "
        "(has(self.cache.claim.accessModes) && 'ReadWriteMany' in self.cache.claim.accessModes)",
        holds=_cache_is_reached,
    ),
    Rule(
        field=".cache.claim.accessModes",
        message="must have 'ReadWriteMany' where new pods come first, as with `update.strategy` 'Surge' and with "
        "`disruption.minAvailablePercent` 100: or set `update.strategy` to 'Recreate'",
        cel=f"!has(self.cache) || !({_STRATEGY} == 'Surge' || ({_STRATEGY} == 'Auto' && {_KEPT_PERCENT} == 100)) || "
        "(has(self.cache.claim.accessModes) && 'ReadWriteMany' in self.cache.claim.accessModes)",
        holds=_claim_moves,
    ),
    Rule(
        field=".secrets.ngcApiKey",
        message="must be absent unless `engine.type` is 'NIM': nothing else uses it",
        cel=f"!has(self.secrets) || !has(self.secrets.ngcApiKey) || {_ENGINE} == 'NIM'",
        holds=_ngc_key_is_used,
        reason=RuleReason.FORBIDDEN,
    ),
)

NAME_RULE = Rule(
    field=".metadata.name",
    message="must be a name that a Service can have: at most 63 lower-case letters, digits and '-', a letter first",
    cel=f"self.metadata.name.matches('^{_SERVICE_NAME}$')",
    holds=lambda it: re.fullmatch(_SERVICE_NAME, it.metadata.name) is not None,
)
