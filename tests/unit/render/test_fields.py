"""Every field of the spec changes something that is rendered: which objects, and no others.

The table has a row for each field. A field without a row fails the last test, and so does a row without a field.
"""

import types
import typing
from typing import Any

import pytest
from pydantic import BaseModel

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from tests.rendering import CLAIM, LLAMA_CPP, OLLAMA, VLLM, walk, with_fields

DEPLOYMENT = {"Deployment"}
SERVICE = {"Service"}
BUDGET = {"PodDisruptionBudget"}
CLAIMS = {"PersistentVolumeClaim"}

HUB = with_fields(VLLM, model={"checkpoint": {"huggingFace": {"repository": "team/tuned", "revision": "v1"}}})
TOKEN = with_fields(VLLM, secrets={"huggingFaceToken": {"name": "hub", "key": "token"}})
KEY = with_fields(VLLM, secrets={"apiKey": {"name": "chat", "key": "key"}})
NGC = with_fields(
    VLLM, model={"quantization": "BF16"}, engine={"type": "NIM"}, secrets={"ngcApiKey": {"name": "n", "key": "k"}}
)
SEEING = {
    "model": {
        "variant": "E4B",
        "quantization": "Q4_K_M",
        "checkpoint": {"claim": {"claimName": "weights", "path": "e4b.gguf", "projectorPath": "mmproj.gguf"}},
    },
    "capabilities": {"modalities": ["Text", "Image"]},
}
ADAPTED = with_fields(
    VLLM, model={"adapters": [{"name": "support", "claim": {"claimName": "runs", "path": "v1"}, "rank": 8}]}
)
CACHED = with_fields(VLLM, cache={"claim": {"size": "100Gi"}})
PULL = with_fields(VLLM, secrets={"imagePullSecrets": [{"name": "registry"}]})
VARIABLE = with_fields(VLLM, engine={"env": [{"name": "A", "value": "1"}]})
TOLERANT = with_fields(VLLM, placement={"tolerations": [{"key": "pool", "value": "gpu", "effect": "NoExecute"}]})
PATIENT = {"key": "pool", "value": "gpu", "effect": "NoExecute", "tolerationSeconds": 60}
FOUR = with_fields(VLLM, replicas=4)
AUTOSCALED = with_fields(VLLM, autoscaling={"minReplicas": 4, "maxReplicas": 10})


def tolerating(**toleration: Any) -> dict[str, Any]:
    return with_fields(VLLM, placement={"tolerations": [toleration]})


# The planner chooses by these. Those in CHOSEN change its levers here; of the others the planner's own tests show what
# they change, since on one kind of GPU and with a named model there is nothing else to take.
CHOSEN = {
    "workload.requestsPerMinute",
    "capabilities.modalities",
    "capabilities.toolCalling",
    "capabilities.reasoning",
    "workload.inputTokens",
    "workload.outputTokens",
    "workload.imagesPerRequest",
    "objectives.optimizeFor",
    "objectives.timePerOutputTokenMilliseconds",
}
CHOOSING: dict[str, dict[str, Any]] = {
    "capabilities.modalities": {"capabilities": {"modalities": ["Text", "Image", "Video"]}},
    "capabilities.toolCalling": {"capabilities": {"toolCalling": False}},
    "capabilities.reasoning": {"capabilities": {"reasoning": False}},
    "workload.requestsPerMinute": {"workload": {"requestsPerMinute": 60}},
    "workload.inputTokens": {"workload": {"inputTokens": 3000}},
    "workload.outputTokens": {"workload": {"outputTokens": 600}},
    "workload.sharedPrefixPercent": {"workload": {"sharedPrefixPercent": 50}},
    "workload.imagesPerRequest": {"workload": {"imagesPerRequest": 1}},
    "objectives.optimizeFor": {"objectives": {"optimizeFor": "Latency"}},
    "objectives.minimumQuality": {"objectives": {"minimumQuality": "Basic"}},
    "objectives.timeToFirstTokenMilliseconds": {"objectives": {"timeToFirstTokenMilliseconds": 2000}},
    "objectives.timePerOutputTokenMilliseconds": {"objectives": {"timePerOutputTokenMilliseconds": 60}},
    "objectives.attainmentPercent": {"objectives": {"attainmentPercent": 90}},
    "objectives.maximumHourlyCost": {"objectives": {"maximumHourlyCost": "12.50"}},
    "objectives.allowedLicences": {"objectives": {"allowedLicences": ["Apache-2.0"]}},
    "placement.maximumGPUs": {"placement": {"maximumGPUs": 8}},
    "placement.allowSharedGPUs": {"placement": {"allowSharedGPUs": True}},
}


