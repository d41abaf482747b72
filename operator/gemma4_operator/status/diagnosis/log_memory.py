"""What logs say of memory: of the GPU, of its cache, of the machine."""

import re
from typing import Final

from gemma4_operator.status.diagnosis.rules import Rule, text_like
from gemma4_operator.status.reasons import Reason

_UNITS: Final = {"k": 2**10, "m": 2**20, "g": 2**30}


def _others_hold_most(found: re.Match[str]) -> bool:
    """Whether other processes hold more of the GPU than half of what it has."""
    total = _bytes(found["total"], found["total_unit"])
    held = sum(_bytes(size, unit) for size, unit in re.findall(r"Process \d+ has ([\d.]+) ([KMG])iB", found.string))
    return held * 2 > total


def _bytes(size: str, unit: str) -> float:
    try:
        return float(size) * _UNITS[unit.lower()]
    except ValueError:
        return 0.0


MEMORY: Final = (
    Rule(
        Reason.KV_CACHE_TOO_SMALL,
        "llama.cpp: the weights are loaded, and the cache's buffer is refused",
        text_like(
            r"failed to allocate buffers? for (?:the )?kv cache|llama_kv_cache\S* failed|kv_cache_init.{0,40}failed"
        ),
        also=text_like(r"cudaMalloc failed|failed to allocate \w+ buffer"),
    ),
    Rule(
        Reason.GPU_MEMORY_IN_USE,
        "vLLM's check at start (vllm/v1/worker/utils.py, request_memory) and while it profiles; CUDA's error 46",
        text_like(
            r"free memory on device.{0,200}less than desired|error in memory profiling"
            r"|initial free memory.{0,120}current free memory|devices? (?:\(s\) )?(?:is/)?are busy or unavailable"
            r"|cudaErrorDevicesUnavailable|reduce GPU memory used by other processes"
        ),
    ),
    Rule(
        Reason.GPU_MEMORY_IN_USE,
        "NIM 1.x: a profile fits the GPU, and not the memory that is free",
        text_like(r"low free GPU memory"),
        unless=text_like(r"\badditional 0 compatible"),
        chatter=True,
    ),
    Rule(
        Reason.GPU_MEMORY_IN_USE,
        "PyTorch: most of the GPU is held by processes that are not this one",
        text_like(
            r"total capacity of (?P<total>[\d.]{1,12}) (?P<total_unit>[KMG])iB"
            r".{0,200}Process \d+ has [\d.]+ [KMG]iB memory in use"
        ),
        holds=_others_hold_most,
    ),
    Rule(
        Reason.KV_CACHE_TOO_SMALL,
        "vLLM (vllm/v1/core/kv_cache_utils.py; tokens up to 0.8, GiB since), and TensorRT-LLM's cache",
        text_like(
            r"no available memory for the cache blocks|maximum number of tokens that can be stored in (?:the )?KV cache"
            r"|larger than the available KV cache memory|KV cache is needed|estimated maximum model length"
            r"|kv ?cache.{0,80}(?:not enough|insufficient|too small|exceeds?|does not fit)"
            r"|(?:not enough|insufficient|no) .{0,40}(?:memory|space|blocks|room) for (?:the |any )?kv ?cache"
        ),
        unless=text_like(r"^.{0,60}?(?-i:\bWARN(?:ING)?\b)"),
    ),
    Rule(
        Reason.HOST_OUT_OF_MEMORY,
        "ggml's buffers in main memory, Ollama's check, PyTorch's CPU allocator, glibc, Python, the kernel",
        text_like(
            r"more system memory|cannot allocate memory|std::bad_alloc|\bMemoryError\b|DefaultCPUAllocator"
            r"|(?:un|fail\w* to )a?b?l?e? ?t?o? ?allocate (?:CPU|host|CUDA_Host)\w* buffer"
            r"|unable to allocate CPU\w* buffer"
            r"|(?:not enough|insufficient|out of) (?:available )?(?:system|host|main|CPU) (?:memory|RAM)"
            r"|out of memory: killed|oom[- ]kill|too large swap space|node running low on memory|cudaHostAlloc"
            r"|ggml_aligned_malloc: insufficient memory|errno 12\b|os error 12\b"
        ),
        unless=text_like(r"mlock|pinned memory of"),
    ),
    Rule(
        Reason.GPU_OUT_OF_MEMORY,
        "PyTorch, CUDA, ggml, HIP and Vulkan",
        text_like(
            r"(?:CUDA|HIP|XPU) out of memory|(?:CUDA|HIP)\b.{0,80}: out of memory"
            r"|OutOfMemoryError|cudaMalloc failed|CUDA error: out of memory"
            r"|cudaErrorMemoryAllocation|CUDA_ERROR_OUT_OF_MEMORY|Cuda failure \d* ?'?out of memory"
            r"|(?:failed|unable) to allocate (?:CUDA|ROCm|Vulkan|compute|SYCL|pp |graph)\w*[^.]{0,40}buffer"
            r"|ErrorOutOfDeviceMemory|GPU memory .{0,60}(?:insufficient|not enough|exceed)"
            r"|(?:not enough|insufficient) (?:free |available )?(?:GPU memory|VRAM|video memory)|hipErrorOutOfMemory"
        ),
        unless=text_like(r"level=(?:INFO|DEBUG) .{0,80}offload"),
    ),
    Rule(
        Reason.HOST_OUT_OF_MEMORY,
        "a process of the engine that the kernel killed inside the container: the container itself goes on",
        text_like(r"'\w+': -9\b|died with <Signals\.SIGKILL|signal: killed|exit(?:ed with)? code:? -9\b|^Killed$"),
    ),
)
