"""What an engine is told of a spec."""

from gemma4_operator.engines.base import Adapter, SecretSource
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.serving import CONTAINER_PORT, serving
from tests.rendering import CATALOG, VLLM, plan_of, spec_of, with_fields

FULL = with_fields(
    VLLM,
    capabilities={"contextTokens": 65536},
    engine={"extraArgs": ["--seed", "7"], "env": [{"name": "VLLM_LOGGING_LEVEL", "value": "DEBUG"}]},
    placement={"gpusPerReplica": 2},
    model={"adapters": [{"name": "support", "claim": {"claimName": "runs", "path": "v1"}, "rank": 8}]},
    secrets={"huggingFaceToken": {"name": "hub", "key": "token"}, "apiKey": {"name": "chat", "key": "key"}},
    endpoint={"port": 80, "servedModelName": "assistant"},
)


def test_everything_that_an_engine_needs_arrives() -> None:
    plan = plan_of(FULL)
    assert isinstance(plan, Plan)
    told = serving(plan, spec_of(FULL), CATALOG.models[plan.variant])
    assert (told.variant, told.quantization) == (plan.variant, plan.quantization)
    assert (told.weights, told.weights_bytes, told.image) == (plan.weights, plan.weights_bytes, plan.image)
    assert (told.context_tokens, told.gpus, told.served_model_name) == (65536, 2, "assistant")
    assert told.extra_args == ("--seed", "7")
    assert told.env == (("VLLM_LOGGING_LEVEL", "DEBUG"),)
    assert told.hugging_face_token == SecretSource(name="hub", key="token")
    assert told.api_key == SecretSource(name="chat", key="key")
    assert told.adapters == (Adapter(name="support", claim_name="runs", path="v1", rank=8),)
    assert told.kv_cache_bytes == plan.memory.kv_cache_mib * 2**20 > 0
    assert (told.query_heads, told.known_media) == (32, {"Image", "Video"})
    assert told.engine_version == plan.engine_version
    answer = plan.predicted.time_to_first_token_milliseconds / 1000
    answer += 300 * plan.predicted.time_per_output_token_microseconds / 1e6
    assert answer <= told.answer_seconds < answer + 1


def test_the_port_inside_the_pod_is_not_the_services_which_root_alone_could_open() -> None:
    plan = plan_of(FULL)
    assert isinstance(plan, Plan)
    assert serving(plan, spec_of(FULL), CATALOG.models[plan.variant]).port == CONTAINER_PORT > 1024


def test_secrets_that_are_not_named_are_not_there() -> None:
    plan = plan_of(VLLM)
    assert isinstance(plan, Plan)
    told = serving(plan, spec_of(VLLM), CATALOG.models[plan.variant])
    assert (told.hugging_face_token, told.api_key) == (None, None)
