"""What planning verbs plan: the Gemma4Deployments of a file, or one of a cluster."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gemma4_operator.api.deployment import Gemma4Deployment
from gemma4_operator.api.read import InvalidResource, read_deployment
from gemma4_operator.cli.access import access, clusters_namespace, files_namespace
from gemma4_operator.cli.inputs import STDIN, Found, InvalidInput, Object, find_deployments
from gemma4_operator.cli.namespaces import DEFAULT, in_namespaces

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
        """Its namespace."""
        return str(self.raw["metadata"].get("namespace") or DEFAULT)


def given(args: argparse.Namespace) -> tuple[Given, ...]:
    """Return the deployments that are to be planned. Raises InvalidInput, InvalidResource."""
    if (args.name is None) == (args.file is None):
        raise InvalidInput("`-f` must be given, or the NAME of a Gemma4Deployment in the cluster, and not both")
    require_one_standard_input(args)
    if args.file is None:
        from gemma4_operator.cli.cluster import deployment

        namespace = clusters_namespace(args, instead="`-f`")
        return given_in((deployment(args.name, namespace, access(args)),))
    return given_of(find_deployments(*args.file), args)


def given_of(found: Sequence[Found], args: argparse.Namespace) -> tuple[Given, ...]:
    """Return the deployments of `-f`, each in its namespace. Raises InvalidInput, InvalidResource."""
    # What is wrong with a file is told before anything is asked of a cluster.
    valid = given_in([one.raw for one in found])
    raws = in_namespaces(found, args.namespace, lambda: files_namespace(args))
    return tuple(replace(one, raw=raw) for one, raw in zip(valid, raws, strict=True))


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
