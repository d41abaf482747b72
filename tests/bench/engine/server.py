"""The real vLLM for CPUs with a tiny Gemma 4, rendered as the operator renders it, for timing."""

import contextlib
from collections.abc import Iterator

from gemma4_operator.engines.base import ClaimWeights
from gemma4_operator.engines.vllm import VLLM
from tests.cluster import ports, vllm
from tests.real.served import Machine, Server, healthy, short_folder
from tests.rendering import a_serving

CONTEXT_TOKENS = 2048
BATCHED_TOKENS = 512
SEQUENCES = 16
CACHE_BYTES = 400_000_000
"""More than all sequences fill together."""
MODEL = "timed"
EXTRA = (
    "--enforce-eager",
    "--no-enable-prefix-caching",
    # The first token is sent at once, and the rest with the last: on two cores nothing must be spent on the way.
    "--stream-interval=100000",
)


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """Yield the server once it is healthy."""
    checkpoint = vllm.checkpoint()
    (port,) = ports.reserve(1)
    wanted = a_serving(
        variant="E2B",
        weights=ClaimWeights(claim_name="weights", path=checkpoint.name),
        weights_bytes=(checkpoint / "model.safetensors").stat().st_size,
        context_tokens=CONTEXT_TOKENS,
        max_batched_tokens=BATCHED_TOKENS,
        max_concurrent_requests=SEQUENCES,
        kv_cache_bytes=CACHE_BYTES,
        served_model_name=MODEL,
        port=port.port,
        extra_args=EXTRA,
    )
    with short_folder() as folder:
        machine = Machine(root=folder, programs={"vllm": vllm.command()}, weights=checkpoint.parent)
        try:
            with healthy(machine, VLLM().pod(wanted), model=MODEL) as server:
                yield server
        finally:
            port.release()
