"""What verbs read: files or standard input, as YAML or JSON, in the shapes that kubectl prints and people write."""

import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from gemma4_operator.api.bounded import Unbounded, require_bounded
from gemma4_operator.api.distinct import repeated
from gemma4_operator.api.shown import shown

Object = dict[str, Any]
STDIN = "-"
_ENCODING = "utf-8-sig"
_ENDS = (".yaml", ".yml", ".json")
_SHOWN = 40
"""Characters of a wrong value in a message."""
_LINE_SHOWN = 400
"""Characters of a message that names a path."""
_KINDS_TOLD = 5
_KIND = "Gemma4Deployment"
_ENDLESS = "a number has thousands of digits"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class InvalidInput(ValueError):
    """What was given cannot be used; one sentence that says what must be."""


class Found(NamedTuple):
    """An object of a file, and what a message calls its place."""

    raw: Object
    where: str


def place(path: str) -> str:
    """Return what a message calls a file."""
    return "standard input" if path == STDIN else path


def read_text(path: str, *, form: str = "YAML or JSON", may_be_cut: bool = False) -> str:
    """Return what a file holds, without the mark with which some editors begin one.

    Args:
        path: The file; `-` is standard input.
        form: What it must be, for the message.
        may_be_cut: Whether bytes that are no text are passed over, as in a log that begins within a character.

    Raises:
        InvalidInput: with the file, and what it must be.
    """
    errors = "replace" if may_be_cut else "strict"
    try:
        if path != STDIN:
            return Path(path).read_text(encoding=_ENCODING, errors=errors)
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(encoding=_ENCODING, errors=errors)
        return sys.stdin.read()
    except OSError as error:
        raise InvalidInput(f"{place(path)}: must be a file that can be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{place(path)}: must be {form}, and is not even UTF-8 text") from error


class _Repeated(ValueError):
    """A key that a mapping has twice; one clause that says what must be."""


def objects_in(text: str, *, where: str, may_repeat: bool = False) -> tuple[Object, ...]:
    """Return the Kubernetes objects of a text: documents, lists, or one object; perhaps none.

    Args:
        text: YAML or JSON.
        where: The file, for messages.
        may_repeat: Whether a key that is there twice is passed over; else it is refused, as the API server does.

    Raises:
        InvalidInput: with the file, and what it must hold.
    """
    try:
        documents = _documents(text, where, may_repeat=may_repeat)
        return tuple(one for document in documents for one in _unfolded(document, where))
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


def find_deployments(*paths: str, may_be_none: bool = False, may_repeat: bool = False) -> tuple[Found, ...]:
    """Return the Gemma4Deployments of files and folders.

    Raises:
        InvalidInput: also where there is none, unless it may be.
    """
    found = [one for path in paths for file in _files(path) for one in _found(file, may_repeat=may_repeat)]
    if not may_be_none:
        where = " and ".join(map(place, paths))
        of_kinds([one.raw for one in found], _KIND, where=where, must=f"hold a {_KIND}")
    return tuple(one for one in found if one.raw.get("kind") == _KIND)


def _found(file: str, *, may_repeat: bool) -> Iterator[Found]:
    objects = objects_in(read_text(file), where=place(file), may_repeat=may_repeat)
    for number, raw in enumerate(objects, start=1):
        yield Found(raw, place(file) if len(objects) == 1 else f"object {number} of {place(file)}")


def _files(path: str) -> Sequence[str]:
    """Return a file, or those of a folder that kubectl would read: by their names' ends, and none of folders in it."""
    if path == STDIN or not Path(path).is_dir():
        return (path,)
    try:
        found = sorted(one for one in Path(path).iterdir() if one.suffix in _ENDS and one.is_file())
    except OSError as error:
        raise InvalidInput(f"{path}: must be a folder that can be read: {error.strerror}") from error
    if not found:
        raise InvalidInput(f"{path}: must be a folder with files that end in {', '.join(_ENDS)}, and has none")
    return tuple(map(str, found))


def _documents(text: str, where: str, *, may_repeat: bool) -> Sequence[Any]:
    """Return the documents of a text; of what looks like JSON and is broken, the reader that came further judges."""
    broken: tuple[int, str] | None = None
    again: _Repeated | None = None
    if text.lstrip().startswith(("{", "[")):
        try:
            return _json_values(text, may_repeat=may_repeat)
        except json.JSONDecodeError as error:  # YAML in its flow style begins alike.
            broken = (error.lineno, error.msg)
        except _Repeated as error:  # Which line it is in, YAML's reader knows.
            again = error
        except ValueError:  # A number without end.
            broken = (0, _ENDLESS)
    try:
        documents = [document for document in _yaml_documents(text, may_repeat=may_repeat) if document is not None]
        require_bounded(documents)
        return documents
    except (Unbounded, _Repeated) as error:
        raise InvalidInput(f"{where}: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = min(mark.line + 1, len(text.splitlines())) if mark is not None else 0
        told = (line, " ".join(str(getattr(error, "problem", None) or error).split()))
    except ValueError as error:  # A scalar with the form of a date that no calendar has, or a number without end.
        told = (0, _ENDLESS if "int_max_str_digits" in str(error) else str(error))
    if again is not None:
        raise InvalidInput(f"{where}: {again}")
    line, problem = max(broken or told, told, key=lambda fault: fault[0])
    raise InvalidInput(
        f"{where}: must be YAML or JSON, and is not" + (f" in line {line}" if line else "") + f": {problem}"
    )


def _yaml_documents(text: str, *, may_repeat: bool) -> Iterator[Any]:
    """Yield the documents of a text. Raises YAMLError, _Repeated."""
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            again = None if may_repeat else next(repeated(node), None)
            if again is not None:
                raise _Repeated(shown(str(again), _LINE_SHOWN))
            yield loader.construct_document(node)
    finally:
        loader.dispose()


def _json_values(text: str, *, may_repeat: bool) -> list[Any]:
    """Return all values of a text: two outputs of kubectl, one after the other, are two.

    Raises:
        JSONDecodeError: Where it is none.
        _Repeated: For a key that is there twice, unless it may be.
    """
    decoder = json.JSONDecoder(object_pairs_hook=None if may_repeat else _distinct)
    values: list[Any] = []
    position = 0
    while rest := text[position:].lstrip():
        start = len(text) - len(rest)
        value, position = decoder.raw_decode(text, start)
        values.append(value)
    return values


def _distinct(pairs: list[tuple[str, Any]]) -> Object:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        again = next(name for name in made if names.count(name) > 1)
        raise _Repeated(f"must have each key once, and has `{shown(again, _SHOWN)}` twice in one object")
    return made


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
