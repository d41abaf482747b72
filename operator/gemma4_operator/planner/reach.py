"""What the GPUs of a shape reach of their data sheets, in bytes and operations per second.

Every constant is a share, the same for all GPUs and variants of a kind. It names what it rests on and was set on one
part of the measurements; docs/reference/accuracy.md shows how far off it is on that part and on the rest.
"""

from typing import NamedTuple

from gemma4_operator.api.common import Quantization
from gemma4_operator.catalog.engines import Backend
from gemma4_operator.planner.device import Device
from gemma4_operator.planner.shape import Shape

WIDE_HIDDEN_SIZE = 4096
"""Matrices of at least this width keep a GPU busy: those of 31B, and of no other variant."""

WIDE_READ = 0.84
"""Of the bandwidth, for weights of 31B (GB10: 0.82 to 0.84, RTX PRO 6000 and two RTX 3090: 0.85 and more)."""
NARROW_READ = 0.77
"""For the others. On GB10 it is 0.70 with one row and 0.83 with several; one figure keeps a step from getting shorter
with more sequences, and is off by 8 % at either end."""
GGUF_READ = 0.74
"""For weights that llama.cpp unpacks while it reads them (12B in Q8 on RTX 3090)."""
GGUF_UNIFIED_READ = 0.55
"""The same on small GPUs with a machine's memory (31B on GB10 with Ollama, 12B on Thor)."""
FULL_CACHE_READ = 0.55
"""For the cache of full layers: heads of 512 split badly (GB10 and RTX 3090, contexts of 1,000 to 32,000 tokens)."""
SLIDING_CACHE_READ = 0.65
"""For that of sliding layers: heads of 256 have kernels made for them (GB10 and H200, 20 to 100 sequences)."""

WIDE_COMPUTE = 0.66
"""Of the arithmetic, for products of many rows (31B: 0.61 with attention on GB10, 0.74 on RTX PRO 6000)."""
NARROW_COMPUTE = 0.58
"""For the other variants (E4B on GB10)."""
EXPERTS_COMPUTE = 0.38
"""For experts, each of which sees few rows (26B-A4B on GB10)."""
FP8_SHARE = 0.8
"""Of these on FP8 units: activations are brought to FP8 before each product (a guess)."""
FP4_SHARE = 0.6
"""The same on FP4 units (31B on RTX PRO 6000)."""
MARLIN_FP4_SHARE = 0.68
"""Of these in BF16 where FP4 is unpacked to BF16 before each product (31B on GB10). Experts lose nothing by unpacking:
they are read more slowly than that (26B-A4B on GB10)."""
MARLIN_SHARE = 0.9
"""The same for other formats, which have fewer scales (31B in W4A16 on RTX 3090)."""
GGUF_COMPUTE = 0.6
"""For products in llama.cpp (31B on RTX 3090)."""
GGUF_EXPERTS_COMPUTE = 0.27
"""26B-A4B on RTX 5090."""
GGUF_UNIFIED_SHARE = 0.15
"""Of these on small GPUs with a machine's memory (12B on Thor)."""
FLOPS_PER_BYTE = 35
"""Arithmetic by bandwidth where there is no BF16: the least of GPUs in use (Tesla P40)."""

SCORES = 0.088
"""Of the arithmetic, for scores over heads of 512 in Triton (GB10: 0.081 to 0.092 in six models)."""
AMPERE_SCORES = 0.15
"""On compute capability 8: between GB10 and the 0.28 of an RTX 3090, whose data sheet halves its arithmetic."""
FAST_SCORES = 0.30
"""Where FlashAttention has such heads: vLLM on Hopper and B200 (vllm#42175), llama.cpp (a guess)."""
FAST_SCORES_MAJORS = (9, 10)
SLIDING_SCORES = 0.25
"""Over heads of 256 (31B on GB10)."""

LINK_SHARE = 0.6
"""Of the link between GPUs, for all-reduces of many rows."""
HOST_LINK_BYTES_PER_SECOND = 16e9
"""Between GPUs of which no link is known: half of PCIe 4 x16, by way of the host."""

