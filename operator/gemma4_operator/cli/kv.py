"""`gemma4 kv`: how many blocks vLLM cuts a pool into, and how many full-length requests they hold at once."""

import argparse
import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from gemma4_operator.api.common import Variant
from gemma4_operator.catalog.loader import Catalog, builtin_catalog
from gemma4_operator.catalog.versions import Version
from gemma4_operator.cli.inputs import STDIN, InvalidInput, read_text
from gemma4_operator.cli.kv_points import COLUMNS, Answer, answer, engine_version
from gemma4_operator.cli.output import add_output, columns, emit
from gemma4_operator.cli.verb import Exit, Verb

_GIB, _MIB = 2**30, 2**20
_RESULTS = ("num_blocks", "max_concurrency")
_OPTIONS = ("--variant", "--kv-dtype", "--tensor-parallel", "--context", "--max-batched-tokens", "--pool-gib")
"""In the order of the columns: both forms are read alike, and told apart in messages alone."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--variant", metavar="V", help=f"the model: {', '.join(Variant)}")
    add("--kv-dtype", metavar="D", default="bf16", help="the cache's format: bf16 or fp8 (default: bf16)")
    add("--tensor-parallel", metavar="N", default="1", help="GPUs of one replica (default: 1)")
    add("--context", metavar="N", help="the longest request, in tokens: vLLM's --max-model-len")
    add("--max-batched-tokens", metavar="N", help="the most of one step: vLLM's --max-num-batched-tokens")
    add("--pool-gib", metavar="N", help="the cache of one GPU in GiB, as in vLLM's 'Available KV cache memory'")
    add("--engine-version", metavar="V", help="of vLLM, such as 0.25.1 (default: the catalogue's)")
    add("--csv", metavar="FILE", help=f"many points, with the columns {','.join(COLUMNS)}; - is standard input")
    add_output(parser)


def _run(args: argparse.Namespace) -> Exit:
    catalog = builtin_catalog()
    version = engine_version(args.engine_version, catalog)
    if args.csv is not None:
        return _many(args, catalog, version)
    given = (args.variant, args.kv_dtype, args.tensor_parallel, args.context, args.max_batched_tokens, args.pool_gib)
    for option, text in zip(_OPTIONS, given, strict=True):
        if text is None:
            raise InvalidInput(f"`{option}` must be given, or `--csv` with a file of many points")
    names = {column: f"`{option}`" for column, option in zip(COLUMNS, _OPTIONS, strict=True)}
    found = answer(dict(zip(COLUMNS, given, strict=True)), catalog=catalog, version=version, names=names)
    result = {
        "numBlocks": found.num_blocks,
        "maxConcurrency": round(found.max_concurrency, 4),
        "blockBytes": found.block_bytes,
        "requestBlocks": found.request_blocks,
        "longestContextTokens": found.longest_context_tokens,
    }
    emit(result, args.output, table=lambda: _table(found, args.context))
    return Exit.OK if found.num_blocks else Exit.INFEASIBLE


def _many(args: argparse.Namespace, catalog: Catalog, version: Version) -> Exit:
    where = "standard input" if args.csv == STDIN else args.csv
    reader = csv.DictReader(io.StringIO(read_text(args.csv, form="CSV")))
    try:
        heads = [*(reader.fieldnames or ())]
        missing = [name for name in COLUMNS if name not in heads]
        if missing:
            raise InvalidInput(f"{where}: must have the columns {','.join(COLUMNS)}, and lacks {', '.join(missing)}")
        rows = [*_filled(reader, where, catalog, version)]
    except csv.Error as error:
        raise InvalidInput(f"{where}: must be CSV, and is not: {error}") from error
    heads += [name for name in _RESULTS if name not in heads]
    emit(rows, args.output, table=lambda: _csv(rows, heads))
    return Exit.OK


def _filled(reader: "csv.DictReader[str]", where: str, catalog: Catalog, version: Version) -> Iterator[dict[str, Any]]:
    """Yield the rows with the answers in them."""
    for row in reader:
        if None in row:
            raise InvalidInput(f"{where}:{reader.line_num}: must have as many values as there are columns")
        names = {name: f"{where}:{reader.line_num}: `{name}`" for name in COLUMNS}
        found = answer(row, catalog=catalog, version=version, names=names)
        yield {**row, "num_blocks": found.num_blocks, "max_concurrency": round(found.max_concurrency, 4)}


def _table(found: Answer, context: str) -> str:
    needed_gib = found.request_blocks * found.block_bytes / _GIB
    holds = f"{found.max_concurrency:.2f} of them at once"
    if not found.num_blocks:
        holds = f"none: vLLM would not start; the longest that fits has {found.longest_context_tokens} tokens"
    rows = [
        ("blocks", f"{found.num_blocks} of {found.block_bytes / _MIB:.2f} MiB"),
        ("one request", f"{needed_gib:.2f} GiB for {context} tokens: {found.request_blocks} blocks"),
        ("holds", holds),
    ]
    return columns(rows)


def _csv(rows: Sequence[dict[str, Any]], heads: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=heads, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "max_concurrency": f"{row['max_concurrency']:.4f}" if row["num_blocks"] else "0"})
    return text.getvalue().rstrip("\n")


VERB = Verb(
    name="kv",
    summary="say how many full-length requests a cache holds in vLLM, block by block",
    details=(
        "Compute the key-value cache as vLLM does for Gemma 4's sliding and full layers: blocks of one page size,\n"
        "groups of layers, and what a request is admitted with for the tokens in flight.\n\n"
        "examples:\n"
        "  gemma4 kv --variant 31B --context 131072 --max-batched-tokens 2048 --pool-gib 14\n"
        "  gemma4 kv --variant 31B --kv-dtype fp8 --tensor-parallel 2 --context 262144 --max-batched-tokens 8192 \\\n"
        "    --pool-gib 20 --engine-version 0.25.1 -o json\n"
        "  gemma4 kv --csv points.csv"
    ),
    add_arguments=_add_arguments,
    run=_run,
)
