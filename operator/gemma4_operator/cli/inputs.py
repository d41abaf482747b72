"""What verbs read: files or standard input, as YAML or JSON, in the shapes that kubectl prints and people write."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from gemma4_operator.api.bounded import Unbounded, require_bounded
from gemma4_operator.api.shown import shown

Object = dict[str, Any]
STDIN = "-"
_SHOWN = 40
"""Characters of a wrong value in a message."""
_KINDS_TOLD = 5
_ENDLESS = "a number has thousands of digits"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class InvalidInput(ValueError):
    """What was given cannot be used; one sentence that says what must be."""


def place(path: str) -> str:
    """Return what a message calls a file."""
    return "standard input" if path == STDIN else path


def read_text(path: str) -> str:
    """Return what a file holds; `-` is standard input. Raises InvalidInput."""
    try:
        return sys.stdin.read() if path == STDIN else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{place(path)}: must be a file that can be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{place(path)}: must be YAML or JSON, and is not even UTF-8 text") from error


def objects_in(text: str, *, where: str) -> tuple[Object, ...]:
    """Return the Kubernetes objects of a text: documents, lists, or one object; perhaps none. Raises InvalidInput."""
    try:
        return tuple(one for document in _documents(text, where) for one in _unfolded(document, where))
    except RecursionError as error:
        raise InvalidInput(f"{where}: must hold Kubernetes objects, and is nested deeper than any of them") from error


def of_kinds(objects: Sequence[Object], *kinds: str, where: str, must: str) -> tuple[Object, ...]:
    """Return the objects of some kinds, at least one; others beside them are passed over.

    Args:
        objects: What a file has.
        kinds: Those that are wanted.
        where: The file, for the message where there is none of them.
        must: What it has to hold.

    Raises:
        InvalidInput: with the file, and what it has instead.
    """
    found = tuple(one for one in objects if one.get("kind") in kinds)
    if not found:
        kinds_told = sorted({shown(str(one.get("kind", "an object without `kind`")), _SHOWN) for one in objects})
        has = ", ".join(kinds_told[:_KINDS_TOLD]) + (" and others" if len(kinds_told) > _KINDS_TOLD else "")
        raise InvalidInput(f"{where}: must {must}, and " + (f"has {has}" if has else "is empty"))
    return found


def read_deployments(path: str) -> tuple[Object, ...]:
    """Return the Gemma4Deployments of a file. Raises InvalidInput."""
    where = place(path)
    objects = objects_in(read_text(path), where=where)
    return of_kinds(objects, "Gemma4Deployment", where=where, must="hold a Gemma4Deployment")


def _documents(text: str, where: str) -> Sequence[Any]:
    """Return the documents of a text; of what looks like JSON and is broken, the reader that came further judges."""
    broken: tuple[int, str] | None = None
    if text.lstrip().startswith(("{", "[")):
        try:
            return _json_values(text)
        except json.JSONDecodeError as error:  # YAML in its flow style begins alike.
            broken = (error.lineno, error.msg)
        except ValueError:  # A number without end.
            broken = (0, _ENDLESS)
    try:
        documents = [document for document in yaml.load_all(text, Loader=_Loader) if document is not None]
        require_bounded(documents)
        return documents
    except Unbounded as error:
        raise InvalidInput(f"{where}: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = min(mark.line + 1, len(text.splitlines())) if mark is not None else 0
        told = (line, " ".join(str(getattr(error, "problem", None) or error).split()))
    except ValueError as error:  # A scalar with the form of a date that no calendar has, or a number without end.
        told = (0, _ENDLESS if "int_max_str_digits" in str(error) else str(error))
    line, problem = max(broken or told, told, key=lambda fault: fault[0])
    raise InvalidInput(
        f"{where}: must be YAML or JSON, and is not" + (f" in line {line}" if line else "") + f": {problem}"
    )


def _json_values(text: str) -> list[Any]:
    """Return all values of a text: two outputs of kubectl, one after the other, are two. Raises JSONDecodeError."""
    decoder, values, position = json.JSONDecoder(), [], 0
    while rest := text[position:].lstrip():
        start = len(text) - len(rest)
        value, position = decoder.raw_decode(text, start)
        values.append(value)
    return values


def _unfolded(document: Any, where: str) -> Iterator[Object]:
    """Yield the objects of a document: itself, or those of a list of Kubernetes or of YAML."""
    match document:
        case list():
            for one in document:
                yield from _unfolded(one, where)
        case {"items": list(items)}:
            kind = str(document.get("kind") or "List").removesuffix("List")
            for one in items:
                for inner in _unfolded(one, where):
                    # The API server leaves the kind out of a typed list's items.
                    yield {"kind": kind, **inner} if kind else inner
        case dict():
            yield document
        case _:
            raise InvalidInput(f"{where}: must hold Kubernetes objects, and holds '{shown(str(document), _SHOWN)}'")
