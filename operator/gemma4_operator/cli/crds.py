"""`gemma4 crds`: print the CustomResourceDefinitions."""

import argparse
import json
import sys

from gemma4_operator.cli.verb import Exit, Verb


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        choices=("yaml", "json"),
        default="yaml",
        help="yaml: one document for each definition; json: one List (default: yaml)",
    )


def _run(args: argparse.Namespace) -> Exit:
    # What makes schemas is used by this verb alone.
    from gemma4_operator.api.crd import crds, to_yaml

    if args.output == "json":
        manifests = {"apiVersion": "v1", "kind": "List", "items": list(crds())}
        sys.stdout.write(json.dumps(manifests, indent=2, sort_keys=True) + "\n")
    else:
        sys.stdout.write("---\n".join(map(to_yaml, crds())))
    return Exit.OK


VERB = Verb(
    name="crds",
    summary="print the CustomResourceDefinitions, ready to apply",
    details=(
        "Print the CustomResourceDefinitions that this version of the operator works with.\n\n"
        "example:\n  gemma4 crds | kubectl apply --server-side -f -"
    ),
    add_arguments=_add_arguments,
    run=_run,
)
