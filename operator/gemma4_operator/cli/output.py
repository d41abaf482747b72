"""What verbs print: a table for people, JSON or YAML for programs, colour on terminals alone."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any

import yaml

TABLE, JSON, YAML = "table", "json", "yaml"
WIDTH = 120
"""Columns of a table: what a terminal of today and a comment on a pull request show without a break."""
_LEAST_WIDTH = 60
"""A terminal that is narrower breaks the lines itself: folded to less, a table is no table."""
_NARROWEST = 30
"""A last cell is not broken into less than this; the line is longer then, or on a terminal the cell goes below."""


_BOLD, _PLAIN = "\033[1m", "\033[0m"
_BETWEEN, _BELOW = "  ", "    "
"""What parts columns, and what goes before a last cell in lines of its own."""


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add `-o`."""
    parser.add_argument(
        "-o",
        "--output",
        choices=(TABLE, JSON, YAML),
        default=TABLE,
        help="table: for people; json, yaml: for programs, with stable keys (default: table)",
    )


def emit(result: Any, output: str, *, table: Callable[[], str]) -> None:
    """Print a result."""
    match output:
        case "json":
            text = json.dumps(result, indent=2)
        case "yaml":
            text = yaml.safe_dump(result, sort_keys=False, allow_unicode=True, width=WIDTH).rstrip()
        case _:
            text = table()
    sys.stdout.write(text + "\n")


def is_terminal() -> bool:
    """Whether somebody sees what is printed as it is printed."""
    return sys.stdout.isatty()


def tell(progress: str) -> None:
    """Say on standard error what is being done, where that is a terminal at which somebody waits."""
    if sys.stderr.isatty():
        print(f"gemma4: {progress}", file=sys.stderr, flush=True)


def counted(count: int, what: str) -> str:
    """Return a count with its word, which has an s where it is not one."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def width() -> int:
    """Return the columns to fold to: a terminal's, within bounds; what is no terminal has no width of its own."""
    return min(max(get_terminal_size().columns, _LEAST_WIDTH), WIDTH) if is_terminal() else WIDTH


def has_colour() -> bool:
    """Whether standard output is a terminal that wants colour (no-color.org)."""
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def strong(text: str) -> str:
    """Return a text in bold where there is colour."""
    return f"{_BOLD}{text}{_PLAIN}" if has_colour() else text


def columns(rows: Sequence[Sequence[str]], *, indent: str = "") -> str:
    """Return rows in aligned columns; the last one goes on in further lines where it is too long for the width.

    On a terminal that is too narrow for that, a long last column stands in lines of its own.
    """
    if not rows:
        return ""
    widths = [max(_length(row[index]) for row in rows) for index in range(len(rows[0]) - 1)]
    room = width() - len(indent) - sum(widths) - len(_BETWEEN) * len(widths)
    is_below = is_terminal() and room < _NARROWEST < max(len(row[-1]) for row in rows)
    lines = []
    for row in rows:
        cells = indent + "".join(_wide(cell, size) + _BETWEEN for cell, size in zip(row[:-1], widths, strict=True))
        lines += (
            [cells.rstrip(), *folded(row[-1], before=indent + _BELOW)] if is_below else folded(row[-1], before=cells)
        )
    return "\n".join(lines)


def _wide(cell: str, size: int) -> str:
    return cell + " " * (size - _length(cell))


def _length(cell: str) -> int:
    """Return how many columns a cell takes: what makes it bold takes none."""
    return len(cell.replace(_BOLD, "").replace(_PLAIN, ""))


def folded(text: str, *, before: str = "") -> list[str]:
    """Return a text in lines of at most `width()`: the first after `before`, the others below it; words stay whole."""
    room = max(width() - _length(before), _NARROWEST)
    parts = wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
    below = " " * _length(before)
    return [(start + part).rstrip() for start, part in zip([before, *[below] * (len(parts) - 1)], parts, strict=True)]


def paragraph(text: str, *, before: str = "") -> list[str]:
    """Return a text that is one line for programs, and folded only where somebody looks at it."""
    return folded(text, before=before) if is_terminal() else [before + text]
