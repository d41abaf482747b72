"""Fenced blocks of Markdown as a reader meets them: language, text, place, and what is marked about them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs" / "guides").rglob("*.md"))))
MARK = re.compile(r"^ *<!-- (not run here|run by|ends with|not compared|saved as): (.+?) -->$", re.MULTILINE)

_OF_COMMANDS = frozenset({"console", "sh", "bash", "shell"})
_OPENS = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<language>[^\s`]*)[^`]*$")
_HEADING = re.compile(r"^#+ (.+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block."""

    page: str
    line: int
    """Of the fence that opens it."""
    heading: str
    """The one above it."""
    language: str
    text: str
    marks: Mapping[str, str]

    @property
    def has_commands(self) -> bool:
        """Whether somebody is meant to type it."""
        return self.language in _OF_COMMANDS or self.text.startswith("$ ")

    @property
    def is_run(self) -> bool:
        """Whether it is this room that must type it."""
        return self.has_commands and not self.marks.keys() & {"not run here", "run by"}

    @property
    def exit_status(self) -> int:
        """What its commands end with."""
        return int(self.marks.get("ends with", 0))

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(text: str, *, page: str) -> tuple[Block, ...]:
    """Return the blocks of a page's text, in order."""
    found: list[Block] = []
    lines = enumerate(text.splitlines(), start=1)
    heading, marks = "", dict[str, str]()
    for number, line in lines:
        if opened := _OPENS.match(line):
            inside: list[str] = []
            for _, within in lines:
                if within.strip() == opened["fence"]:
                    break
                inside.append(within.removeprefix(opened["indent"]))
            block = Block(
                page=page,
                line=number,
                heading=heading,
                language=opened["language"],
                text="".join(f"{one}\n" for one in inside),
                marks=marks,
            )
            found.append(block)
        elif titled := _HEADING.match(line):
            heading = titled[1]
        marked = MARK.match(line)
        marks = {**marks, marked[1]: marked[2]} if marked else {}
    return tuple(found)


def blocks_of(page: str) -> tuple[Block, ...]:
    """Return the blocks of one of `PAGES`."""
    return blocks((ROOT / page).read_text(encoding="utf-8"), page=page)
