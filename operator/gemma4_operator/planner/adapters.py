"""What LoRA adapters take of a GPU's memory."""

from functools import lru_cache

from gemma4_operator.catalog.models import Model

_VALUE_BYTES = 2
"""Of BF16, in which adapters are kept whatever the weights' format."""
_FEED_FORWARD = 3
"""Gate, up and down."""


@lru_cache(maxsize=256)
def adapter_bytes(model: Model, rank: int) -> int:
    """Return the buffers of one adapter, which vLLM makes for all projections it could change.

    Beside a projection from m to n values stand two matrices, m x rank and rank x n; experts have theirs too, whether
    an adapter changes them or not (vLLM 0.33, lora/layers).
    """
    return _VALUE_BYTES * rank * (_attention_sides(model) + _feed_forward_sides(model))


def _attention_sides(model: Model) -> int:
    """Return the sum of m and n over the projections to and from queries, keys and values."""
    kinds = (
        (model.sliding_layers, model.sliding_kv_heads, model.sliding_head_dim),
        (model.full_layers, model.full_kv_heads, model.full_head_dim),
    )
    return sum(
        layers * (4 * model.hidden_size + 2 * (model.query_heads + kv_heads) * width)
        for layers, kv_heads, width in kinds
    )


def _feed_forward_sides(model: Model) -> int:
    """Return the same over dense layers and experts, whose widths follow from their parameters."""
    matrices = _FEED_FORWARD * model.layers
    dense = model.parameters.mlp // model.hidden_size + matrices * model.hidden_size
    if not model.experts:
        return dense
    return dense + model.parameters.experts // model.hidden_size + matrices * model.experts * model.hidden_size
