"""The walk from a spec to objects, for tests of any of its steps."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from gemma4_operator.api.common import Quantization, Variant
from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.engines.base import EnginePod, HuggingFaceWeights, Serving
from gemma4_operator.engines.registry import engines
from gemma4_operator.planner.choose import choose
from gemma4_operator.planner.devices import device_of
from gemma4_operator.planner.inventory import PRODUCT_LABEL, GpuClass, pools
from gemma4_operator.planner.plan import Plan, Rejection
from gemma4_operator.planner.replicas import first_replicas
from gemma4_operator.planner.serving import serving
from gemma4_operator.render.context import Owner
from gemma4_operator.render.render import render

CATALOG = builtin_catalog()
ENGINES = engines()
OWNER = Owner(name="chat", namespace="team-a", uid="5f0c1d5e-0000-4000-8000-000000000001")

VLLM = {"model": {"variant": "31B", "quantization": "FP8"}}
LLAMA_CPP = {"model": {"variant": "E2B", "quantization": "Q4_K_M"}}
OLLAMA = {
    "model": {
        "variant": "26B-A4B",
        "quantization": "Q4_K_M",
        "checkpoint": {"ollama": {"name": "gemma4", "tag": "26b-a4b-it-q4_K_M"}},
    }
}
CLAIM = {
    "model": {
        "variant": "12B",
        "quantization": "BF16",
        "checkpoint": {"claim": {"claimName": "weights", "path": "gemma-4/12b"}},
    }
}
ONE_OF_EACH = {"vllm": VLLM, "llama.cpp": LLAMA_CPP, "ollama": OLLAMA, "vllm from a claim": CLAIM}


@dataclass(frozen=True)
class Rendered:
    """What every step of the walk gave."""

    plan: Plan
    pod: EnginePod
    deployment: dict[str, Any]
    service: dict[str, Any]
    budget: dict[str, Any]
    claims: tuple[dict[str, Any], ...] = ()

    @property
    def objects(self) -> dict[str, dict[str, Any]]:
        return {obj["kind"]: obj for obj in (*self.claims, self.deployment, self.service, self.budget)}

    @property
    def template(self) -> dict[str, Any]:
        return self.deployment["spec"]["template"]

    @property
    def pod_spec(self) -> dict[str, Any]:
        return self.template["spec"]

    @property
    def engine(self) -> dict[str, Any]:
        return next(item for item in self.pod_spec["containers"] if item["name"] == self.pod.container.name)


def with_fields(base: dict[str, Any], **sections: Any) -> dict[str, Any]:
    """Return a spec with sections merged in, one level of nesting deep for each of their own maps."""
    result = deepcopy(base)
    for name, value in sections.items():
        _put(result, name, value)
    return result


def _put(target: dict[str, Any], name: str, value: Any) -> None:
    if isinstance(value, dict) and isinstance(target.get(name), dict):
        for key, item in value.items():
            _put(target[name], key, item)
    else:
        target[name] = value


def spec_of(data: dict[str, Any]) -> Gemma4DeploymentSpec:
    return Gemma4DeploymentSpec.model_validate(data)


def gpus(product: str, *, nodes: int = 4, each: int = 8, memory_mib: int | None = None) -> GpuClass:
    """Free GPUs of one product."""
    row = CATALOG.gpu(product, memory_mib)
    assert row is not None, product
    return GpuClass(
        device=device_of(row),
        resource="nvidia.com/gpu",
        product=product,
        node_labels=((PRODUCT_LABEL, product),),
        gpus_by_node=(each,) * nodes,
        free_by_node=(each,) * nodes,
        host_memory_bytes=2**40,
    )


ANY = gpus("NVIDIA-H200", each=16)
"""GPUs on which every variant fits, for tests that are not about them."""


def plan_of(data: dict[str, Any], *classes: GpuClass) -> Plan | Rejection:
    """Choose on the given GPUs; without any, on large ones and on pools of those that the spec names."""
    spec = spec_of(data)
    named = spec.placement.gpu_products
    return choose(
        spec, catalog=CATALOG, engines=ENGINES, classes=classes or (ANY, *(pools(CATALOG, named) if named else ()))
    )


def walk(data: dict[str, Any], *, owner: Owner = OWNER) -> Rendered:
    """Walk the whole way; a spec that no plan serves fails the test with the reason."""
    spec = spec_of(data)
    plan = plan_of(data)
    assert isinstance(plan, Plan), plan
    pod = ENGINES[plan.engine].pod(serving(plan, spec, CATALOG.models[plan.variant]))
    *claims, deployment, service, budget = render(
        owner=owner, spec=spec, plan=plan, pod=pod, replicas=first_replicas(spec)
    )
    return Rendered(plan=plan, pod=pod, claims=tuple(claims), deployment=deployment, service=service, budget=budget)


def a_serving(**changes: Any) -> Serving:
    """Return what an engine gets, with changes."""
    fields: dict[str, Any] = {
        "variant": "E2B",
        "quantization": "BF16",
        "weights": HuggingFaceWeights(repository="google/gemma-4-E2B-it", revision="main"),
        "weights_bytes": 10_000_000_000,
        "engine_version": "0.33.0",
        "image": "registry.example.com/engine:1",
        "context_tokens": 8192,
        "max_batched_tokens": 4096,
        "max_concurrent_requests": 4,
        "kv_dtype": "bf16",
        "kv_cache_bytes": 2**30,
        "host_cache_mib": 2048,
        "memory_utilization_percent": 90,
        "answer_seconds": 4,
        "media": frozenset(),
        "tool_calling": True,
        "reasoning": True,
        "gpus": 1,
        "served_model_name": "gemma-4",
        "port": 8000,
    } | changes
    model = CATALOG.models[Variant(fields["variant"])]
    own = {"query_heads": model.query_heads, "known_media": frozenset(model.modalities) - {"Text"}}
    kinds = {"variant": model.variant, "quantization": Quantization(fields["quantization"])}
    return Serving(**own | fields | kinds)


def env_of(container: dict[str, Any]) -> dict[str, Any]:
    """Return a rendered container's variables by name: the value, or the reference to a Secret."""
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in container["env"]}
