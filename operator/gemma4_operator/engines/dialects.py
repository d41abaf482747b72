"""What each engine calls its figures; docs/reference/engines.md says which of the names were seen."""

import re
from dataclasses import replace

from gemma4_operator.engines.base import Dialect

_BLOCKS = re.compile(r'[{,]num_gpu_blocks="(\d{1,12})"')

VLLM = Dialect(
    path="/metrics",
    running="vllm:num_requests_running",
    waiting="vllm:num_requests_waiting",
    cache_usage="vllm:kv_cache_usage_perc",
    prompt_tokens="vllm:prompt_tokens_total",
    generation_tokens="vllm:generation_tokens_total",
    first_token_seconds="vllm:time_to_first_token_seconds",
    output_token_seconds="vllm:inter_token_latency_seconds",
    cache_config="vllm:cache_config_info",
)
"""Of version 0.33; seen in 0.32 on a CPU."""

LLAMA_CPP = Dialect(
    path="/metrics",
    running="llamacpp:requests_processing",
    waiting="llamacpp:requests_deferred",
    prompt_tokens="llamacpp:prompt_tokens_total",
    generation_tokens="llamacpp:tokens_predicted_total",
)
"""Of build 11434, with `--metrics`. Its cache is cut into slots, so how full it is follows from what runs."""

NIM_2 = replace(VLLM, path="/v1/metrics")
"""The engine's own names behind NIM's route; NVIDIA's reference promises the route alone."""

NIM_1 = Dialect(
    path="/v1/metrics",
    running="num_requests_running",
    waiting="num_requests_waiting",
    cache_usage="gpu_cache_usage_perc",
    prompt_tokens="prompt_tokens_total",
    generation_tokens="generation_tokens_total",
    first_token_seconds="time_to_first_token_seconds",
    output_token_seconds="time_per_output_token_seconds",
)
"""Of NIM 1.x, without a prefix (its observability page)."""


def cache_blocks(exposition: str, dialect: Dialect) -> int | None:
    """Return of how many blocks an engine's cache is made on each GPU; None: it does not say."""
    if not dialect.cache_config:
        return None
    start = f"{dialect.cache_config}{{"
    line = next((line for line in exposition.splitlines() if line.startswith(start)), "")
    found = _BLOCKS.search(line)
    return int(found[1]) if found else None
