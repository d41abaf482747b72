"""Weights that the spec names, as a row of the catalogue would describe them: their own, or the one most like them."""

from collections.abc import Mapping

from gemma4_operator.api.common import Quantization, Variant
from gemma4_operator.catalog.checkpoints import BitsPerWeight, Checkpoint
from gemma4_operator.catalog.loader import Catalog, size_of
from gemma4_operator.catalog.models import Model
from gemma4_operator.engines.base import HuggingFaceWeights, Weights
from gemma4_operator.planner.ask import Ask
from gemma4_operator.planner.origin import written

UNKNOWN_LICENCE = "unknown"
"""Of weights that the catalogue does not know: what they were made from may be Apache-2.0, they need not be."""


def described(ask: Ask, catalog: Catalog) -> tuple[Checkpoint, str]:
    """Return the row for the spec's own weights, and what had to be assumed of them, as a sentence; empty: nothing."""
    assert ask.weights is not None
    assert ask.variant is not None, "the CRD wants it with a checkpoint"
    assert ask.quantization is not None, "the CRD wants it with a checkpoint"
    exact = _exact(ask.weights, ask, catalog)
    if exact is not None and ask.weights_bytes is None:
        return exact, ""
    like = _like(ask.variant, ask.quantization, catalog)
    own: dict[str, object] = {"licence": UNKNOWN_LICENCE, "repository": written(ask.weights), "file": None}
    if ask.weights_bytes is not None:
        return _of_size(like, ask.weights_bytes, own), _doubt(catalog.models[ask.variant], ask.weights_bytes)
    return (
        like.model_copy(update=own),
        f"The size of the weights is not known and taken as {like.bytes / 1e9:.1f} GB, by what {like.repository} has: "
        "set `sizeBytes` if it differs.",
    )


def _exact(weights: Weights, ask: Ask, catalog: Catalog) -> Checkpoint | None:
    """Return the row of just these weights; a repository of GGUF files has several."""
    if not isinstance(weights, HuggingFaceWeights):
        return None
    rows = catalog.of_repository(weights.repository)
    named = (ask.variant, ask.quantization)
    return next((row for row in rows if (row.variant, row.quantization) == named), None)


def _like(variant: Variant, quantization: Quantization, catalog: Catalog) -> Checkpoint:
    """Return the row of a variant in a format, or what it would be if it were made as that of another variant."""
    row = catalog.preferred(variant, quantization)
    if row is not None:
        return row
    model = catalog.models[variant]
    rows = [row for other in Variant if (row := catalog.preferred(other, quantization)) is not None]
    pattern = min(rows, key=lambda row: _difference(catalog.models[row.variant], model), default=None)
    pattern = pattern or catalog.preferred(variant, Quantization.BF16)
    assert pattern is not None, "the loader wants every variant in BF16"
    bits = _bits(pattern, catalog.models[pattern.variant])
    update = {"variant": variant, "quantization": quantization, "bits": bits, "loaded_bytes": None, "projector": None}
    made = pattern.model_copy(update=update)
    return made.model_copy(update={"bytes": round(size_of(made, model))})


def _difference(one: Model, other: Model) -> tuple[bool, bool, int]:
    """Return how little two variants have in common: tables and experts first, then the size."""
    return (
        bool(one.per_layer_embedding_dim) != bool(other.per_layer_embedding_dim),
        bool(one.experts) != bool(other.experts),
        abs(one.parameters.total - other.parameters.total),
    )


def _bits(pattern: Checkpoint, model: Model) -> BitsPerWeight:
    """Return what a format does to each part, also to those that the variant of the pattern has not.

    Experts are treated as dense layers are, everywhere; in GGUF files tables are too, and encoders lie in another file.
    """
    is_gguf = pattern.quantization.is_gguf
    lacking = {"experts": pattern.bits.mlp, "per_layer_embeddings": pattern.bits.mlp if is_gguf else 16.0}
    return BitsPerWeight(
        **{
            part: getattr(pattern.bits, part)
            if getattr(model.parameters, part)
            else lacking.get(part, 0.0 if is_gguf else 16.0)
            for part in BitsPerWeight.model_fields
        }
    )


def _of_size(like: Checkpoint, size_bytes: int, own: Mapping[str, object]) -> Checkpoint:
    """Return a checkpoint of another size: its parts differ by the same factor, and so add up to it."""
    factor = size_bytes / like.resident_bytes
    bits = {part: getattr(like.bits, part) * factor for part in type(like.bits).model_fields}
    update = {"bytes": size_bytes, "loaded_bytes": None, "bits": like.bits.model_copy(update=bits)}
    return like.model_copy(update={**own, **update})


def _doubt(model: Model, size_bytes: int) -> str:
    """Say that a size cannot be one in bytes, as gigabytes in their place are not."""
    if 8 * size_bytes >= model.parameters.total:
        return ""
    return (
        f"`spec.model.checkpoint.sizeBytes` is {size_bytes}, less than a bit for each of {model.variant}'s "
        f"{model.parameters.total / 1e9:.1f} billion parameters: see that it is what all files have in bytes."
    )
