"""The words of reports: which GPU, variant, weights and lengths they mean."""

import re

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.catalog.checkpoints import Checkpoint
from gemma4_operator.catalog.versions import version_of
from tests.accuracy.shapes import catalog

_PRODUCTS = (
    ("RTX PRO 6000 SE", "NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition"),
    ("RTX PRO 6000", "NVIDIA-RTX-PRO-6000-Blackwell-Workstation-Edition"),
    ("RTX 5090 Laptop", None),
    ("RTX 5090", "NVIDIA-GeForce-RTX-5090"),
    ("RTX 5080", "NVIDIA-GeForce-RTX-5080"),
    ("RTX 4090", "NVIDIA-GeForce-RTX-4090"),
    ("RTX 3090", "NVIDIA-GeForce-RTX-3090"),
    ("H100 NVL", "NVIDIA-H100-NVL"),
    ("H100", "NVIDIA-H100-80GB-HBM3"),
    ("H200", "NVIDIA-H200"),
    ("A100 80GB", "NVIDIA-A100-SXM4-80GB"),
    ("B200", "NVIDIA-B200"),
    ("L40S", "NVIDIA-L40S"),
    ("GB10", "NVIDIA-GB10"),
    ("Thor", "NVIDIA-Thor"),
)
"""The first that a report's words hold. RTX PRO 6000 without a word of its edition is the workstation's, because 24.1
tokens of 61 GB in a second are more than the server edition's bandwidth."""
_FORMATS = (
    (r"bf16", Quantization.BF16),
    (r"fp8", Quantization.FP8),
    (r"awq|int4|w4a16", Quantization.W4A16),
    (r"q8", Quantization.Q8_0),
    (r"q4", Quantization.Q4_K_M),
)
_NVFP4_OF = {"experts only": "nvidia/Gemma-4-26B-A4B-NVFP4", "MLP only": "nvidia/Gemma-4-31B-IT-NVFP4"}
_NVFP4_ALL = {Variant.V31B: "RedHatAI/gemma-4-31B-it-NVFP4", Variant.V26B_A4B: "RedHatAI/gemma-4-26B-A4B-it-NVFP4"}


def product_of(words: str) -> str | None:
    """Return the catalogue's name of a GPU."""
    return next((product for word, product in _PRODUCTS if word in words), None)


def variant_of(words: str) -> Variant:
    """Return the variant that a name begins with; `26B` is 26B-A4B."""
    return next(variant for variant in Variant if str(variant) in words or words.startswith(str(variant)[:3]))


def checkpoint_of(variant: Variant, words: str, repository: str) -> Checkpoint | None:
    """Return the catalogue's row: by repository, or by format where that says what is read."""
    own = catalog().find(repository)
    if own is not None:
        return own
    words = words.lower()
    if "nvfp4" in words:
        name = _NVFP4_ALL.get(variant) if "all linears" in words else None
        name = name or next((found for part, found in _NVFP4_OF.items() if part.lower() in words), None)
        return catalog().find(name) if name else None
    quantization = next((known for pattern, known in _FORMATS if re.search(pattern, words)), None)
    return catalog().preferred(variant, quantization) if quantization else None


def is_refused(engine: str, variant: Variant) -> bool:
    """Whether the catalogue runs no such version of vLLM."""
    if "vLLM" not in engine:
        return False
    version = version_of(re.sub(r"^vLLM (>=)?", "", engine))
    return bool(version) and version < version_of(catalog().engines[EngineType.VLLM].minimum_version[variant])


def rate_of(told: object) -> float:
    """Return a rate; of two figures for prose and code, the first."""
    return float(str(told).split("/")[0])


def lengths_of(told: str) -> tuple[int | None, int | None]:
    """Return the tokens of prompt and answer of `1024/200` or `@4K ctx`; None: not told."""
    found = re.fullmatch(r"~?(\d+)/(\d+)", told)
    if found:
        return int(found[1]), int(found[2])
    context = re.match(r"@(\d+)K", told)
    return (int(context[1]) * 1024, None) if context else (None, None)


def prompt_rate_of(told: str) -> float | None:
    """Return the tokens per second of prompts, where they stand beside the lengths."""
    found = re.search(r"prefill (\d+) tok/s", told)
    return float(found[1]) if found else None


def source_of(told: str) -> str:
    """Return whose report it is."""
    return re.split(r"[ ,(]", told.removeprefix("github "))[0]
