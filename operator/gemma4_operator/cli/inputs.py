"""What verbs read: files or standard input, as YAML or JSON, in the shapes that kubectl prints and people write."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

STDIN = "-"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class InvalidInput(ValueError):
    """What was given cannot be used; one sentence that says what must be."""


def read_text(path: str) -> str:
    """Return what a file holds; `-` is standard input. Raises InvalidInput."""
    if path == STDIN:
        return sys.stdin.read()
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidInput(f"{path}: must be a file that can be read: {reason}") from error


def objects_in(text: str, *, where: str) -> tuple[dict[str, Any], ...]:
    """Return the Kubernetes objects of a text: documents, lists, or one object. Raises InvalidInput."""
    found = tuple(one for document in _documents(text, where) for one in _unfolded(document, where))
    if not found:
        raise InvalidInput(f"{where}: must hold at least one object, and is empty")
    return found


def of_kind(objects: tuple[dict[str, Any], ...], kind: str) -> tuple[dict[str, Any], ...]:
    """Return the objects of one kind."""
    return tuple(one for one in objects if one.get("kind") == kind)


def read_deployments(path: str) -> tuple[dict[str, Any], ...]:
    """Return the Gemma4Deployments of a file; other objects beside them are passed over."""
    where = "standard input" if path == STDIN else path
    objects = objects_in(read_text(path), where=where)
    found = of_kind(objects, "Gemma4Deployment")
    if not found:
        kinds = ", ".join(sorted({str(one.get("kind", "no kind")) for one in objects}))
        raise InvalidInput(f"{where}: must hold a Gemma4Deployment, and has {kinds}")
    return found


def read_inventory(path: str) -> tuple[tuple[dict[str, Any], ...], tuple[dict[str, Any], ...]]:
    """Return the nodes and the pods of what `kubectl get nodes -o json` or `-o yaml` prints."""
    where = "standard input" if path == STDIN else path
    objects = objects_in(read_text(path), where=where)
    nodes, pods = of_kind(objects, "Node"), of_kind(objects, "Pod")
    if not nodes and not pods:
        kinds = ", ".join(sorted({str(one.get("kind", "no kind")) for one in objects}))
        raise InvalidInput(f"{where}: must be what `kubectl get nodes -o json` prints, and has {kinds}")
    for one in (*nodes, *pods):
        if not isinstance(one.get("metadata"), dict) or not one["metadata"].get("name"):
            raise InvalidInput(f"{where}: each {one['kind']} must have `metadata.name`")
    return nodes, pods


def _documents(text: str, where: str) -> Iterator[Any]:
    stripped = text.lstrip()
    if stripped.startswith(("{", "[")):
        try:
            yield json.loads(text)
            return
        except json.JSONDecodeError:
            pass  # YAML in its flow style begins alike.
    try:
        yield from (document for document in yaml.load_all(text, Loader=_Loader) if document is not None)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark is not None else ""
        raise InvalidInput(
            f"{where}: must be YAML or JSON{line}: {getattr(error, 'problem', None) or error}"
        ) from error


def _unfolded(document: Any, where: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a document: itself, or those of a list of Kubernetes or of YAML."""
    if isinstance(document, list):
        for one in document:
            yield from _unfolded(one, where)
    elif not isinstance(document, dict):
        raise InvalidInput(f"{where}: must hold objects with `kind`, and holds {type(document).__name__} '{document}'")
    elif isinstance(items := document.get("items"), list):
        kind = str(document.get("kind", "List")).removesuffix("List")
        for one in items:
            for inner in _unfolded(one, where):
                # The API server leaves the kind out of a typed list's items.
                yield {"kind": kind, **inner} if kind else inner
    else:
        yield document
