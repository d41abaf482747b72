"""From a plan and the parts of the spec that need no choice to what an engine must know."""

from gemma4_operator.api.common import SecretKey
from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.engines.base import SecretSource, Serving
from gemma4_operator.planner.plan import Plan

CONTAINER_PORT = 8000
"""Where every engine listens; the Service's own port is the user's choice."""


def serving(plan: Plan, spec: Gemma4DeploymentSpec) -> Serving:
    """Describe what one container must serve."""
    return Serving(
        variant=plan.variant,
        quantization=plan.quantization,
        weights=plan.weights,
        weights_bytes=plan.weights_bytes,
        image=plan.image,
        context_tokens=plan.context_tokens,
        gpus=plan.gpus_per_replica,
        served_model_name=spec.endpoint.served_model_name,
        port=CONTAINER_PORT,
        extra_args=spec.engine.extra_args,
        env=tuple((variable.name, variable.value) for variable in spec.engine.env),
        hugging_face_token=_source(spec.secrets.hugging_face_token),
        api_key=_source(spec.secrets.api_key),
    )


def _source(key: SecretKey | None) -> SecretSource | None:
    return SecretSource(name=key.name, key=key.key) if key is not None else None
