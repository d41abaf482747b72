"""`gemma4 predict`: how fast one configuration is at one operating point, whether it fits or not."""

import argparse
from typing import Any

from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.cli.inputs import InvalidInput
from gemma4_operator.cli.output import add_output, columns, emit
from gemma4_operator.cli.shapes import MOST_AT_ONCE, add_shape_arguments, at_least, between, shape_of
from gemma4_operator.cli.verb import Exit, Verb
from gemma4_operator.planner.memory import memory
from gemma4_operator.planner.shape import Shape
from gemma4_operator.planner.speed import speed


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_shape_arguments(parser)
    add = parser.add_argument
    add("--batch", type=int, required=True, metavar="N", help="sequences that are answered at the same time")
    add("--context", type=int, required=True, metavar="N", help="tokens that each of them holds, on average")
    add("--prompt", type=int, metavar="N", help="tokens of the prompt that is read (default: the context)")
    add_output(parser)


def _run(args: argparse.Namespace) -> Exit:
    between("--batch", args.batch, 1, MOST_AT_ONCE)
    prompt = args.context if args.prompt is None else args.prompt
    shape = shape_of(args, builtin_catalog(), context_tokens=args.context, sequences=args.batch)
    at_least("--prompt", prompt, 1)
    if prompt > shape.model.max_context_tokens:
        limit = shape.model.max_context_tokens
        raise InvalidInput(f"`--prompt` must be at most {limit}, all that {shape.model.variant} sees")
    result = _predict(shape, batch=args.batch, context_tokens=args.context, prompt_tokens=prompt)
    emit(result, args.output, table=lambda: _table(result))
    return Exit.OK


def _predict(shape: Shape, *, batch: int, context_tokens: int, prompt_tokens: int) -> dict[str, Any]:
    """Return the result as JSON; the other sequences of the batch are answered while the prompt is read."""
    rates, budget = speed(shape), memory(shape)
    step = rates.decode_seconds(batch=batch, context_tokens=context_tokens)
    first = rates.first_token_seconds(batch=batch - 1, context_tokens=context_tokens, prompt_tokens=prompt_tokens)
    held = budget.max_concurrency if budget.fits else 0.0
    notes = []
    if not shape.device.is_known:
        notes.append(
            "The catalogue does not know this GPU: the times are those of the slowest that could have such memory. "
            "Name a GPU of the catalogue that is like it."
        )
    if not budget.fits:
        notes.append(
            "It does not fit into the memory: these times are what it would take. `gemma4 fit` says what fits."
        )
    elif held < batch:
        notes.append(f"The cache holds {held:.1f} sequences of this context at once: more of them take turns.")
    return {
        "timePerOutputTokenMicroseconds": round(step * 1e6),
        "timeToFirstTokenMilliseconds": round(first * 1e3),
        "prefillTokensPerSecond": round(prompt_tokens / rates.prefill_seconds(prompt_tokens), 1),
        "outputTokensPerSecond": round(batch / step, 1),
        "weightsBytes": shape.checkpoint.bytes,
        "loadSeconds": round(rates.load_seconds, 1),
        "fits": held >= batch,
        "notes": notes,
    }


def _table(result: dict[str, Any]) -> str:
    rows = [
        ("time per output token", f"{result['timePerOutputTokenMicroseconds'] / 1000:.2f} ms"),
        ("time to first token", f"{result['timeToFirstTokenMilliseconds']} ms"),
        ("output", f"{result['outputTokensPerSecond']} tokens a second, all sequences together"),
        ("prompt alone", f"{result['prefillTokensPerSecond']} tokens a second"),
        ("weights", f"{result['weightsBytes'] / 1e9:.2f} GB"),
        ("load", f"{result['loadSeconds']} s from the container's start until it serves, downloads apart"),
        ("fits", "yes" if result["fits"] else "no"),
        *(("note", note) for note in result["notes"]),
    ]
    return columns(rows)


VERB = Verb(
    name="predict",
    summary="say how fast one configuration answers at one operating point",
    details=(
        "Predict times from bandwidth, arithmetic and the bytes that a step reads; docs/reference/accuracy.md says\n"
        "how far off they are.\n\n"
        "examples:\n"
        "  gemma4 predict --variant 31B --quantization NVFP4 --gpu NVIDIA-B200 --batch 16 --context 4096\n"
        "  gemma4 predict --variant 26B-A4B --quantization BF16 --gpu NVIDIA-H100-80GB-HBM3 --gpus 2 \\\n"
        "    --batch 64 --context 8192 --prompt 2048 -o json | jq .timePerOutputTokenMicroseconds"
    ),
    add_arguments=_add_arguments,
    run=_run,
)
