"""What another tool predicts for GPUs that nobody measured: aiconfigurator, which has tables of kernels for each."""

import csv
from collections.abc import Iterator

from gemma4_operator.api.common import Quantization, Variant
from gemma4_operator.planner.speed import PROMPT_SECONDS, speed
from tests.accuracy.errors import ERROR_COLUMNS, Pair, line, table
from tests.accuracy.section import Section
from tests.accuracy.shapes import DATA, preferred, shape

_MODELS = {"google/gemma-4-26B-A4B@vllm": Variant.V26B_A4B, "google/gemma-4-31B@vllm": Variant.V31B}
_SYSTEMS = {
    "a100_sxm": "NVIDIA-A100-SXM4-80GB",
    "b200_sxm": "NVIDIA-B200",
    "h100_sxm": "NVIDIA-H100-80GB-HBM3",
    "h200_sxm": "NVIDIA-H200",
    "l40s": "NVIDIA-L40S",
    "rtx_pro_6000_server": "NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition",
}


def section() -> Section:
    """Return how far the two tools are apart."""
    pairs = tuple(_pairs())
    return Section(
        title="Beside another tool",
        intro="""\
Predictions against predictions: aiconfigurator 0.12.0, which interpolates in tables of kernels that were timed on each
GPU, for BF16. Nothing is demanded, and no constant rests on it; it shows whether the planner orders GPUs as others do.
A positive bias means that the planner is the more cautious.""",
        columns=("of one", "model", "GPU", *ERROR_COLUMNS),
        rows=table(pairs, lambda pair: (pair.label, pair.group, pair.source)),
        verdict=(
            line("Decode steps", [pair for pair in pairs if pair.label == "step"]),
            line("Prompts", [pair for pair in pairs if pair.label == "prompt"]),
        ),
    )


def _pairs() -> Iterator[Pair]:
    with (DATA / "aic012_predicted_latency.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["model"] in _MODELS:
                yield _pair(row)


def _pair(row: dict[str, str]) -> Pair:
    variant, product, gpus = _MODELS[row["model"]], _SYSTEMS[row["system"]], int(row["tp"])
    checkpoint = preferred(variant, Quantization.BF16)
    rates = speed(shape(variant=variant, checkpoint=checkpoint, product=product, gpus=gpus))
    batch, tokens = int(row["batch"]), int(row["context_or_prompt_tokens"])
    is_step = row["phase"] == "decode_step"
    step = rates.decode_seconds(batch=batch, context_tokens=tokens)
    return Pair(
        source=product.removeprefix("NVIDIA-"),
        group=f"{variant} on {gpus}",
        label="step" if is_step else "prompt",
        measured_seconds=float(row["predicted_ms"]) / 1000,
        predicted_seconds=step if is_step else rates.prefill_seconds(tokens) - PROMPT_SECONDS,
    )
