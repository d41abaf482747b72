"""A plan to start from, for tests that need any."""

from dataclasses import replace
from typing import Any

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.engines.base import HuggingFaceWeights
from gemma4_operator.planner.plan import Licence, Plan, PlanMemory, Predicted

HUB = HuggingFaceWeights(repository="google/gemma-4-31B-it", revision="main")


def a_plan(**changes: Any) -> Plan:
    """31B in BF16 on one H200, with fields changed."""
    plan = Plan(
        variant=Variant.V31B,
        quantization=Quantization.BF16,
        weights=HUB,
        weights_bytes=62_546_177_752,
        engine=EngineType.VLLM,
        engine_version="0.33.0",
        image="docker.io/vllm/vllm-openai:v0.33.0",
        gpu_product="NVIDIA-H200",
        gpu_resource="nvidia.com/gpu",
        node_labels=(("nvidia.com/gpu.product", "NVIDIA-H200"),),
        gpus_per_replica=1,
        context_tokens=8192,
        max_batched_tokens=4096,
        max_concurrent_requests=32,
        kv_dtype="bf16",
        host_cache_mib=0,
        host_memory_mib=8012,
        memory_utilization_percent=90,
        memory=PlanMemory(
            weights_mib=59000,
            kv_cache_mib=60000,
            activations_mib=2000,
            other_mib=3000,
            total_mib=124000,
            capacity_mib=129000,
        ),
        predicted=Predicted(
            time_to_first_token_milliseconds=300,
            time_per_output_token_microseconds=17000,
            requests_per_minute_per_replica=200,
            load_seconds=120,
        ),
        replicas=1,
        hourly_cost_per_replica="3.50",
        hourly_cost="3.50",
        currency="USD",
        quality="Highest",
        licences=(Licence(of="google/gemma-4-31B-it", name="Apache-2.0"),),
        hash="0123456789ab",
        why="31B in BF16 on VLLM with 1x NVIDIA-H200 is the best.",
    )
    return replace(plan, **changes)