def adapted(*, name: str = "support", claim: str = "runs", path: str = "v1", rank: int = 8) -> dict[str, Any]:
    return with_fields(
        VLLM, model={"adapters": [{"name": name, "claim": {"claimName": claim, "path": path}, "rank": rank}]}
    )


LOADED = with_fields(VLLM, workload={"requestsPerMinute": 1}, capabilities={"modalities": ["Text", "Image"]})


EDITS: dict[str, tuple[dict[str, Any], dict[str, Any], set[str]]] = {
    "model.variant": (VLLM, with_fields(VLLM, model={"variant": "12B"}), DEPLOYMENT),
    "model.quantization": (VLLM, with_fields(VLLM, model={"quantization": "BF16"}), DEPLOYMENT),
    "model.checkpoint.huggingFace.repository": (
        HUB,
        with_fields(HUB, model={"checkpoint": {"huggingFace": {"repository": "team/other"}}}),
        DEPLOYMENT,
    ),
    "model.checkpoint.huggingFace.revision": (
        HUB,
        with_fields(HUB, model={"checkpoint": {"huggingFace": {"revision": "v2"}}}),
        DEPLOYMENT,
    ),
    "model.checkpoint.claim.claimName": (
        CLAIM,
        with_fields(CLAIM, model={"checkpoint": {"claim": {"claimName": "others"}}}),
        DEPLOYMENT,
    ),
    "model.checkpoint.claim.path": (
        CLAIM,
        with_fields(CLAIM, model={"checkpoint": {"claim": {"path": "other"}}}),
        DEPLOYMENT,
    ),
    "model.checkpoint.claim.projectorPath": (
        SEEING,
        with_fields(SEEING, model={"checkpoint": {"claim": {"projectorPath": "other.gguf"}}}),
        DEPLOYMENT,
    ),
    "model.drafter": (VLLM, with_fields(VLLM, model={"drafter": True}), DEPLOYMENT),
    "model.adapters[].name": (ADAPTED, adapted(name="sales"), DEPLOYMENT),
    "model.adapters[].claim.claimName": (ADAPTED, adapted(claim="others"), DEPLOYMENT),
    "model.adapters[].claim.path": (ADAPTED, adapted(path="v2"), DEPLOYMENT),
    "model.adapters[].rank": (ADAPTED, adapted(rank=16), DEPLOYMENT),
    "model.checkpoint.ollama.name": (
        OLLAMA,
        with_fields(OLLAMA, model={"checkpoint": {"ollama": {"name": "team/gemma4"}}}),
        DEPLOYMENT,
    ),
    "model.checkpoint.ollama.tag": (
        OLLAMA,
        with_fields(OLLAMA, model={"checkpoint": {"ollama": {"tag": "latest"}}}),
        DEPLOYMENT,
    ),
    "capabilities.contextTokens": (VLLM, with_fields(VLLM, capabilities={"contextTokens": 65536}), DEPLOYMENT),
    "engine.type": (LLAMA_CPP, with_fields(LLAMA_CPP, engine={"type": "Ollama"}), DEPLOYMENT),
    "engine.image": (VLLM, with_fields(VLLM, engine={"image": "example.com/vllm:1"}), DEPLOYMENT),
    "engine.extraArgs": (VLLM, with_fields(VLLM, engine={"extraArgs": ["--seed=7"]}), DEPLOYMENT),
    "engine.env[].name": (VARIABLE, with_fields(VLLM, engine={"env": [{"name": "B", "value": "1"}]}), DEPLOYMENT),
    "engine.env[].value": (VARIABLE, with_fields(VLLM, engine={"env": [{"name": "A", "value": "2"}]}), DEPLOYMENT),
    "placement.gpuProducts": (VLLM, with_fields(VLLM, placement={"gpuProducts": ["NVIDIA-L40S"]}), DEPLOYMENT),
    "placement.gpusPerReplica": (VLLM, with_fields(VLLM, placement={"gpusPerReplica": 2}), DEPLOYMENT),
    "placement.nodeSelector": (VLLM, with_fields(VLLM, placement={"nodeSelector": {"pool": "gpu"}}), DEPLOYMENT),
    "placement.tolerations[].key": (
        TOLERANT,
        tolerating(key="other", value="gpu", effect="NoExecute"),
        DEPLOYMENT,
    ),
    "placement.tolerations[].operator": (
        TOLERANT,
        tolerating(key="pool", operator="Exists", effect="NoExecute"),
        DEPLOYMENT,
    ),
    "placement.tolerations[].value": (TOLERANT, tolerating(key="pool", value="x", effect="NoExecute"), DEPLOYMENT),
    "placement.tolerations[].effect": (TOLERANT, tolerating(key="pool", value="gpu", effect="NoSchedule"), DEPLOYMENT),
    "placement.tolerations[].tolerationSeconds": (TOLERANT, tolerating(**PATIENT), DEPLOYMENT),
    "placement.runtimeClassName": (VLLM, with_fields(VLLM, placement={"runtimeClassName": "nvidia"}), DEPLOYMENT),
    "replicas": (FOUR, with_fields(VLLM, replicas=8), DEPLOYMENT | BUDGET),
    # What is rendered is a count. What bounds it, and what may be decided within them, the planner's tests show.
    "autoscaling.minReplicas": (
        AUTOSCALED,
        with_fields(AUTOSCALED, autoscaling={"minReplicas": 8}),
        DEPLOYMENT | BUDGET,
    ),
    "autoscaling.maxReplicas": (AUTOSCALED, with_fields(AUTOSCALED, autoscaling={"maxReplicas": 20}), set()),
    "autoscaling.idleSeconds": (AUTOSCALED, with_fields(AUTOSCALED, autoscaling={"idleSeconds": 60}), set()),
    "autoscaling.scaleDownStabilizationSeconds": (
        AUTOSCALED,
        with_fields(AUTOSCALED, autoscaling={"scaleDownStabilizationSeconds": 60}),
        set(),
    ),
    "autoscaling.metricsSource": (
        AUTOSCALED,
        with_fields(AUTOSCALED, autoscaling={"metricsSource": "Prometheus"}),
        set(),
    ),
    "cache.claim.size": (CACHED, with_fields(CACHED, cache={"claim": {"size": "200Gi"}}), CLAIMS),
    "cache.claim.storageClassName": (CACHED, with_fields(CACHED, cache={"claim": {"storageClassName": "nfs"}}), CLAIMS),
    "cache.claim.accessModes": (
        CACHED,
        with_fields(CACHED, cache={"claim": {"accessModes": ["ReadWriteMany"]}}),
        CLAIMS,
    ),
    "secrets.huggingFaceToken.name": (
        TOKEN,
        with_fields(TOKEN, secrets={"huggingFaceToken": {"name": "x"}}),
        DEPLOYMENT,
    ),
    "secrets.huggingFaceToken.key": (TOKEN, with_fields(TOKEN, secrets={"huggingFaceToken": {"key": "x"}}), DEPLOYMENT),
    "secrets.apiKey.name": (KEY, with_fields(KEY, secrets={"apiKey": {"name": "x"}}), DEPLOYMENT),
    "secrets.apiKey.key": (KEY, with_fields(KEY, secrets={"apiKey": {"key": "x"}}), DEPLOYMENT),
    "secrets.ngcApiKey.name": (NGC, with_fields(NGC, secrets={"ngcApiKey": {"name": "x"}}), DEPLOYMENT),
    "secrets.ngcApiKey.key": (NGC, with_fields(NGC, secrets={"ngcApiKey": {"key": "x"}}), DEPLOYMENT),
    "secrets.imagePullSecrets[].name": (
        PULL,
        with_fields(VLLM, secrets={"imagePullSecrets": [{"name": "other"}]}),
        DEPLOYMENT,
    ),
    "endpoint.port": (VLLM, with_fields(VLLM, endpoint={"port": 80}), SERVICE),
    "endpoint.servedModelName": (VLLM, with_fields(VLLM, endpoint={"servedModelName": "assistant"}), DEPLOYMENT),
    "endpoint.serviceType": (VLLM, with_fields(VLLM, endpoint={"serviceType": "LoadBalancer"}), SERVICE),
    "disruption.minAvailablePercent": (
        FOUR,
        with_fields(FOUR, disruption={"minAvailablePercent": 75}),
        DEPLOYMENT | BUDGET,
    ),
    "podTemplatePatch": (
        VLLM,
        with_fields(VLLM, podTemplatePatch={"spec": {"priorityClassName": "high"}}),
        DEPLOYMENT,
    ),
    "model.checkpoint.sizeBytes": (CLAIM, with_fields(CLAIM, model={"checkpoint": {"sizeBytes": 1}}), DEPLOYMENT),
    **{
        field: (LOADED, with_fields(LOADED, **edit), DEPLOYMENT if field in CHOSEN else set())
        for field, edit in CHOOSING.items()
    },
    # How a change reaches pods is decided when there is one, and no matter of what they are.
    "update.strategy": (VLLM, with_fields(VLLM, update={"strategy": "Surge"}), set()),
    "update.onOperatorUpgrade": (VLLM, with_fields(VLLM, update={"onOperatorUpgrade": "Roll"}), set()),
    # The runtime acts on it: it writes nothing. What would be written must not depend on it.
    "suspend": (VLLM, with_fields(VLLM, suspend=True), set()),
}


