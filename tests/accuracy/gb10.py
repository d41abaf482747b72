"""The measurements on one DGX Spark: four variants, closed loop with 1 to 20 streams, and open loop under load."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from gemma4_operator.api.common import Quantization, Variant
from gemma4_operator.planner.shape import KvDtype
from gemma4_operator.planner.speed import Speed, speed
from tests.accuracy.errors import Pair
from tests.accuracy.shapes import DATA, preferred, shape
from tests.accuracy.waves import Wave, wave

CLOSED, OPEN = "GB10, closed loop", "GB10, open loop"
BATCHED_TOKENS = 8192
_CHOSE_STREAMS = 5
"""Constants were chosen on rows of at most so many streams."""
_ANSWERED_IN_FULL = ("02-rag-8k", "05-big-context", "06-concurrency-stress")
"""Tests whose answers are short enough to reach their length, so that a wave can be followed. In the others most end
before: there the streams that were busy on average are the sum of all rates by the mean rate."""
_FIRST_TEST = "01-chat"
_QUEUE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the closed loop; `prompt_tokens` as they were, not as they were meant."""

    variant: Variant
    quantization: Quantization
    precision: str
    test: str
    prompt_tokens: int
    output_tokens: int
    streams: int
    first_token_seconds: float
    token_seconds: float
    busy_streams: float

    @property
    def label(self) -> str:
        """Name the row."""
        return f"{self.precision} {self.test} {self.prompt_tokens}/{self.output_tokens}, {self.streams} streams"


_MODELS = {
    "gemma-4-31b-it": Variant.V31B,
    "gemma-4-26b-a4b-it": Variant.V26B_A4B,
    "gemma-4-e4b-it": Variant.E4B,
    "gemma-4-e2b-it": Variant.E2B,
}


def token_pairs() -> Iterator[Pair]:
    """Yield the time per output token of every row of the closed loop."""
    for row in closed_loop():
        rates = _speed(row.variant, row.quantization)
        if row.streams > 1 and row.test in _ANSWERED_IN_FULL:
            predicted = _wave(row, output_tokens=row.output_tokens).token_seconds
        else:
            context = row.prompt_tokens + row.output_tokens / 2
            predicted = rates.decode_seconds(batch=row.busy_streams, context_tokens=context)
        yield _pair(row, row.token_seconds, predicted)


def step_pairs() -> Iterator[Pair]:
    """Yield the same for rows that no prompt holds up, as `gemma4 predict --batch STREAMS` says it."""
    for row in closed_loop():
        if row.streams == 1 or row.test not in _ANSWERED_IN_FULL:
            context = row.prompt_tokens + row.output_tokens / 2
            predicted = _speed(row.variant, row.quantization).decode_seconds(batch=row.streams, context_tokens=context)
            yield _pair(row, row.token_seconds, predicted)


def first_token_pairs() -> Iterator[Pair]:
    """Yield the time to the first token, but of what is sent first after a start: kernels are compiled for it."""
    for row in closed_loop():
        if row.test != _FIRST_TEST or row.streams > 1:
            yield _pair(row, row.first_token_seconds, _wave(row, output_tokens=2).first_token_seconds)


def loaded_pairs() -> Iterator[Pair]:
    """Yield the time per output token under a steady load of requests that arrive by chance."""
    for line in _lines("gb10_gemma4_open_loop.csv"):
        if float(line["ttft_mean"]) / 1000 > _QUEUE_SECONDS:
            continue
        variant, quantization = _MODELS[line["model"]], _quantization(line["precision"])
        rates = _speed(variant, quantization)
        measured = float(line["tpot_mean"]) / 1000
        prompt = float(line["mean_in"])
        busy = float(line["achieved_rps"]) * prompt * rates.prefill_seconds_per_token(prompt)
        step = rates.decode_seconds(
            batch=float(line["out_tok_s"]) * measured, context_tokens=prompt + float(line["mean_out"]) / 2
        )
        yield Pair(
            source=OPEN,
            group=f"{variant} {quantization}",
            label=f"{line['precision']} {line['test']}",
            measured_seconds=measured,
            predicted_seconds=step / (1 - busy),
        )


@cache
def closed_loop() -> tuple[Row, ...]:
    """Return all rows.

    The tool's prompts came out shorter than their nominal size, by up to 9 % at 25,000 tokens: rate by time of the row
    with one stream tells the true length.
    """
    lines = list(_lines("gb10_gemma4_closed_loop.csv"))
    lengths = {
        _prompt_of(line): float(line["prefill_tok_s_total"]) * float(line["e2e_ttft_ms_mean"]) / 1000
        for line in lines
        if line["concurrency"] == "1"
    }
    return tuple(_row(line, lengths.get(_prompt_of(line), float("inf"))) for line in lines)


def _prompt_of(line: dict[str, str]) -> tuple[str, str, str]:
    return line["model"], line["precision"], line["prompt_tokens"]


def _row(line: dict[str, str], true_tokens: float) -> Row:
    rate = float(line["decode_tok_s_per_req"])
    return Row(
        variant=_MODELS[line["model"]],
        quantization=_quantization(line["precision"]),
        precision=line["precision"],
        test=line["test"],
        prompt_tokens=int(min(float(line["prompt_tokens"]), true_tokens)),
        output_tokens=int(line["output_tokens"]),
        streams=int(line["concurrency"]),
        first_token_seconds=float(line["e2e_ttft_ms_mean"]) / 1000,
        token_seconds=1 / rate,
        busy_streams=float(line["decode_tok_s_total"]) / rate,
    )


def _pair(row: Row, measured: float, predicted: float) -> Pair:
    return Pair(
        source=CLOSED,
        group=f"{row.variant} {row.quantization}",
        label=row.label,
        measured_seconds=measured,
        predicted_seconds=predicted,
        chose=row.streams <= _CHOSE_STREAMS,
    )


def _wave(row: Row, *, output_tokens: int) -> Wave:
    return wave(
        _speed(row.variant, row.quantization),
        streams=row.streams,
        prompt_tokens=row.prompt_tokens,
        output_tokens=output_tokens,
        batched_tokens=BATCHED_TOKENS,
    )


@cache
def _speed(variant: Variant, quantization: Quantization) -> Speed:
    checkpoint = preferred(variant, quantization)
    return speed(shape(variant=variant, checkpoint=checkpoint, product="NVIDIA-GB10", kv_dtype=KvDtype.FP8))


def _quantization(precision: str) -> Quantization:
    return Quantization.BF16 if precision.startswith("bf16") else Quantization.NVFP4


def _lines(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
