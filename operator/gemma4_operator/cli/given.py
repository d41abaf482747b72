"""What planning verbs plan: the Gemma4Deployments of a file, or one of a cluster."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from gemma4_operator.api.deployment import Gemma4Deployment
from gemma4_operator.api.read import InvalidResource, read_deployment
from gemma4_operator.cli.inputs import STDIN, InvalidInput, Object, read_deployments

_FILES = ("file", "compare", "inventory", "pods", "catalog")
"""The options that read a file, each of which may be standard input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A deployment that is planned, as a value and as it was given."""

    deployment: Gemma4Deployment
    raw: Object

    @property
    def name(self) -> str:
        """Its name."""
        return self.deployment.metadata.name

    @property
    def namespace(self) -> str:
        """Its namespace; one that names none goes to the default."""
        return str(self.raw["metadata"].get("namespace") or "default")


def given(args: argparse.Namespace) -> tuple[Given, ...]:
    """Return the deployments that are to be planned. Raises InvalidInput, InvalidResource."""
    if (args.name is None) == (args.file is None):
        raise InvalidInput("`-f` must be given, or the NAME of a Gemma4Deployment in the cluster, and not both")
    require_one_standard_input(args)
    if args.file is None:
        from gemma4_operator.cli.cluster import deployment

        return given_in((deployment(args.name, args.namespace),))
    return given_in(read_deployments(*args.file))


def require_one_standard_input(args: argparse.Namespace) -> None:
    """Raise InvalidInput if two options would read standard input."""
    sources = [option for option in _FILES for path in _paths(args, option) if path == STDIN]
    if len(sources) > 1:
        if len(set(sources)) == 1:
            raise InvalidInput(f"`--{sources[0]}` must not be standard input twice: it can be read only once")
        both = " and ".join(f"`--{option}`" for option in sources)
        raise InvalidInput(f"{both} must not both be standard input: write one of them to a file")


def _paths(args: argparse.Namespace, option: str) -> list[str]:
    paths = getattr(args, option, None) or []
    return [paths] if isinstance(paths, str) else paths


def given_in(raws: Sequence[Object]) -> tuple[Given, ...]:
    """Return deployments as values. Raises InvalidInput, InvalidResource."""
    return tuple(_read(raw, is_alone=len(raws) == 1) for raw in raws)


def _read(raw: Object, *, is_alone: bool) -> Given:
    try:
        return Given(deployment=read_deployment(raw), raw=raw)
    except InvalidResource as error:
        if is_alone:
            raise
        metadata = raw.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        raise InvalidInput(f"Gemma4Deployment '{name or 'without a name'}': {error}") from error
