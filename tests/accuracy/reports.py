"""Speeds that people reported for Gemma 4 on other GPUs, and which of them can be compared with a prediction.

What is left out is left out by a rule that looks at the report alone, never at the result.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.catalog.checkpoints import Checkpoint
from gemma4_operator.planner.shape import KvDtype, Shape, version_of
from tests.accuracy.shapes import DATA, catalog, preferred, shape

BENCHMARKS, CASES = "gemma4_benchmarks.json", "fit-and-speed.json"
UNTOLD_TOKENS = 500
"""Taken for a prompt or an answer of which no length is told: with one stream the context matters by under 2 %."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One operating point; `token_seconds` is the inverse of one stream's rate where only a rate is told."""

    source: str
    name: str
    shape: Shape
    streams: float
    prompt_tokens: int
    output_tokens: int
    token_seconds: float | None = None
    first_token_seconds: float | None = None
    prompt_tokens_per_second: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A report that is not compared, and the rule that says so."""

    name: str
    rule: str


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
_SPECULATION = re.compile(r"MTP|EAGLE|DFlash|drafter|assistant|speculative", re.IGNORECASE)


@cache
def reports() -> tuple[tuple[Report, ...], tuple[LeftOut, ...]]:
    """Return what can be compared, and what is left out."""
    found: list[Report] = []
    left: list[LeftOut] = []
    for one in (*_benchmarks(), *_cases()):
        (left if isinstance(one, LeftOut) else found).append(one)  # type: ignore[arg-type]
    return tuple(found), tuple(left)


def _benchmarks() -> Iterator[Report | LeftOut]:
    for row in json.loads((DATA / BENCHMARKS).read_text(encoding="utf-8")):
        name = f"{row['hardware']}, {row['model']}, {row['engine']}, {row['in_out']}, {row['concurrency']} streams"
        rule = _rule(_BENCHMARK_RULES, row)
        yield LeftOut(name=name, rule=rule) if rule else _benchmark(name, row)


def _benchmark(name: str, row: Json) -> Report:
    engine = EngineType.LLAMA_CPP if "llama.cpp" in row["engine"] else EngineType.VLLM
    checkpoint = _checkpoint(_variant(row["model"]), row["quant"], row["model"])
    assert isinstance(checkpoint, Checkpoint), checkpoint
    gpus = re.match(r"(\d+)x", row["hardware"])
    streams = row["concurrency"]
    rate = _number(row["output_tok_s"])
    if row["tpot_ms"] is not None:
        token_seconds = row["tpot_ms"] / 1000
        # Streams wait for prompts and for one another's ends: the busy ones follow from the rates.
        streams = min(streams, rate * token_seconds) if streams > 1 else streams
    else:
        token_seconds = streams / rate
    prompt, output = _lengths(row["in_out"])
    return Report(
        source=_source(row["source"]),
        name=name,
        shape=_shape(_variant(row["model"]), checkpoint, row["hardware"], int(gpus[1]) if gpus else 1, engine, row),
        streams=streams,
        prompt_tokens=prompt or UNTOLD_TOKENS,
        output_tokens=output or UNTOLD_TOKENS,
        token_seconds=token_seconds,
        first_token_seconds=row["ttft_ms"] / 1000 if row["ttft_ms"] and prompt and row["concurrency"] == 1 else None,
        prompt_tokens_per_second=_prefill(row["in_out"]),
    )


def _cases() -> Iterator[Report | LeftOut]:
    cases = json.loads((DATA / CASES).read_text(encoding="utf-8"))
    for case in cases:
        if case["kind"] not in {"decode_speed", "prefill_speed", "ttft"}:
            continue
        name = f"{case['id']}: {case['gpu_count']}x {case['gpu']}, {case['variant']} {case['quantization']}"
        rule = _rule(_CASE_RULES, case)
        yield LeftOut(name=name, rule=rule) if rule else _case(name, case)


def _case(name: str, case: Json) -> Report:
    engine = {"llama.cpp": EngineType.LLAMA_CPP, "ollama": EngineType.OLLAMA}.get(case["engine"], EngineType.VLLM)
    variant = Variant(case["variant"])
    checkpoint = _checkpoint(variant, case["quantization"], case["checkpoint"])
    assert isinstance(checkpoint, Checkpoint), checkpoint
    load, outcome = case["load"], case["outcome"]
    prompt = load.get("prompt_tokens") or load.get("input_tokens") or load.get("context_tokens")
    output = load.get("output_tokens") or load.get("mean_output_tokens")
    streams = load.get("concurrency", 1)
    seconds = outcome.get("tpot_ms") or outcome.get("itl_ms")
    rate = outcome.get("decode_tok_s_c1")
    token_seconds = seconds / 1000 if seconds else 1 / rate if rate else None
    if seconds and streams > 1:
        streams = min(streams, outcome["output_tok_s_total"] * seconds / 1000)
    return Report(
        source=f"field cases, {case['engine']}",
        name=name,
        shape=_shape(variant, checkpoint, case["gpu"], case["gpu_count"], engine, case["flags"]),
        streams=streams,
        prompt_tokens=prompt or UNTOLD_TOKENS,
        output_tokens=output or (0 if load.get("context_tokens") else UNTOLD_TOKENS),
        token_seconds=token_seconds,
        prompt_tokens_per_second=outcome.get("prefill_tok_s") if prompt else None,
    )


def _shape(variant: Variant, checkpoint: Checkpoint, words: str, gpus: int, engine: EngineType, flags: Json) -> Shape:
    product = _product(words)
    assert product is not None, words
    kv_dtype = KvDtype.FP8 if "fp8" in str(flags.get("kv-cache-dtype", "")) else KvDtype.BF16
    return shape(
        variant=variant,
        checkpoint=checkpoint,
        product=product,
        gpus=gpus,
        engine=engine,
        kv_dtype=kv_dtype,
        batched_tokens=int(flags.get("max-num-batched-tokens", 8192 if engine is EngineType.VLLM else 512)),
    )


Rules = tuple[tuple[Callable[[Json], bool], str], ...]


def _rule(rules: Rules, report: Json) -> str | None:
    return next((text for applies, text in rules if applies(report)), None)


_BENCHMARK_RULES: Rules = (
    (lambda row: "djangodevreng" in row["source"], "is a row of the GB10 trace, which is compared as a whole"),
    (lambda row: "DiffusionGemma" in row["model"], "is of another kind of model"),
    (lambda row: _SPECULATION.search(row["model"]) is not None, "runs with speculative decoding, which is not modelled"),
    (lambda row: "image" in row["model"], "sends images, whose encoder is not modelled"),
    (lambda row: not isinstance(row["concurrency"], int), "does not say how many streams ran"),
    (lambda row: _product(row["hardware"]) is None, "runs on a GPU that the catalogue does not have"),
    (lambda row: _is_too_old(row["engine"], _variant(row["model"])), "runs a version that the catalogue refuses"),
    (lambda row: not isinstance(_checkpoint(_variant(row["model"]), row["quant"], row["model"]), Checkpoint),
     "has weights in a format that the catalogue does not have"),
)  # fmt: skip
_CASE_RULES: Rules = (
    (lambda case: "djangodevreng" in case["source"], "is a row of the GB10 trace, which is compared as a whole"),
    (lambda case: case["confidence"] != "high", "is not of high confidence"),
    (lambda case: case["variant"] not in set(Variant), "is of another model"),
    (lambda case: "spec" in str(case["flags"].get("speculative", "")) or _SPECULATION.search(
        f"{case['checkpoint']} {' '.join(case['flags'])}") is not None,
     "runs with speculative decoding, which is not modelled"),
    (lambda case: case["engine"] not in {"vllm", "llama.cpp", "ollama"}, "runs on an engine that is not ours"),
    (lambda case: _product(case["gpu"]) is None, "runs on a GPU that the catalogue does not have"),
    (lambda case: bool(case["flags"].get("enforce-eager")), "runs without graphs, which the operator never asks for"),
    (lambda case: "free" in case["gpu"] or "limited" in case["gpu"], "runs partly on the CPU, or queues"),
    (lambda case: not isinstance(_checkpoint(
        Variant(case["variant"]), case["quantization"], case["checkpoint"]), Checkpoint),
     "does not say which layers are in four bits, or the catalogue has no such format"),
    (lambda case: not {"decode_tok_s_c1", "tpot_ms", "itl_ms", "prefill_tok_s"} & set(case["outcome"]),
     "tells neither a time per token nor a rate with a number of streams"),
)  # fmt: skip


def _product(words: str) -> str | None:
    return next((product for word, product in _PRODUCTS if word in words), None)


def _variant(words: str) -> Variant:
    return next(variant for variant in Variant if str(variant) in words or words.startswith(str(variant)[:3]))


def _checkpoint(variant: Variant, words: str, repository: str) -> Checkpoint | str:
    """Return the catalogue's row: by repository, or by format where that says what is read."""
    own = catalog().find(repository)
    if own is not None:
        return own
    words = words.lower()
    if "nvfp4" in words:
        name = _NVFP4_ALL.get(variant) if "all linears" in words else None
        name = name or next((found for part, found in _NVFP4_OF.items() if part.lower() in words), None)
        row = catalog().find(name) if name else None
        return row or words
    quantization = next((known for pattern, known in _FORMATS if re.search(pattern, words)), None)
    row = catalog().preferred(variant, quantization) if quantization else None
    return row or words


def _is_too_old(engine: str, variant: Variant) -> bool:
    if "vLLM" not in engine:
        return False
    version = version_of(re.sub(r"^vLLM (>=)?", "", engine))
    return bool(version) and version < version_of(catalog().engines[EngineType.VLLM].minimum_version[variant])


def _number(told: object) -> float:
    """Return a rate; of two figures for prose and code, the first."""
    return float(str(told).split("/")[0])


def _lengths(told: str) -> tuple[int | None, int | None]:
    found = re.fullmatch(r"~?(\d+)/(\d+)", told)
    if found:
        return int(found[1]), int(found[2])
    context = re.match(r"@(\d+)K", told)
    return (int(context[1]) * 1024, None) if context else (None, None)


def _prefill(told: str) -> float | None:
    found = re.search(r"prefill (\d+) tok/s", told)
    return float(found[1]) if found else None


def _source(told: str) -> str:
    return re.split(r"[ ,(]", told.removeprefix("github "))[0]
