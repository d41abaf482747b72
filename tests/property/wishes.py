"""Specs and clusters of any kind, for laws of the choice."""

from typing import Any

from hypothesis import strategies as st
from pydantic import ValidationError

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.planner.devices import device_of
from gemma4_operator.planner.inventory import PRODUCT_LABEL, GpuClass
from tests.rendering import CATALOG

PRODUCTS = (
    "NVIDIA-A10",
    "NVIDIA-L4",
    "NVIDIA-L40S",
    "NVIDIA-A100-SXM4-40GB",
    "NVIDIA-H100-80GB-HBM3",
    "NVIDIA-H200",
    "NVIDIA-B200",
    "NVIDIA-GB10",
    "NVIDIA-GeForce-RTX-5090",
    "Orin",
)
"""One of each kind: old, small, large, with a machine's memory, without kernels."""

_MODELS = st.fixed_dictionaries(
    {},
    optional={
        "variant": st.sampled_from(["31B", "26B-A4B", "12B", "E4B", "E2B"]),
        "quantization": st.sampled_from(["BF16", "FP8", "NVFP4", "W4A16", "Q8_0", "Q4_K_M"]),
    },
)
_CAPABILITIES = st.fixed_dictionaries(
    {},
    optional={
        "contextTokens": st.sampled_from([4096, 8192, 32768, 131072, 262144]),
        "modalities": st.sampled_from([["Text"], ["Text", "Image"], ["Text", "Audio"], ["Text", "Video"]]),
    },
)
_WORKLOADS = st.fixed_dictionaries(
    {"requestsPerMinute": st.sampled_from([1, 60, 300, 1000, 20000])},
    optional={
        "inputTokens": st.sampled_from([20, 1500, 3000]),
        "outputTokens": st.sampled_from([1, 300, 1000]),
        "sharedPrefixPercent": st.sampled_from([0, 90, 100]),
    },
)
_OBJECTIVES = st.fixed_dictionaries(
    {},
    optional={
        "optimizeFor": st.sampled_from(["Cost", "Latency", "Throughput", "Quality"]),
        "minimumQuality": st.sampled_from(["Basic", "Standard", "High", "Highest"]),
        "timeToFirstTokenMilliseconds": st.sampled_from([100, 500, 2000, 20000]),
        "timePerOutputTokenMilliseconds": st.sampled_from([10, 30, 60, 200]),
        "maximumHourlyCost": st.sampled_from(["0.40", "1.50", "4.00", "30.00"]),
        "allowedLicences": st.just(["Apache-2.0"]),
    },
)
_PLACEMENTS = st.fixed_dictionaries(
    {},
    optional={
        "gpusPerReplica": st.sampled_from([1, 2, 4]),
        "maximumGPUs": st.sampled_from([4, 8, 32]),
        "allowSharedGPUs": st.booleans(),
        "gpuProducts": st.just(list(PRODUCTS[:6])),
    },
)


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a spec that both judges accept."""
    parts = {
        "model": draw(_MODELS),
        "capabilities": draw(_CAPABILITIES),
        "workload": draw(st.none() | _WORKLOADS),
        "objectives": draw(_OBJECTIVES),
        "placement": draw(_PLACEMENTS),
        "replicas": draw(st.sampled_from([1, 1, 0, 3])),
    }
    spec = {name: value for name, value in parts.items() if value not in (None, {})}
    # What contradicts itself is mended in the order in which a person would see it.
    for loosened in ({}, {"model": {}}, {"capabilities": {}}):
        spec |= loosened
        if is_valid(spec):
            return spec
    return {}


def is_valid(spec: dict[str, Any]) -> bool:
    try:
        Gemma4DeploymentSpec.model_validate(spec)
    except ValidationError:
        return False
    return True


@st.composite
def gpu_classes(draw: st.DrawFn, product: str) -> GpuClass:
    """Draw nodes with one product, or with slices of it, some of them taken."""
    row = CATALOG.gpu(product)
    assert row is not None, product
    profile = draw(st.sampled_from(row.mig)) if row.mig and draw(st.integers(0, 4)) == 0 else None
    each = 1 if row.unified_memory else draw(st.sampled_from([1, 2, 4, 8]))
    nodes = draw(st.integers(1, 5))
    free = sorted(draw(st.lists(st.integers(0, each), min_size=nodes, max_size=nodes)))
    return GpuClass(
        device=device_of(row, profile=profile),
        resource=f"nvidia.com/mig-{profile.name}" if profile else "nvidia.com/gpu",
        product=product,
        node_labels=((PRODUCT_LABEL, product),),
        gpus_by_node=(each,) * nodes,
        free_by_node=tuple(free),
        host_memory_bytes=2**40,
    )


@st.composite
def fleets(draw: st.DrawFn, most: int = 3) -> tuple[GpuClass, ...]:
    """Draw the GPUs of a small cluster."""
    products = draw(st.lists(st.sampled_from(PRODUCTS), min_size=1, max_size=most, unique=True))
    return tuple(draw(gpu_classes(product)) for product in products)
