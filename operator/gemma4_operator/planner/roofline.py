"""The terms of a step's time, each for itself: launches, weights, cache, arithmetic, scores, all-reduces.

docs/guides/latency.md explains them; what GPUs reach of their data sheets is in planner/reach.py.
"""

from gemma4_operator.planner.reach import Reach
from gemma4_operator.planner.shape import Shape

LAYER_SECONDS = 35e-6
"""Of one layer's kernels in a captured graph, however little they do (fit to six GPUs: 31 to 40 us)."""
EXPERTS_LAYER_SECONDS = 65e-6
"""More where a layer routes to experts (26B-A4B, one stream: 75 us on H200, 90 on GB10; fewer on H100)."""
TABLES_LAYER_SECONDS = 28e-6
"""More where a layer mixes in its own embeddings, as in E2B and E4B (E4B, one stream on H200)."""
QUANTIZE_SECONDS = 10e-6
"""Of bringing a product's left side to four bits (31B on RTX PRO 6000: 40 us and more for each layer of four)."""
HOP_SECONDS = 8e-6
"""Of an all-reduce of little data between GPUs of a node (4 to 20 us)."""
HOST_SECONDS = 15e-6
"""Of one sequence in a step: scheduling and streaming (26B-A4B with 100 streams on H200; BLIS has 4.4 us)."""
LOGITS_PASSES = 5
"""How often a sampler goes over a sequence's row of 32-bit logits: capping, sorting, softmax (a guess)."""
_PRODUCTS_OF_A_PART = 2
"""Attention projects in and out, a feed-forward layer up and down."""
_REDUCES_OF_A_LAYER = 2
"""After attention and after the feed-forward layer."""


def fixed_seconds(shape: Shape, rates: Reach) -> float:
    """Return what a step takes for its launches alone: t0 L, and all-reduces between several GPUs."""
    model, bits = shape.model, shape.checkpoint.bits
    layer = LAYER_SECONDS
    if model.experts:
        layer += EXPERTS_LAYER_SECONDS
    if model.per_layer_embedding_dim:
        layer += TABLES_LAYER_SECONDS
    if rates.quantizes_inputs:
        parts = (bits.attention < 16) + (bits.mlp < 16 or bits.experts < 16)
        layer += _PRODUCTS_OF_A_PART * QUANTIZE_SECONDS * parts
    if rates.ranks > 1:
        layer += _REDUCES_OF_A_LAYER * HOP_SECONDS
    return model.layers * layer


def weights_seconds(shape: Shape, rates: Reach) -> tuple[float, float]:
    """Return how long it takes to read what every step reads, and one expert of every layer.

    The tables of E2B and E4B are looked up, and encoders do not run, so neither counts.
    """
    model, bits = shape.model, shape.checkpoint.bits
    parameters = model.parameters
    dense = (
        parameters.attention * bits.attention
        + parameters.mlp * bits.mlp
        + parameters.embeddings * bits.embeddings
        + parameters.other * bits.other
    )
    expert = parameters.experts * bits.experts / model.experts if model.experts else 0.0
    return dense / 8 / rates.read, expert / 8 / rates.read


def cache_seconds(shape: Shape, rates: Reach) -> tuple[float, float]:
    """Return how long one token of a sequence's context takes to read, in full and in sliding layers.

    Layers that reuse another's cache read it again. Heads are shared out to GPUs, down to one for each.
    """
    model, bytes_of_pair = shape.model, 2 * shape.kv_dtype.bytes_per_value
    full = model.full_layers * max(1.0, model.full_kv_heads / rates.ranks) * model.full_head_dim
    sliding = model.sliding_layers * max(1.0, model.sliding_kv_heads / rates.ranks) * model.sliding_head_dim
    return full * bytes_of_pair / rates.full_cache, sliding * bytes_of_pair / rates.sliding_cache


def token_seconds(shape: Shape, rates: Reach) -> float:
    """Return the arithmetic of one token through all layers, 2 P / (GPUs F), and its share of the all-reduces."""
    model, bits = shape.model, shape.checkpoint.bits
    parameters = model.parameters
    operations = parameters.attention / (rates.exact if bits.attention >= 16 else rates.quantized)
    operations += parameters.mlp / (rates.exact if bits.mlp >= 16 else rates.quantized)
    operations += parameters.other / rates.exact
    if model.experts:
        operations += parameters.experts * model.experts_per_token / model.experts / rates.experts
    return 2 * operations + _reduce_seconds(shape, rates)


def answer_seconds(shape: Shape, rates: Reach) -> float:
    """Return what an output token takes beyond the layers: the head's product, its logits, and the host."""
    product = 2 * shape.model.parameters.embeddings / rates.exact
    logits = LOGITS_PASSES * 4 * shape.model.vocabulary_size / rates.read
    return product + logits + HOST_SECONDS


def score_seconds(shape: Shape, rates: Reach) -> tuple[float, float]:
    """Return what one token of a prompt takes to see one before it, in full and in sliding layers.

    Two products of two operations for each value of each head.
    """
    model = shape.model
    full = 4 * model.query_heads * model.full_head_dim * model.full_layers
    sliding = 4 * model.query_heads * model.sliding_head_dim * model.sliding_layers
    return full / rates.full_scores, sliding / rates.sliding_scores


def _reduce_seconds(shape: Shape, rates: Reach) -> float:
    """Return what one token adds to the all-reduces of a step: 2 (g - 1) / g of its hidden state in BF16, for each."""
    if rates.ranks == 1:
        return 0.0
    sent = 2 * (rates.ranks - 1) / rates.ranks * shape.model.hidden_size * 2
    return _REDUCES_OF_A_LAYER * shape.model.layers * sent / rates.reduce