_MARLIN_FP4_CAPABILITIES = ((11, 0), (12, 1))
"""Blackwells on which vLLM unpacks FP4 though they have units for it: Thor and GB10 (logs of the traces)."""


class Reach(NamedTuple):
    """Rates of all GPUs that work at the same time: `ranks` of them; llama.cpp's take turns.

    Attributes:
        ranks: How many.
        read: Bytes of weights per second; `full_cache` and `sliding_cache`: of the cache, on each GPU.
        exact: Operations per second on weights in 16 bits; `quantized`: on those in the checkpoint's format.
        experts: The same for experts in the checkpoint's format.
        full_scores: Operations per second of attention over full layers; so is `sliding_scores`.
        reduce: Bytes per second of an all-reduce.
        quantizes_inputs: Whether the left sides of products are brought to four bits as well.
    """

    ranks: int
    read: float
    full_cache: float
    sliding_cache: float
    exact: float
    quantized: float
    experts: float
    full_scores: float
    sliding_scores: float
    reduce: float
    quantizes_inputs: bool


def reach(shape: Shape) -> Reach:
    """Return what the GPUs of one replica reach."""
    device, quantization = shape.device, shape.checkpoint.quantization
    is_vllm = shape.backend is Backend.VLLM
    ranks = shape.gpus if is_vllm else 1
    flops = ranks * (device.bf16_flops or FLOPS_PER_BYTE * device.bandwidth)
    read, compute, experts = _shares(shape) if is_vllm else _gguf_shares(device)
    native = _native_flops(device, quantization) if is_vllm else 0.0
    marlin = 1.0
    if is_vllm and quantization is not Quantization.BF16:
        marlin = MARLIN_FP4_SHARE if quantization is Quantization.NVFP4 else MARLIN_SHARE
    major = device.compute_capability[0]
    scores = FAST_SCORES
    if is_vllm and major not in FAST_SCORES_MAJORS:
        scores = AMPERE_SCORES if major <= 8 else SCORES
    return Reach(
        ranks=ranks,
        read=ranks * device.bandwidth * read,
        full_cache=device.bandwidth * FULL_CACHE_READ,
        sliding_cache=device.bandwidth * SLIDING_CACHE_READ,
        exact=flops * compute,
        quantized=(ranks * native or flops * marlin) * compute,
        experts=(ranks * native or flops) * experts,
        full_scores=flops * scores,
        sliding_scores=flops * SLIDING_SCORES,
        reduce=(device.link_bytes_per_second or HOST_LINK_BYTES_PER_SECOND) * LINK_SHARE,
        quantizes_inputs=native > 0 and quantization is Quantization.NVFP4,
    )


def _shares(shape: Shape) -> tuple[float, float, float]:
    """Return vLLM's: of the bandwidth, of the arithmetic, and of that for experts."""
    if shape.model.hidden_size >= WIDE_HIDDEN_SIZE:
        return WIDE_READ, WIDE_COMPUTE, EXPERTS_COMPUTE
    return NARROW_READ, NARROW_COMPUTE, EXPERTS_COMPUTE


def _gguf_shares(device: Device) -> tuple[float, float, float]:
    if device.unified_memory:
        return GGUF_UNIFIED_READ, GGUF_COMPUTE * GGUF_UNIFIED_SHARE, GGUF_EXPERTS_COMPUTE * GGUF_UNIFIED_SHARE
    return GGUF_READ, GGUF_COMPUTE, GGUF_EXPERTS_COMPUTE


def _native_flops(device: Device, quantization: Quantization) -> float:
    """Return what one GPU computes in a checkpoint's own format; 0: it is unpacked to BF16."""
    if quantization is Quantization.FP8:
        return device.fp8_flops * FP8_SHARE
    if quantization is Quantization.NVFP4 and device.compute_capability not in _MARLIN_FP4_CAPABILITIES:
        return device.fp4_flops * FP4_SHARE
    return 0.0
