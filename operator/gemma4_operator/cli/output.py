"""What verbs print: a table for people, JSON or YAML for programs, colour on terminals alone."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import yaml

TABLE, JSON, YAML = "table", "json", "yaml"


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
            text = yaml.safe_dump(result, sort_keys=False, allow_unicode=True, width=120).rstrip()
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
    """Return rows in aligned columns, the last one as it is."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))] if rows else []
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths[:-1], strict=True)]
        lines.append((indent + "  ".join([*cells, row[-1]])).rstrip())
    return "\n".join(lines)