@pytest.mark.parametrize("field", EDITS)
def test_a_field_changes_exactly_these_objects(field: str) -> None:
    before, after, kinds = EDITS[field]
    old, new = walk(before).objects, walk(after).objects
    assert {kind for kind in old if old[kind] != new[kind]} == kinds


@pytest.mark.parametrize("field", EDITS)
def test_what_changes_also_changes_the_hash_and_nothing_else_does(field: str) -> None:
    before, after, kinds = EDITS[field]
    old, new = (
        {kind: obj["metadata"]["annotations"]["gemma4.dev/applied-hash"] for kind, obj in walk(data).objects.items()}
        for data in (before, after)
    )
    assert {kind for kind in old if old[kind] != new[kind]} == kinds


@pytest.mark.parametrize("field", EDITS)
def test_no_field_ever_changes_a_selector_which_kubernetes_would_refuse(field: str) -> None:
    before, after, _ = EDITS[field]
    assert walk(before).deployment["spec"]["selector"] == walk(after).deployment["spec"]["selector"]


def leaves(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Return the path of every field that holds no further model."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        inner, many = model_inside(field.annotation)
        found |= leaves(inner, f"{path}[]." if many else f"{path}.") if inner is not None else {path}
    return found


def model_inside(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (types.UnionType, typing.Union):
        candidates = [model_inside(part) for part in parts if part is not type(None)]
        return candidates[0] if len(candidates) == 1 else (None, False)
    if origin is typing.Annotated:
        return model_inside(parts[0])
    if origin is tuple:
        return model_inside(parts[0])[0], True
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return (annotation, False) if is_model else (None, False)


def test_the_table_has_a_row_for_each_field() -> None:
    assert set(EDITS) == leaves(Gemma4DeploymentSpec)
