"""`gemma4 completion`: a script that teaches a shell the verbs, their options and the options' values."""

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.cli.shells import SHELLS
from gemma4_operator.cli.tree import Branch, Option, Tree, tree_of
from gemma4_operator.cli.verb import Exit, Verb
from gemma4_operator.planner.shape import KvDtype
from gemma4_operator.sim.rules import names


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=tuple(SHELLS), help="the shell that is to complete")


def _run(args: argparse.Namespace) -> Exit:
    sys.stdout.write(SHELLS[args.shell](_with_values(tree_of(args.parser), _values())))
    return Exit.OK


def _values() -> Mapping[str, tuple[str, ...]]:
    """Return what options take that verbs read in any spelling, and that a shell may as well know."""
    products = sorted({product for gpu in builtin_catalog().gpus for product in gpu.products if " " not in product})
    return {
        "--variant": tuple(Variant),
        "--quantization": tuple(Quantization),
        "--engine": tuple(EngineType),
        "--kv-dtype": tuple(KvDtype),
        "--gpu": tuple(products),
        "--policy": names(),
    }


def _with_values(tree: Tree, values: Mapping[str, tuple[str, ...]]) -> Tree:
    return replace(tree, branches=tuple(_branch(branch, values) for branch in tree.branches))


def _branch(branch: Branch, values: Mapping[str, tuple[str, ...]]) -> Branch:
    return replace(branch, options=tuple(_option(option, values) for option in branch.options))


def _option(option: Option, values: Mapping[str, Iterable[str]]) -> Option:
    known = tuple(values.get(option.flags[-1], ()))
    return replace(option, choices=known) if known and not option.choices else option


VERB = Verb(
    name="completion",
    summary="print a script that completes this command in bash, zsh or fish",
    details=(
        "Print a script that completes verbs, options and their values.\n\n"
        "examples:\n"
        "  source <(gemma4 completion bash)\n"
        '  gemma4 completion zsh > "${fpath[1]}/_gemma4"\n'
        "  gemma4 completion fish > ~/.config/fish/completions/gemma4.fish"
    ),
    add_arguments=_add_arguments,
    run=_run,
)
