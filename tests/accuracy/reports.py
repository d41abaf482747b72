"""Speeds that people reported for Gemma 4 on other GPUs."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from gemma4_operator.api.common import EngineType, Variant
from gemma4_operator.planner.shape import KvDtype, Shape
from tests.accuracy.rules import Json, why_no_benchmark, why_no_case
from tests.accuracy.shapes import DATA, shape
from tests.accuracy.words import checkpoint_of, lengths_of, product_of, prompt_rate_of, rate_of, source_of, variant_of

UNTOLD_TOKENS = 500
"""Taken for a prompt or an answer of which no length is told: with one stream the context matters by under 2 %."""
_RESTED_ON = (
    "1x H200, E4B-it, SGLang, ~610/422, 1 streams",
    "1x H200, 26B-A4B-it, SGLang",
    "c106",
    "c108",
    "c138",
    "1x RTX 5090, 26B-A4B Q4_K",
    "1x RTX 3090, 12B Q8_K_XL",
    "Jetson AGX Thor",
)
"""Beginnings of the reports that constants of planner/reach.py and planner/roofline.py name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One operating point.

    Attributes:
        streams: That decoded at the same time, on average.
        token_seconds: Per output token of one stream.
        first_token_seconds: Of one prompt alone.
        prompt_token_seconds: Per token of prompts that fill the GPU.
        chose: Whether constants rest on it.
    """

    source: str
    name: str
    shape: Shape
    streams: float
    prompt_tokens: int
    output_tokens: int
    token_seconds: float | None = None
    first_token_seconds: float | None = None
    prompt_token_seconds: float | None = None

    @property
    def chose(self) -> bool:
        """Return whether constants rest on it."""
        return self.name.startswith(_RESTED_ON)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A report that is not compared, and the rule that says so."""

    name: str
    rule: str


def reports() -> tuple[Report, ...]:
    """Return what can be compared."""
    return tuple(one for one in _all() if isinstance(one, Report))


def left_out() -> tuple[LeftOut, ...]:
    """Return what cannot."""
    return tuple(one for one in _all() if isinstance(one, LeftOut))


@cache
def _all() -> tuple[Report | LeftOut, ...]:
    return (*_benchmarks(), *_cases())


def _benchmarks() -> Iterator[Report | LeftOut]:
    for row in json.loads((DATA / "gemma4_benchmarks.json").read_text(encoding="utf-8")):
        name = f"{row['hardware']}, {row['model']}, {row['engine']}, {row['in_out']}, {row['concurrency']} streams"
        rule = why_no_benchmark(row)
        yield LeftOut(name=name, rule=rule) if rule else _benchmark(name, row)


def _benchmark(name: str, row: Json) -> Report:
    engine = EngineType.LLAMA_CPP if "llama.cpp" in row["engine"] else EngineType.VLLM
    count, rate = row["concurrency"], rate_of(row["output_tok_s"])
    token_seconds = row["tpot_ms"] / 1000 if row["tpot_ms"] else count / rate
    prompt, output = lengths_of(row["in_out"])
    prompt_rate = prompt_rate_of(row["in_out"])
    first = prompt / prompt_rate if prompt and prompt_rate else None
    if row["ttft_ms"] and prompt and count == 1:
        first = row["ttft_ms"] / 1000
    gpus = re.match(r"(\d+)x", row["hardware"])
    return Report(
        source=source_of(row["source"]),
        name=name,
        shape=_shape(
            variant=variant_of(row["model"]),
            quantization=row["quant"],
            repository=row["model"],
            gpu=row["hardware"],
            gpus=int(gpus[1]) if gpus else 1,
            engine=engine,
            flags={},
        ),
        # Streams wait for prompts and for one another's ends: how many are busy follows from the rates.
        streams=min(count, rate * token_seconds),
        prompt_tokens=prompt or UNTOLD_TOKENS,
        output_tokens=output or UNTOLD_TOKENS,
        token_seconds=token_seconds,
        first_token_seconds=first,
    )


def _cases() -> Iterator[Report | LeftOut]:
    for case in json.loads((DATA / "fit-and-speed.json").read_text(encoding="utf-8")):
        if case["kind"] in {"decode_speed", "prefill_speed", "ttft"}:
            name = f"{case['id']}: {case['gpu_count']}x {case['gpu']}, {case['variant']} {case['quantization']}"
            rule = why_no_case(case)
            yield LeftOut(name=name, rule=rule) if rule else _case(name, case)


def _case(name: str, case: Json) -> Report:
    load, outcome = case["load"], case["outcome"]
    engine = {"llama.cpp": EngineType.LLAMA_CPP, "ollama": EngineType.OLLAMA}.get(case["engine"], EngineType.VLLM)
    milliseconds, rate = outcome.get("tpot_ms") or outcome.get("itl_ms"), outcome.get("decode_tok_s_c1")
    token_seconds = milliseconds / 1000 if milliseconds else 1 / rate if rate else None
    prompt = load.get("prompt_tokens") or load.get("input_tokens") or load.get("context_tokens")
    prompt_rate = outcome.get("prefill_tok_s") if prompt else None
    is_alone = load.get("concurrency") == 1
    streams = load.get("concurrency", 1)
    if streams > 1 and token_seconds:
        streams = min(streams, outcome["output_tok_s_total"] * token_seconds)
    untold = 0 if load.get("context_tokens") else UNTOLD_TOKENS
    return Report(
        source=f"field cases, {case['engine']}",
        name=name,
        shape=_shape(
            variant=Variant(case["variant"]),
            quantization=case["quantization"],
            repository=case["checkpoint"],
            gpu=case["gpu"],
            gpus=case["gpu_count"],
            engine=engine,
            flags=case["flags"],
        ),
        streams=streams,
        prompt_tokens=prompt or UNTOLD_TOKENS,
        output_tokens=load.get("output_tokens") or load.get("mean_output_tokens") or untold,
        token_seconds=token_seconds,
        first_token_seconds=prompt / prompt_rate if prompt_rate and is_alone else None,
        prompt_token_seconds=1 / prompt_rate if prompt_rate and not is_alone else None,
    )


def _shape(
    *, variant: Variant, quantization: str, repository: str, gpu: str, gpus: int, engine: EngineType, flags: Json
) -> Shape:
    checkpoint, product = checkpoint_of(variant, quantization, repository), product_of(gpu)
    assert checkpoint is not None, (variant, quantization)
    assert product is not None, gpu
    batched = 8192 if engine is EngineType.VLLM else 512
    return shape(
        variant=variant,
        checkpoint=checkpoint,
        product=product,
        gpus=gpus,
        engine=engine,
        kv_dtype=KvDtype.FP8 if flags.get("kv-cache-dtype") == "fp8" else KvDtype.BF16,
        batched_tokens=int(flags.get("max-num-batched-tokens", batched)),
    )
