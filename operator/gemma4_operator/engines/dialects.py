"""What each engine calls its figures; docs/reference/engines.md says which of the names were seen."""

import re
from dataclasses import replace

from gemma4_operator.engines.base import Dialect

_BLOCKS = re.compile(rb'[{,]num_gpu_blocks="(\d{1,12})"')

VLLM = Dialect(
    path="/metrics",
    running="vllm:num_requests_running",
    waiting="vllm:num_requests_waiting",
    cache_usage=("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
    prompt_tokens="vllm:prompt_tokens_total",
    generation_tokens="vllm:generation_tokens_total",
    # Counted with the prompt itself, while the hits of a prompt that is begun anew count again.
    cached_tokens=("vllm:prompt_tokens_cached_total", "vllm:prefix_cache_hits_total"),
    finished=("vllm:request_success_total",),
    first_token_seconds=("vllm:time_to_first_token_seconds",),
    output_token_seconds=("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"),
    cache_config="vllm:cache_config_info",
)
"""Of version 0.33 by its sources, and of older ones whose names differ; those of 0.32 were seen on a CPU."""

LLAMA_CPP = Dialect(
    path="/metrics",
    running="llamacpp:requests_processing",
    waiting="llamacpp:requests_deferred",
    prompt_tokens="llamacpp:prompt_tokens_total",
    generation_tokens="llamacpp:tokens_predicted_total",
    cached_tokens=("llamacpp:prompt_tokens_cached_total",),
    prompt_includes_cached=False,
)
"""Of build 11434, with `--metrics`. Its cache is cut into slots, so how full it is follows from what runs."""

NIM_2 = replace(VLLM, path="/v1/metrics")
"""The engine's own names behind NIM's route; NVIDIA's reference promises the route alone."""

NIM_1 = Dialect(
    path="/v1/metrics",
    running="num_requests_running",
    waiting="num_requests_waiting",
    cache_usage=("gpu_cache_usage_perc",),
    prompt_tokens="prompt_tokens_total",
    generation_tokens="generation_tokens_total",
    finished=("request_finish_total", "request_success_total"),
    first_token_seconds=("time_to_first_token_seconds",),
    output_token_seconds=("time_per_output_token_seconds",),
)
"""Of NIM 1.x, without a prefix (its observability page)."""


def cache_blocks(exposition: bytes, dialect: Dialect) -> int | None:
    """Return of how many blocks an engine's cache is made on each GPU; None: it does not say."""
    if not dialect.cache_config:
        return None
    start = f"{dialect.cache_config}{{".encode()
    line = next((line for line in exposition.splitlines() if line.startswith(start)), b"")
    found = _BLOCKS.search(line)
    return int(found[1]) if found else None
