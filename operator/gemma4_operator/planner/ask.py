"""What is asked for, as the planner calculates: seconds, bytes and sets, with what the spec leaves open as None."""

from dataclasses import dataclass
from decimal import Decimal

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.api.deployment import Checkpoint, EngineChoice, Gemma4DeploymentSpec
from gemma4_operator.api.model import QuantizationChoice, VariantChoice
from gemma4_operator.api.objectives import OptimizeFor
from gemma4_operator.engines.base import ClaimWeights, HuggingFaceWeights, OllamaWeights, Weights
from gemma4_operator.planner.capacity import Deadlines, Load
from gemma4_operator.planner.quality import Quality
from gemma4_operator.planner.replicas import first_replicas

FLOOR_OF_AUTO = Quality.STANDARD
"""Without it, Auto would always be the smallest model."""
IMAGE_TOKENS = 282
"""Of one image at the default budget, its two marks included (model's processor, transformers 5.24)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A spec without its names and secrets.

    Attributes:
        weights: The checkpoint that the spec names; `weights_bytes` its size, if the spec says it.
        media: Image, Audio, Video, as far as requests carry them.
        floor: The least quality; None: any, as for a variant that the user has named.
        replicas: How many pods the spec runs, or with autoscaling starts with.
        adapters: How many there are; `adapter_rank` is the largest.
        load: What is expected; None: nothing is said.
    """

    variant: Variant | None
    quantization: Quantization | None
    weights: Weights | None
    weights_bytes: int | None
    engine: EngineType | None
    context_tokens: int
    media: frozenset[str]
    load: Load | None
    deadlines: Deadlines
    optimize_for: OptimizeFor
    floor: Quality | None
    maximum_hourly_cost: Decimal | None
    licences: frozenset[str]
    products: tuple[str, ...]
    gpus_per_replica: int | None
    maximum_gpus: int | None
    allow_shared: bool
    replicas: int
    adapters: int = 0
    adapter_rank: int = 0
    drafter: bool = False


def ask_of(spec: Gemma4DeploymentSpec) -> Ask:
    """Return what a valid spec asks for."""
    model, objectives, placement = spec.model, spec.objectives, spec.placement
    variant = None if model.variant is VariantChoice.AUTO else Variant(model.variant.value)
    floor = Quality(objectives.minimum_quality.value) if objectives.minimum_quality is not None else None
    cost = objectives.maximum_hourly_cost
    return Ask(
        variant=variant,
        quantization=None if model.quantization is QuantizationChoice.AUTO else Quantization(model.quantization.value),
        weights=_weights(model.checkpoint) if model.checkpoint is not None else None,
        weights_bytes=model.checkpoint.size_bytes if model.checkpoint is not None else None,
        engine=None if spec.engine.type is EngineChoice.AUTO else EngineType(spec.engine.type.value),
        context_tokens=spec.capabilities.context_tokens,
        media=frozenset(modality.value for modality in spec.capabilities.modalities) - {"Text"},
        load=_load(spec),
        deadlines=_deadlines(spec),
        optimize_for=objectives.optimize_for,
        floor=FLOOR_OF_AUTO if floor is None and variant is None else floor,
        maximum_hourly_cost=Decimal(cost) if cost is not None else None,
        licences=frozenset(objectives.allowed_licences),
        products=placement.gpu_products,
        gpus_per_replica=placement.gpus_per_replica,
        maximum_gpus=placement.maximum_gpus,
        allow_shared=placement.allow_shared_gpus,
        replicas=first_replicas(spec),
        adapters=len(model.adapters),
        drafter=model.drafter,
        adapter_rank=max((adapter.rank for adapter in model.adapters), default=0),
    )


def _load(spec: Gemma4DeploymentSpec) -> Load | None:
    workload = spec.workload
    if workload is None:
        return None
    tokens = workload.input_tokens + workload.images_per_request * IMAGE_TOKENS
    return Load(
        requests_per_second=workload.requests_per_minute / 60,
        input_tokens=tokens,
        uncached_input_tokens=max(1.0, tokens * (1 - workload.shared_prefix_percent / 100)),
        output_tokens=workload.output_tokens,
    )


def _deadlines(spec: Gemma4DeploymentSpec) -> Deadlines:
    first = spec.objectives.time_to_first_token_milliseconds
    each = spec.objectives.time_per_output_token_milliseconds
    return Deadlines(
        time_to_first_token_seconds=first / 1000 if first is not None else None,
        time_per_output_token_seconds=each / 1000 if each is not None else None,
        attainment=spec.objectives.attainment_percent / 100,
    )


def _weights(checkpoint: Checkpoint) -> Weights:
    """Return the weights that the spec names; its rules allow exactly one kind."""
    match checkpoint.hugging_face, checkpoint.claim, checkpoint.ollama:
        case hub, None, None if hub is not None:
            return HuggingFaceWeights(repository=hub.repository, revision=hub.revision)
        case None, claim, None if claim is not None:
            return ClaimWeights(claim_name=claim.claim_name, path=claim.path, projector_path=claim.projector_path)
        case None, None, ollama if ollama is not None:
            return OllamaWeights(name=ollama.name, tag=ollama.tag)
        case _:
            raise ValueError("a checkpoint names no weights, which its rules forbid")
