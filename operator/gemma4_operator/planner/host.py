"""What a pod asks of its node's own memory, beside what lies on GPUs."""

BASE_MIB = 2048
"""Of the engine's processes."""
PASSING_SHARE, PASSING_MIB = 10, 8192
"""A tenth of the weights passes through the host while they load, and at most so much at a time."""
_MIB = 2**20


def host_memory_mib(*, weights_bytes: int, host_cache_mib: int, unified_mib: int) -> int:
    """Return what a container asks for, modest so that a GPU node is never full for want of it.

    There is no limit: the page cache of the weights counts against one. Where the GPU's memory is the host's own, all
    that the plan counts on is asked for, or the scheduler would give it to others as well.

    Args:
        weights_bytes: Of the checkpoint.
        host_cache_mib: What llama.cpp may keep prompts in.
        unified_mib: What the plan takes of memory that GPU and host share; 0: they share none.
    """
    passing = min(-(-weights_bytes // PASSING_SHARE // _MIB), PASSING_MIB)
    return max(BASE_MIB + passing + host_cache_mib, unified_mib)
