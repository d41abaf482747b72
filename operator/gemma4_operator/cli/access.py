"""Which cluster a verb asks, and which namespace is the usual one there: `--kubeconfig`, `--context` and `-n`."""

import argparse
from dataclasses import dataclass

from gemma4_operator.cli.namespaces import DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What of it was named; None: it is as kubectl would find it."""

    kubeconfig: str | None = None
    context: str | None = None

    @property
    def is_named(self) -> bool:
        """Whether anything was."""
        return self.kubeconfig is not None or self.context is not None


def add_access(parser: argparse.ArgumentParser) -> None:
    """Add `--kubeconfig` and `--context`."""
    parser.add_argument(
        "--kubeconfig", metavar="FILE", help="the kubeconfig to read, instead of those that KUBECONFIG names"
    )
    parser.add_argument("--context", metavar="NAME", help="a context of it, instead of the current one")


def access(args: argparse.Namespace) -> Access:
    """Return what a command names."""
    return Access(kubeconfig=args.kubeconfig, context=args.context)


def clusters_namespace(args: argparse.Namespace, *, instead: str) -> str:
    """Return the namespace of what the cluster is asked for: `-n`, else the context's. Raises InvalidInput."""
    if args.namespace:
        return str(args.namespace)
    # The client takes most of a second to import, and files need none.
    from gemma4_operator.cli.cluster import usual_namespace

    return usual_namespace(access(args), instead=instead)


def files_namespace(args: argparse.Namespace) -> str:
    """Return the namespace of what a file has without one; where no cluster is asked, no kubeconfig changes it.

    Raises:
        InvalidInput: For a kubeconfig that cannot be used.
    """
    asks = args.inventory is None or access(args).is_named
    return clusters_namespace(args, instead="`--inventory`") if asks else DEFAULT
