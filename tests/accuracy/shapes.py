"""From the names in reports to shapes: variants, formats, GPUs and checkpoints of the catalogue."""

from functools import cache
from pathlib import Path

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.catalog.checkpoints import Checkpoint
from gemma4_operator.catalog.loader import Catalog, builtin_catalog
from gemma4_operator.catalog.versions import version_of
from gemma4_operator.planner.devices import device_of
from gemma4_operator.planner.shape import KvDtype, Shape

DATA = Path(__file__).parents[1] / "data"
_CONTEXT_TOKENS = 32768
_SEQUENCES = 256


@cache
def catalog() -> Catalog:
    """Return the catalogue that comes with the operator."""
    return builtin_catalog()


def shape(
    *,
    variant: Variant,
    checkpoint: Checkpoint,
    product: str,
    gpus: int = 1,
    engine: EngineType = EngineType.VLLM,
    kv_dtype: KvDtype = KvDtype.BF16,
    batched_tokens: int = 8192,
    media: frozenset[str] = frozenset(),
) -> Shape:
    """Return the shape of a report; what it does not tell plays no part in speed."""
    gpu = catalog().gpu(product)
    assert gpu is not None, product
    return Shape(
        model=catalog().models[variant],
        checkpoint=checkpoint,
        engine=engine,
        backend=catalog().engines[engine].backend,
        backend_version=version_of(catalog().engines[engine].version),
        device=device_of(gpu),
        gpus=gpus,
        context_tokens=_CONTEXT_TOKENS,
        kv_dtype=kv_dtype,
        max_batched_tokens=batched_tokens,
        max_sequences=_SEQUENCES,
        media=media,
    )


def preferred(variant: Variant, quantization: Quantization) -> Checkpoint:
    """Return the catalogue's checkpoint of a format."""
    row = catalog().preferred(variant, quantization)
    assert row is not None, (variant, quantization)
    return row
