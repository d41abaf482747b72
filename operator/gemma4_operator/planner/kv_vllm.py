"""The key-value cache as vLLM computes it for layers of two kinds.

Sliding and full layers share one pool of pages of equal size. The kind with the smaller entry gets blocks of more
tokens, so no byte is wasted for a token, only the last block of a request. Layers are put in groups of as many as there
are full ones, and a block is one page in each layer of a group.

Source: vLLM 0.33, v1/core/kv_cache_planning.py and v1/kv_cache_interface.py.
"""

from dataclasses import dataclass
from functools import lru_cache

from gemma4_operator.catalog.models import Model
from gemma4_operator.catalog.versions import Version
from gemma4_operator.planner.shape import KvDtype

BLOCK_TOKENS = 16
"""vLLM's least, for the kind with the larger entry."""
TWO_BATCHES_FROM: Version = (0, 26)
"""From this version on a request's sliding layers are set apart for two batches in flight, one before (vllm#49878)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How one model's cache lies on one GPU.

    Attributes:
        block_bytes: Of one block: a page in each layer of a group.
        sliding_groups: How many groups of sliding layers; there is one of full layers.
        sliding_tokens: Of one block in a sliding layer; so is `full_tokens`.
    """

    block_bytes: int
    sliding_groups: int
    sliding_tokens: int
    full_tokens: int
    window_tokens: int

    def num_blocks(self, pool_bytes: float) -> int:
        """Return how many blocks a pool holds."""
        return max(0, int(pool_bytes // self.block_bytes))

    def request_blocks(self, tokens: int, *, in_flight_tokens: int) -> int:
        """Return how many blocks one request of that length is admitted with."""
        full = -(-tokens // self.full_tokens)
        seen = min(self.window_tokens - 1 + in_flight_tokens, tokens)
        return full + self.sliding_groups * (-(-seen // self.sliding_tokens) + 1)

    def longest_request_tokens(self, num_blocks: int, *, in_flight_tokens: int) -> int:
        """Return the length, in whole blocks of full layers, of the longest request that so many blocks admit."""
        fewest, most = 0, num_blocks
        while fewest < most:
            middle = (fewest + most + 1) // 2
            if self.request_blocks(middle * self.full_tokens, in_flight_tokens=in_flight_tokens) <= num_blocks:
                fewest = middle
            else:
                most = middle - 1
        return fewest * self.full_tokens


def layout(model: Model, kv_dtype: KvDtype, tensor_parallel: int) -> Layout:
    """Return the layout; heads are shared out to GPUs, and below one for each they are replicated."""
    sliding = (model.sliding_kv_layers, model.sliding_kv_heads, model.sliding_head_dim)
    full = (model.full_kv_layers, model.full_kv_heads, model.full_head_dim)
    return _layout(sliding, full, model.window_tokens, kv_dtype, tensor_parallel)


def in_flight_tokens(version: Version, max_batched_tokens: int) -> int:
    """Return how many tokens may be on their way beyond the window; an unknown version counts as the newest."""
    batches = 1 if version and version < TWO_BATCHES_FROM else 2
    return batches * max_batched_tokens


_Kind = tuple[int, int, int]
"""Layers of one kind with a cache of their own, their key-value heads, and the size of a head."""


@lru_cache(maxsize=256)  # By numbers, because a row of the catalogue takes longer to hash than to calculate with.
def _layout(sliding: _Kind, full: _Kind, window_tokens: int, kv_dtype: KvDtype, tensor_parallel: int) -> Layout:
    sliding_bytes = _entry_bytes(sliding, kv_dtype, tensor_parallel)
    full_bytes = _entry_bytes(full, kv_dtype, tensor_parallel)
    page_bytes = BLOCK_TOKENS * max(sliding_bytes, full_bytes)
    return Layout(
        block_bytes=page_bytes * full[0],
        sliding_groups=-(-sliding[0] // full[0]),
        sliding_tokens=page_bytes // sliding_bytes,
        full_tokens=page_bytes // full_bytes,
        window_tokens=window_tokens,
    )


def _entry_bytes(kind: _Kind, kv_dtype: KvDtype, tensor_parallel: int) -> int:
    """Return what one token takes in one layer: a key and a value, K=V layers included, since vLLM keeps both."""
    _, heads, head_dim = kind
    return int(2 * max(1, heads // tensor_parallel) * head_dim * kv_dtype.bytes_per_value)
