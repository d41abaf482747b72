"""`gemma4 fit`: whether one configuration starts on one kind of GPU, what it holds, and what would make it fit."""

import argparse
from dataclasses import replace

from gemma4_operator.api.capabilities import DEFAULT_CONTEXT_TOKENS, Modality
from gemma4_operator.catalog.loader import Catalog, builtin_catalog
from gemma4_operator.catalog.versions import version_of
from gemma4_operator.cli.fit_report import result, table
from gemma4_operator.cli.inputs import InvalidInput
from gemma4_operator.cli.output import add_output, emit
from gemma4_operator.cli.refused import refusals
from gemma4_operator.cli.shapes import MOST_AT_ONCE, add_shape_arguments, between, shape_of
from gemma4_operator.cli.verb import Exit, Verb
from gemma4_operator.planner.adjust import adjustments
from gemma4_operator.planner.candidates import backend_version
from gemma4_operator.planner.engine_defaults import engine_defaults
from gemma4_operator.planner.memory import memory
from gemma4_operator.planner.shape import Shape


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_shape_arguments(parser, batched_tokens="the engine's own")
    add = parser.add_argument
    add(
        "--context",
        type=int,
        default=DEFAULT_CONTEXT_TOKENS,
        metavar="N",
        help=f"the longest request, in tokens (default: {DEFAULT_CONTEXT_TOKENS})",
    )
    add("--concurrency", type=int, metavar="N", help="requests that the engine takes at once (default: its own)")
    add("--gpu-memory-utilization", type=float, metavar="F", help="vLLM's share of the GPU (default: its own)")
    add("--engine-version", metavar="V", help="such as 0.25.1 (default: the catalogue's)")
    add(
        "--modalities",
        default="text",
        metavar="M,M",
        help="what requests carry: text, image, video, audio; encoders of others are not loaded (default: text)",
    )
    add("--drafter", action="store_true", help="load the model's drafter too")
    add_output(parser)


def _run(args: argparse.Namespace) -> Exit:
    catalog = builtin_catalog()
    shape = _shape(args, catalog)
    budget = memory(shape)
    changes = () if budget.fits else adjustments(shape, catalog)
    engine = catalog.engines[shape.engine]
    refused = refusals(shape, engine, args.engine_version or engine.version)
    told = result(shape, budget, changes, asked=args.concurrency, refused=refused)
    emit(told, args.output, table=lambda: table(told, shape, budget, changes))
    return Exit.OK if told["fits"] else Exit.INFEASIBLE


def _shape(args: argparse.Namespace, catalog: Catalog) -> Shape:
    """Return the shape of the options, with the engine's own choice for what was left out. Raises InvalidInput."""
    named = shape_of(args, catalog, context_tokens=args.context, sequences=1)
    version = named.backend_version
    if args.engine_version is not None:
        if not version_of(args.engine_version):
            raise InvalidInput(f"`--engine-version` must be one such as 0.33.0, and is '{args.engine_version}'")
        version = backend_version(catalog.engines[named.engine], args.engine_version)
    media = _media(args.modalities, named)
    own = engine_defaults(named.backend, version=version, model=named.model, device=named.device, media=media)
    if args.concurrency is not None:
        between("--concurrency", args.concurrency, 1, MOST_AT_ONCE)
    share = args.gpu_memory_utilization
    if share is not None and not 0 < share <= 1:
        raise InvalidInput(f"`--gpu-memory-utilization` must be above 0 and at most 1, and is {share}")
    if args.drafter and named.model.drafter is None:
        raise InvalidInput(f"`--drafter` must be absent: the catalogue has none for {named.model.variant}")
    return replace(
        named,
        backend_version=version,
        media=media,
        drafter=args.drafter,
        max_batched_tokens=args.max_batched_tokens or own.batched_tokens,
        max_sequences=args.concurrency or own.sequences,
        memory_utilization=share or own.memory_utilization,
    )


def _media(text: str, shape: Shape) -> frozenset[str]:
    able = {name.lower(): name for name in shape.model.modalities}
    found = set()
    for word in filter(None, (part.strip().lower() for part in text.split(","))):
        if word not in able:
            known = ", ".join(able)
            raise InvalidInput(f"`--modalities` must be of what {shape.model.variant} takes ({known}), not '{word}'")
        found.add(able[word])
    return frozenset(found - {Modality.TEXT.value})


VERB = Verb(
    name="fit",
    summary="say whether one configuration fits a GPU, line by line, and what would make it fit",
    details=(
        "Compute the memory of one GPU as the engine will use it. What is left out is the engine's own default.\n\n"
        "examples:\n"
        "  gemma4 fit --variant 31B --quantization BF16 --gpu NVIDIA-H100-80GB-HBM3 --context 131072\n"
        "  gemma4 fit --variant 12B --quantization W4A16 --gpu-memory-mib 16303 --context 32768 --modalities image\n"
        "  gemma4 fit --variant 26B-A4B --quantization Q4_K_M --engine LlamaCpp --gpu NVIDIA-GeForce-RTX-4090 \\\n"
        "    --context 65536 --concurrency 4 --kv-dtype q8_0 -o json | jq .memory.totalMiB"
    ),
    add_arguments=_add_arguments,
    run=_run,
)
