"""Shapes for tests of memory: one of each variant on a large card, with what a test changes."""

from dataclasses import replace
from functools import cache
from typing import Any

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.catalog.loader import Catalog, builtin_catalog
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.devices import device_of
from gemma4_operator.planner.memory import Memory
from gemma4_operator.planner.shape import KvDtype, Shape

GIB, MIB = 2**30, 2**20
H100, H200, L4, RTX_3090, GB10 = (
    "NVIDIA-H100-80GB-HBM3",
    "NVIDIA-H200",
    "NVIDIA-L4",
    "NVIDIA-GeForce-RTX-3090",
    "NVIDIA-GB10",
)


@cache
def catalog() -> Catalog:
    return builtin_catalog()


def device(product: str, **changes: Any) -> Device:
    gpu = catalog().gpu(product)
    assert gpu is not None, product
    return replace(device_of(gpu), **changes)


def a_shape(
    variant: str = "31B", quantization: str = "BF16", *, product: str = H200, repository: str = "", **changes: Any
) -> Shape:
    """Return a variant in a format on one GPU: vLLM, or llama.cpp for GGUF."""
    own = catalog()
    checkpoint = own.find(repository) if repository else own.preferred(Variant(variant), Quantization(quantization))
    assert checkpoint is not None, (variant, quantization, repository)
    is_gguf = checkpoint.quantization.is_gguf
    engine = EngineType.LLAMA_CPP if is_gguf else EngineType.VLLM
    shape = Shape(
        model=own.models[Variant(variant)],
        checkpoint=checkpoint,
        engine=engine,
        backend=own.engines[engine].backend,
        backend_version=() if is_gguf else (0, 33, 0),
        device=device(product),
        gpus=1,
        context_tokens=32768,
        kv_dtype=KvDtype.BF16,
        max_batched_tokens=512 if is_gguf else 2048,
        max_sequences=1 if is_gguf else 256,
    )
    if "engine" in changes:
        changes["backend"] = own.engines[changes["engine"]].backend
    return replace(shape, **changes)


def line(budget: Memory, name: str) -> int:
    """Return the bytes of a line; 0: there is none."""
    return sum(one.bytes for one in budget.lines if one.name == name)
