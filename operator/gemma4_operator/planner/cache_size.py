"""How many tokens vLLM's cache holds, by the blocks that it says to have, beside what the plan has given it.

It is the figure that vLLM itself prints at start: how many requests of the longest context fit, times that length.
"""

from typing import NamedTuple

from gemma4_operator.catalog.models import Model
from gemma4_operator.catalog.versions import version_of
from gemma4_operator.planner.kv_vllm import Layout, in_flight_tokens, layout
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.shape import KvDtype

_MIB = 2**20


class CacheSize(NamedTuple):
    """Tokens that fit at once, as the engine has made it and as the plan expects it."""

    observed_tokens: int
    predicted_tokens: int


def cache_size(plan: Plan, model: Model, *, blocks: int) -> CacheSize:
    """Return both for a plan that vLLM serves, whose engine has so many blocks on each GPU."""
    lies = layout(model, KvDtype(plan.kv_dtype), plan.gpus_per_replica)
    expected = lies.num_blocks(plan.memory.kv_cache_mib * _MIB)
    return CacheSize(_tokens(plan, lies, blocks), _tokens(plan, lies, expected))


def _tokens(plan: Plan, lies: Layout, blocks: int) -> int:
    flight = in_flight_tokens(version_of(plan.engine_version), plan.max_batched_tokens)
    return int(blocks / lies.request_blocks(plan.context_tokens, in_flight_tokens=flight) * plan.context_tokens)
