"""The choice: from a spec to the one plan that serves it, or to the reason why nothing does."""

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.api.deployment import Checkpoint, EngineChoice, Gemma4DeploymentSpec
from gemma4_operator.api.model import QuantizationChoice, VariantChoice
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.engines.base import ClaimWeights, HuggingFaceWeights, OllamaWeights, Registry, Weights
from gemma4_operator.planner.plan import ENGINE_REFUSES, NO_CHECKPOINT, Plan, Rejection
from gemma4_operator.planner.serving import serving


def choose(spec: Gemma4DeploymentSpec, *, catalog: Catalog, engines: Registry) -> Plan | Rejection:
    """Return the plan for a spec; the same spec and catalogue give the same plan."""
    model = spec.model
    if model.variant is VariantChoice.AUTO or model.quantization is QuantizationChoice.AUTO:
        return _unnamed(spec)
    variant, quantization = Variant(model.variant.value), Quantization(model.quantization.value)
    weights = _given(model.checkpoint) if model.checkpoint is not None else _known(variant, quantization, catalog)
    if weights is None:
        return _no_checkpoint(variant, quantization, catalog)
    engine, because = _engine(spec, weights)
    row = catalog.engines[engine]
    plan = Plan(
        variant=variant,
        quantization=quantization,
        weights=weights,
        weights_bytes=catalog.weights_bytes(variant, quantization),
        engine=engine,
        engine_version=row.version if spec.engine.image is None else _version(spec.engine.image),
        image=row.image if spec.engine.image is None else spec.engine.image,
        gpu_products=spec.placement.gpu_products,
        gpus_per_replica=spec.placement.gpus_per_replica or 1,
        context_tokens=spec.capabilities.context_tokens,
        why=f"{variant} in {quantization} from {_origin(weights)} on {engine}, {because}.",
    )
    refusal = engines[engine].refuses(serving(plan, spec))
    return plan if refusal is None else Rejection(reason=ENGINE_REFUSES, message=refusal)


def _given(checkpoint: Checkpoint) -> Weights:
    """Return the weights that the spec names; its rules allow exactly one kind."""
    if (hub := checkpoint.hugging_face) is not None:
        return HuggingFaceWeights(repository=hub.repository, revision=hub.revision)
    if (claim := checkpoint.claim) is not None:
        return ClaimWeights(claim_name=claim.claim_name, path=claim.path)
    if (ollama := checkpoint.ollama) is not None:
        return OllamaWeights(name=ollama.name, tag=ollama.tag)
    raise ValueError("a checkpoint names no weights, which its rules forbid")


def _known(variant: Variant, quantization: Quantization, catalog: Catalog) -> Weights | None:
    row = catalog.checkpoints.get((variant, quantization))
    return HuggingFaceWeights(repository=row.repository, revision=row.revision, file=row.file) if row else None


def _unnamed(spec: Gemma4DeploymentSpec) -> Rejection:
    field, example = ("quantization", "FP8") if spec.model.variant is not VariantChoice.AUTO else ("variant", "31B")
    return Rejection(
        reason=NO_CHECKPOINT,
        message=f"`spec.model.{field}` must be named, not 'Auto', as this version does not choose it: "
        f"take one such as '{example}'.",
    )


def _no_checkpoint(variant: Variant, quantization: Quantization, catalog: Catalog) -> Rejection:
    known = ", ".join(catalog.quantizations(variant))
    return Rejection(
        reason=NO_CHECKPOINT,
        message=f"`spec.model.quantization` must be one of {known} for {variant}, "
        f"not '{quantization}': or name the weights in `spec.model.checkpoint`.",
    )


def _engine(spec: Gemma4DeploymentSpec, weights: Weights) -> tuple[EngineType, str]:
    """Return the engine and why it is that one."""
    if spec.engine.type is not EngineChoice.AUTO:
        return EngineType(spec.engine.type.value), "as `spec.engine.type` asks"
    if isinstance(weights, OllamaWeights):
        return EngineType.OLLAMA, "the only engine that reads Ollama's library"
    if spec.model.quantization.is_gguf or (isinstance(weights, ClaimWeights) and weights.path.endswith(".gguf")):
        return EngineType.LLAMA_CPP, "the engine whose own format GGUF is"
    return EngineType.VLLM, "the engine that reads safetensors"


def _origin(weights: Weights) -> str:
    match weights:
        case HuggingFaceWeights(repository=repository, revision=revision):
            return f"{repository} at {revision}"
        case ClaimWeights(claim_name=claim_name, path=path):
            return f"'{path or '/'}' on the claim {claim_name}"
        case OllamaWeights(name=name, tag=tag):
            return f"{name}:{tag} of Ollama's library"


def _version(image: str) -> str:
    """Return what an image's tag says about the version, since nothing else does before it runs."""
    reference, _, digest = image.partition("@")
    tag = reference.rpartition("/")[2].partition(":")[2]
    return tag.removeprefix("v") or digest
