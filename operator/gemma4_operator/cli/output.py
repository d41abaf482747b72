"""What verbs print: a table for people, JSON or YAML for programs, colour on terminals alone."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import Any

import yaml

TABLE, JSON, YAML = "table", "json", "yaml"
WIDTH = 120
"""Columns of a table: what a terminal of today and a comment on a pull request show without a break."""
_NARROWEST = 30
"""A last cell is not broken into less than this; the line is longer then."""


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


def has_colour() -> bool:
    """Whether standard output is a terminal that wants colour (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def strong(text: str) -> str:
    """Return a text in bold where there is colour."""
    return f"\033[1m{text}\033[0m" if has_colour() else text


def columns(rows: Sequence[Sequence[str]], *, indent: str = "") -> str:
    """Return rows in aligned columns; the last one goes on in further lines where it is too long for `WIDTH`."""
    if not rows:
        return ""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]) - 1)]
    lines = []
    for row in rows:
        before = indent + "".join(cell.ljust(width) + "  " for cell, width in zip(row[:-1], widths, strict=True))
        lines += folded(row[-1], before=before)
    return "\n".join(lines)


def folded(text: str, *, before: str = "") -> list[str]:
    """Return a text in lines of at most `WIDTH`: the first after `before`, the others below it; words stay whole."""
    room = max(WIDTH - len(before), _NARROWEST)
    parts = wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
    below = " " * len(before)
    return [(start + part).rstrip() for start, part in zip([before, *[below] * (len(parts) - 1)], parts, strict=True)]
