"""From a plan and the parts of the spec that need no choice to what an engine must know."""

from gemma4_operator.api.common import Quantization, SecretKey
from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.api.workload import DEFAULT_OUTPUT_TOKENS
from gemma4_operator.catalog.models import Model
from gemma4_operator.engines.base import Adapter, Drafter, SecretSource, Serving, Weights
from gemma4_operator.planner.candidates import Candidate
from gemma4_operator.planner.plan import Plan

CONTAINER_PORT = 8000
"""Where every engine listens; the Service's own port is the user's choice."""
_MIB = 2**20


def serving(plan: Plan, spec: Gemma4DeploymentSpec, model: Model) -> Serving:
    """Describe what one container must serve; `model` is the plan's variant."""
    return _serving(
        spec,
        model=model,
        quantization=plan.quantization,
        weights=plan.weights,
        weights_bytes=plan.weights_bytes,
        image=plan.image,
        engine_version=plan.engine_version,
        gpus=plan.gpus_per_replica,
        max_batched_tokens=plan.max_batched_tokens,
        max_concurrent_requests=plan.max_concurrent_requests,
        kv_dtype=plan.kv_dtype,
        kv_cache_bytes=plan.memory.kv_cache_mib * _MIB,
        host_cache_mib=plan.host_cache_mib,
        memory_utilization_percent=plan.memory_utilization_percent,
        answer_seconds=answer_seconds(plan, spec),
    )


def trial(candidate: Candidate, spec: Gemma4DeploymentSpec) -> Serving:
    """Describe a candidate before its levers are set, for the engine to say whether it could serve it at all."""
    return _serving(
        spec,
        model=candidate.model,
        quantization=candidate.checkpoint.quantization,
        weights=candidate.weights,
        weights_bytes=candidate.checkpoint.bytes,
        image=candidate.image,
        engine_version=candidate.version_text,
        gpus=spec.placement.gpus_per_replica or 1,
        max_batched_tokens=1,
        max_concurrent_requests=1,
        kv_dtype="bf16",
        kv_cache_bytes=0,
        host_cache_mib=0,
        memory_utilization_percent=0,
        answer_seconds=0,
    )


def _serving(
    spec: Gemma4DeploymentSpec,
    *,
    model: Model,
    quantization: Quantization,
    weights: Weights,
    weights_bytes: int,
    image: str,
    engine_version: str,
    gpus: int,
    max_batched_tokens: int,
    max_concurrent_requests: int,
    kv_dtype: str,
    kv_cache_bytes: int,
    host_cache_mib: int,
    memory_utilization_percent: int,
    answer_seconds: int,
) -> Serving:
    return Serving(
        variant=model.variant,
        query_heads=model.query_heads,
        known_media=frozenset(model.modalities) - {"Text"},
        quantization=quantization,
        weights=weights,
        weights_bytes=weights_bytes,
        image=image,
        engine_version=engine_version,
        context_tokens=spec.capabilities.context_tokens,
        max_batched_tokens=max_batched_tokens,
        max_concurrent_requests=max_concurrent_requests,
        kv_dtype=kv_dtype,
        kv_cache_bytes=kv_cache_bytes,
        host_cache_mib=host_cache_mib,
        memory_utilization_percent=memory_utilization_percent,
        answer_seconds=answer_seconds,
        media=frozenset(modality.value for modality in spec.capabilities.modalities) - {"Text"},
        tool_calling=spec.capabilities.tool_calling,
        reasoning=spec.capabilities.reasoning,
        gpus=gpus,
        served_model_name=spec.endpoint.served_model_name,
        port=CONTAINER_PORT,
        adapters=tuple(
            Adapter(name=one.name, claim_name=one.claim.claim_name, path=one.claim.path, rank=one.rank)
            for one in spec.model.adapters
        ),
        drafter=_drafter(model) if spec.model.drafter else None,
        extra_args=spec.engine.extra_args,
        env=tuple((variable.name, variable.value) for variable in spec.engine.env),
        hugging_face_token=_source(spec.secrets.hugging_face_token),
        ngc_api_key=_source(spec.secrets.ngc_api_key),
        api_key=_source(spec.secrets.api_key),
    )


def answer_seconds(plan: Plan, spec: Gemma4DeploymentSpec) -> int:
    """Return what a usual request is expected to take from its arrival to its last token."""
    tokens = spec.workload.output_tokens if spec.workload is not None else DEFAULT_OUTPUT_TOKENS
    first_milliseconds = plan.predicted.time_to_first_token_milliseconds
    each_microseconds = plan.predicted.time_per_output_token_microseconds
    return -(-(first_milliseconds * 1000 + tokens * each_microseconds) // 1_000_000)


def _drafter(model: Model) -> Drafter | None:
    return Drafter(repository=model.drafter.repository, tokens=model.drafter.tokens) if model.drafter else None


def _source(key: SecretKey | None) -> SecretSource | None:
    return SecretSource(name=key.name, key=key.key) if key is not None else None
