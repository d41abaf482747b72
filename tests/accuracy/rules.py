"""Which reports are compared: each rule looks at the report alone, never at how far off a prediction would be."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from gemma4_operator.api.common import Variant
from tests.accuracy.words import checkpoint_of, is_refused, product_of, variant_of

Json = Mapping[str, Any]
_Rules = tuple[tuple[Callable[[Json], bool], str], ...]
_SPECULATION = re.compile(r"MTP|EAGLE|DFlash|drafter|assistant|speculative", re.IGNORECASE)
_OURS = ("vllm", "llama.cpp", "ollama")
_TOLD = ("decode_tok_s_c1", "tpot_ms", "itl_ms", "prefill_tok_s")
_IN_TRACE = "is a row of the GB10 trace, which is compared as a whole"
_SPECULATES = "runs with speculative decoding, which is not modelled"
_UNKNOWN_GPU = "runs on a GPU that the catalogue does not have"
_OTHER_MODEL = "is of another model"


def why_no_benchmark(row: Json) -> str | None:
    """Return the rule that leaves out a row of the benchmarks, if one does."""
    return _first(_BENCHMARK_RULES, row)


def why_no_case(case: Json) -> str | None:
    """Return the rule that leaves out a field case, if one does."""
    return _first(_CASE_RULES, case)


def _first(rules: _Rules, report: Json) -> str | None:
    return next((text for applies, text in rules if applies(report)), None)


def _has_no_weights(case: Json) -> bool:
    return checkpoint_of(Variant(case["variant"]), case["quantization"], case["checkpoint"]) is None


def _speculates(case: Json) -> bool:
    return _SPECULATION.search(f"{case['checkpoint']} {' '.join(case['flags'])}") is not None


_BENCHMARK_RULES: _Rules = (
    (lambda row: "djangodevreng" in row["source"], _IN_TRACE),
    (lambda row: "DiffusionGemma" in row["model"], _OTHER_MODEL),
    (lambda row: _SPECULATION.search(row["model"]) is not None, _SPECULATES),
    (lambda row: "image" in row["model"], "sends images, whose encoder is not modelled"),
    (lambda row: not isinstance(row["concurrency"], int), "does not say how many streams ran"),
    (lambda row: product_of(row["hardware"]) is None, _UNKNOWN_GPU),
    (lambda row: is_refused(row["engine"], variant_of(row["model"])), "runs a version that the catalogue refuses"),
)
_CASE_RULES: _Rules = (
    (lambda case: "djangodevreng" in case["source"], _IN_TRACE),
    (lambda case: case["confidence"] != "high", "is not of high confidence"),
    (lambda case: case["variant"] not in set(Variant), _OTHER_MODEL),
    (_speculates, _SPECULATES),
    (lambda case: case["engine"] not in _OURS, "runs on an engine that is not ours"),
    (lambda case: product_of(case["gpu"]) is None, _UNKNOWN_GPU),
    (lambda case: bool(case["flags"].get("enforce-eager")), "runs without graphs, which the operator never asks for"),
    (lambda case: "free" in case["gpu"] or "limited" in case["gpu"], "runs partly on the CPU, or in a queue"),
    (_has_no_weights, "does not say which layers are in four bits, or has a format that the catalogue lacks"),
    (lambda case: not set(_TOLD) & set(case["outcome"]), "tells no rate with a number of streams"),
)
