"""What LoRA adapters take of a GPU's memory.

Beside a projection from m to n values vLLM keeps two matrices, m x rank and rank x n. Of several GPUs each has its part
of the side on which the projection itself is cut, and the other side whole (vLLM 0.33, lora/layers): twice the GPUs do
not halve adapters as they halve weights.
"""

from functools import lru_cache

from gemma4_operator.catalog.models import Model
from gemma4_operator.engines.vllm_flags import buffered_rank

_VALUE_BYTES = 2
"""Of BF16, in which adapters are kept whatever the weights' format."""
_FEED_FORWARD = 3
"""Gate, up and down."""


@lru_cache(maxsize=256)
def adapter_bytes(model: Model, rank: int, *, gpus: int = 1) -> int:
    """Return the buffers of one adapter on each GPU, which vLLM makes for all projections it could change.

    They are of the rank that the kernels are made for, the next above the adapter's. Experts have theirs too, whether
    an adapter changes them or not.
    """
    sides = _attention_sides(model, gpus) + _feed_forward_sides(model, gpus) + _table_sides(model, gpus)
    return _VALUE_BYTES * buffered_rank(rank) * sides


def _attention_sides(model: Model, gpus: int) -> int:
    """Return the sum of m and n over the projections to and from queries, keys and values.

    Layers that reuse another's keys and values project to none. Heads are shared out, down to one for each GPU.
    """
    kinds = (
        (model.sliding_layers, model.sliding_kv_layers, model.sliding_kv_heads, model.sliding_head_dim),
        (model.full_layers, model.full_kv_layers, model.full_kv_heads, model.full_head_dim),
    )
    return sum(
        layers * (2 * model.hidden_size + 2 * model.query_heads * width // gpus)
        + kv_layers * 2 * (model.hidden_size + max(1, kv_heads // gpus) * width)
        for layers, kv_layers, kv_heads, width in kinds
    )


def _feed_forward_sides(model: Model, gpus: int) -> int:
    """Return the same over dense layers and experts, whose widths follow from their parameters.

    Experts are not cut, but each is on one GPU alone; which of them answer, every GPU finds out for itself.
    """
    matrices = _FEED_FORWARD * model.layers
    dense = model.parameters.mlp // model.hidden_size // gpus + matrices * model.hidden_size
    if not model.experts:
        return dense
    experts = model.parameters.experts // model.hidden_size + matrices * model.experts * model.hidden_size
    router = model.layers * (model.hidden_size + model.experts)
    return dense + experts // gpus + router


def _table_sides(model: Model, gpus: int) -> int:
    """Return the same over what mixes the tables of E2B and E4B in: two small projections of each layer, one of all."""
    width = model.per_layer_embedding_dim
    if not width:
        return 0
    return model.layers * 2 * (model.hidden_size + width) + model.hidden_size + model.layers * width // gpus
