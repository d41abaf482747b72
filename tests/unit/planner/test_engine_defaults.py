"""What engines do when they are told nothing, by GPU, version and media."""

import pytest

from gemma4_operator.catalog.engines import Backend
from gemma4_operator.planner.engine_defaults import Defaults, engine_defaults
from tests.unit.planner.shapes import GB10, H100, H200, L4, RTX_3090, a_shape, device

A100, B200 = "NVIDIA-A100-SXM4-80GB", "NVIDIA-B200"


def defaults(product: str, *, variant: str = "31B", version: tuple[int, ...] = (0, 33), media: str = "") -> Defaults:
    return engine_defaults(
        Backend.VLLM,
        version=version,
        model=a_shape(variant).model,
        device=device(product),
        media=frozenset(filter(None, [media])),
    )


@pytest.mark.parametrize(
    ("product", "tokens", "sequences"),
    [
        (RTX_3090, 2048, 256),
        (L4, 2048, 256),
        (H100, 8192, 1024),
        (H200, 8192, 1024),
        (B200, 16384, 1024),
        # Large, and yet on the small tier.
        (A100, 2048, 256),
        (GB10, 2048, 256),
    ],
)
def test_vllm_goes_by_the_size_of_the_gpu_but_for_a100_and_gb10(product: str, tokens: int, sequences: int):
    found = defaults(product)
    assert (found.batched_tokens, found.sequences) == (tokens, sequences)


@pytest.mark.parametrize(
    ("product", "variant", "media", "tokens"),
    [
        (RTX_3090, "31B", "Image", 2496),
        (RTX_3090, "12B", "Video", 2496),
        (RTX_3090, "12B", "Audio", 2048),
        # E4B reads media from left to right, in as many steps as it takes.
        (RTX_3090, "E4B", "Image", 2048),
        (H100, "31B", "Image", 8192),
    ],
)
def test_a_step_holds_a_whole_video_where_its_tokens_see_each_other(
    product: str, variant: str, media: str, tokens: int
):
    assert defaults(product, variant=variant, media=media).batched_tokens == tokens


@pytest.mark.parametrize(
    ("version", "share"), [((0, 19), 0.90), ((0, 21, 4), 0.90), ((0, 22), 0.92), ((0, 33, 0), 0.92), ((), 0.92)]
)
def test_the_share_of_the_gpu_was_smaller_before_022(version: tuple[int, ...], share: float):
    assert defaults(H100, version=version).memory_utilization == share


@pytest.mark.parametrize("engine", [Backend.LLAMA_CPP, Backend.OLLAMA])
def test_the_others_read_512_tokens_at_once_for_one_slot(engine: Backend):
    shape = a_shape("12B", "Q4_K_M")
    found = engine_defaults(engine, version=(), model=shape.model, device=shape.device, media=frozenset())
    assert (found.batched_tokens, found.sequences) == (512, 1)
