"""Tokens by the blocks that vLLM says to have."""

import pytest

from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.planner.cache_size import cache_size
from gemma4_operator.planner.kv_vllm import layout
from gemma4_operator.planner.shape import KvDtype
from tests.rendering import VLLM, walk

MODELS = builtin_catalog().models


def test_an_engine_that_does_as_the_plan_says_holds_what_the_plan_expects() -> None:
    plan = walk(VLLM).plan
    lies = layout(MODELS[plan.variant], KvDtype(plan.kv_dtype), plan.gpus_per_replica)
    blocks = lies.num_blocks(plan.memory.kv_cache_mib * 2**20)
    size = cache_size(plan, MODELS[plan.variant], blocks=blocks)
    assert size.observed_tokens == size.predicted_tokens
    assert size.predicted_tokens > plan.context_tokens


@pytest.mark.parametrize("share", [0, 50, 90, 110])
def test_one_with_other_blocks_holds_more_or_less_in_proportion(share: int) -> None:
    plan = walk(VLLM).plan
    lies = layout(MODELS[plan.variant], KvDtype(plan.kv_dtype), plan.gpus_per_replica)
    blocks = lies.num_blocks(plan.memory.kv_cache_mib * 2**20) * share // 100
    size = cache_size(plan, MODELS[plan.variant], blocks=blocks)
    assert size.observed_tokens == pytest.approx(size.predicted_tokens * share / 100, rel=0.01)
