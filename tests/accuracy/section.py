"""One part of the accuracy report: what is compared, row by row, and what comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One table and its verdict.

    A module makes one in a function `section() -> Section`, which `tests/accuracy/__main__.py` lists.

    Attributes:
        title: A heading.
        intro: What is compared with what, in a paragraph or two of Markdown.
        columns: The heads of the table.
        rows: The table; cells are text, shown as they are. Empty: no table.
        verdict: Sentences with the figures that count, one a line.
        passed: Whether what is demanded of this part holds; `--check` fails if not.
    """

    title: str
    intro: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    verdict: tuple[str, ...] = ()
    passed: bool = True

    def markdown(self) -> str:
        """Return the section as Markdown, without a blank line at its end."""
        table = [_line(self.columns), _line(["---"] * len(self.columns)), *map(_line, self.rows)] if self.rows else []
        verdict = [f"* {line}" for line in self.verdict]
        blocks = [f"## {self.title}", self.intro.strip(), "\n".join(verdict), "\n".join(table)]
        return "\n\n".join(block for block in blocks if block)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
