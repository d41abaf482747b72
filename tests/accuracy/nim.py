"""NVIDIA's own counts of GPUs: the profiles that NIM publishes for Gemma 4, beside the least count that starts."""

from dataclasses import dataclass, replace

from gemma4_operator.api.common import Quantization, Variant
from gemma4_operator.planner.budget import Memory
from gemma4_operator.planner.memory import memory
from tests.accuracy.section import Section
from tests.accuracy.shapes import preferred, shape

CONTEXT_TOKENS = 262144
COUNTS = (1, 2, 4, 8)
_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Profile:
    """One row of the support matrices of 2.0.10-variant and 2.0.11-variant (docs.nvidia.com/nim)."""

    variant: Variant
    quantization: Quantization
    product: str
    gpus: int


PROFILES = (
    Profile(Variant.V31B, Quantization.NVFP4, "NVIDIA-B200", 1),
    Profile(Variant.V31B, Quantization.NVFP4, "NVIDIA-B300-SXM6-AC", 1),
    Profile(Variant.V31B, Quantization.NVFP4, "NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition", 2),
    Profile(Variant.V31B, Quantization.BF16, "NVIDIA-H200", 1),
    Profile(Variant.V31B, Quantization.BF16, "NVIDIA-H100-80GB-HBM3", 4),
    Profile(Variant.V31B, Quantization.W4A16, "NVIDIA-L40S", 2),
    Profile(Variant.V26B_A4B, Quantization.BF16, "NVIDIA-A100-SXM4-40GB", 4),
    Profile(Variant.V26B_A4B, Quantization.BF16, "NVIDIA-A100-SXM4-80GB", 2),
    Profile(Variant.V26B_A4B, Quantization.BF16, "NVIDIA-A10G", 4),
    Profile(Variant.V26B_A4B, Quantization.BF16, "NVIDIA-B200", 1),
    Profile(Variant.V26B_A4B, Quantization.BF16, "NVIDIA-GB200", 1),
    Profile(Variant.V26B_A4B, Quantization.NVFP4, "NVIDIA-B200", 1),
)


def budget(profile: Profile, gpus: int) -> Memory:
    """Return the memory at full context with images, vLLM's default batch and the exact cache, as NIM starts it."""
    base = shape(
        variant=profile.variant,
        checkpoint=preferred(profile.variant, profile.quantization),
        product=profile.product,
        gpus=gpus,
    )
    return memory(
        replace(
            base,
            context_tokens=CONTEXT_TOKENS,
            media=frozenset({"Image"}),
            max_batched_tokens=_default_batch(profile.product, base.device.memory_bytes),
        )
    )


def least(profile: Profile) -> int:
    """Return the fewest GPUs on which one request of full length has room."""
    return next(count for count in COUNTS if budget(profile, count).fits)


def section() -> Section:
    """Compare."""
    counts = [least(profile) for profile in PROFILES]
    alike = sum(count == profile.gpus for count, profile in zip(counts, PROFILES, strict=True))
    passed = all(count <= profile.gpus <= 2 * count for count, profile in zip(counts, PROFILES, strict=True))
    return Section(
        title="NIM's published profiles",
        intro=(
            "NIM publishes on how many GPUs it runs a model. It starts vLLM with the full context of 262,144 tokens, "
            "so that is what is computed here: the fewest GPUs on which one request of full length has room. Where NIM "
            "takes twice as many, the fewer would start and hold two or three such requests: its counts are powers of "
            "two with room for more than one long request, and are not cut to what a team needs. Demanded: never more "
            "than published, and never less than half of it."
        ),
        verdict=(f"{alike} of {len(PROFILES)} counts are the published ones; the others are half of them.",),
        columns=("model", "GPU", "published", "least", "requests of full length on the least", "on the published"),
        rows=tuple(_row(profile, count) for profile, count in zip(PROFILES, counts, strict=True)),
        passed=passed,
    )


def _row(profile: Profile, count: int) -> tuple[str, ...]:
    return (
        f"{profile.variant} {profile.quantization}",
        profile.product,
        str(profile.gpus),
        str(count),
        f"{budget(profile, count).max_concurrency:.1f}",
        f"{budget(profile, profile.gpus).max_concurrency:.1f}",
    )


def _default_batch(product: str, memory_bytes: int) -> int:
    """Return vLLM's default of batched tokens (0.33, EngineArgs): by memory, A100 as the small ones."""
    if memory_bytes < 70 * _GIB or "A100" in product:
        return 2048
    return 16384 if memory_bytes >= 160 * _GIB else 8192
