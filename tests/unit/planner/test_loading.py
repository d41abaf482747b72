"""From a container's start until it serves."""

from dataclasses import replace

import pytest

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.catalog.loader import Catalog, builtin_catalog
from gemma4_operator.planner.devices import device_of
from gemma4_operator.planner.loading import load_seconds
from gemma4_operator.planner.shape import KvDtype, Shape

RATE = 1.3e9


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return builtin_catalog()


def shape(catalog: Catalog, variant: Variant, quantization: Quantization, engine: EngineType) -> Shape:
    checkpoint, gpu = catalog.preferred(variant, quantization), catalog.gpu("NVIDIA-H200")
    assert checkpoint is not None
    assert gpu is not None
    return Shape(
        model=catalog.models[variant],
        checkpoint=checkpoint,
        engine=engine,
        backend=catalog.engines[engine].backend,
        backend_version=(0, 33, 0),
        device=device_of(gpu),
        gpus=1,
        context_tokens=8192,
        kv_dtype=KvDtype.BF16,
        max_batched_tokens=2048,
        max_sequences=8,
    )


@pytest.mark.parametrize(
    ("variant", "quantization", "engine", "seconds"),
    [
        (Variant.V31B, Quantization.BF16, EngineType.VLLM, 108),  # a pod of a 32B model: 93 to 139 s
        (Variant.V26B_A4B, Quantization.W4A16, EngineType.VLLM, 73),
        (Variant.E2B, Quantization.BF16, EngineType.VLLM, 68),
        (Variant.E4B, Quantization.Q4_K_M, EngineType.LLAMA_CPP, 9),
        (Variant.E4B, Quantization.Q4_K_M, EngineType.OLLAMA, 12),
    ],
)
def test_weights_are_read_and_the_engine_warms_up(
    catalog: Catalog, variant: Variant, quantization: Quantization, engine: EngineType, seconds: float
):
    assert load_seconds(shape(catalog, variant, quantization, engine)) == pytest.approx(seconds, abs=1)


def test_what_is_loaded_beside_the_weights_takes_its_time_too(catalog: Catalog):
    plain = shape(catalog, Variant.V31B, Quantization.BF16, EngineType.VLLM)
    drafter = plain.model.drafter
    assert drafter is not None
    assert load_seconds(replace(plain, drafter=True)) == pytest.approx(load_seconds(plain) + drafter.bytes / RATE)
    assert load_seconds(replace(plain, adapters_bytes=2_600_000_000)) == pytest.approx(load_seconds(plain) + 2)


def test_a_projector_is_loaded_for_media_alone(catalog: Catalog):
    row = next(one for one in catalog.checkpoints if one.projector is not None)
    assert row.projector is not None
    text = replace(shape(catalog, row.variant, row.quantization, EngineType.LLAMA_CPP), checkpoint=row)
    extra = load_seconds(replace(text, media=frozenset({"Image"}))) - load_seconds(text)
    assert extra == pytest.approx(row.projector.bytes / RATE)
