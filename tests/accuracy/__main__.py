"""Compare the planner with engines and measurements: `python -m tests.accuracy`, or `make accuracy`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.accuracy import cache, latency, nim, other_tool, starts, weights
from tests.accuracy.section import Section

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "accuracy.md"
SECTIONS: tuple[Callable[[], Section], ...] = (
    cache.section,
    weights.section,
    starts.section,
    nim.section,
    latency.tokens,
    latency.under_load,
    latency.prompts,
    latency.single_reports,
    other_tool.section,
    latency.not_compared,
)
"""In the order of the page."""

_HEAD = """\
# How exact the planner is

Written by `make accuracy`, which computes everything anew. Each table compares the planner's formulas with what engines
printed or people measured. No constant belongs to one row.
"""


def main(arguments: Sequence[str]) -> int:
    """Return the exit status: 1 if `--check` finds a part that does not hold or a page that is out of date."""
    options = _parser().parse_args(arguments)
    sections = tuple(make() for make in SECTIONS)
    page = "\n\n".join([_HEAD.rstrip(), *(one.markdown() for one in sections)]) + "\n"
    print(page, end="")
    if options.write_docs:
        PAGE.write_text(page, encoding="utf-8")
    if not options.check:
        return 0
    failed = [one.title for one in sections if not one.passed]
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        failed.append(f"{PAGE.name} is out of date: run `make accuracy`")
    for reason in failed:
        print(f"failed: {reason}", file=sys.stderr)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if a part does not hold or the page is out of date")
    parser.add_argument("--write-docs", action="store_true", help=f"write docs/reference/{PAGE.name}")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
