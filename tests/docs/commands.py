"""What a block of commands says: each command as it is typed, and what is shown below it."""

import re
import shlex
from dataclasses import dataclass

_PROMPT = "$ "
_ELLIPSIS = "..."


@dataclass(frozen=True, slots=True)
class Command:
    """One command, over as many lines as it takes."""

    text: str
    shown: str = ""
    """What it prints; empty: the page does not say."""

    def differs(self, printed: str) -> bool:
        """Whether something else was printed than is shown, where a line of dots stands for any lines."""
        shown = (
            _trimmed(part) for part in re.split(rf"^\s*{re.escape(_ELLIPSIS)}\s*$", self.shown, flags=re.MULTILINE)
        )
        return re.fullmatch(".*".join(map(re.escape, shown)), _trimmed(printed), re.DOTALL) is None


def commands(text: str) -> tuple[Command, ...]:
    """Return the commands of a block; without a prompt every line is typed, and nothing is shown."""
    lines = text.splitlines()
    has_prompts = any(line.startswith(_PROMPT) for line in lines)
    found: list[Command] = []
    while lines:
        line = lines.pop(0)
        if has_prompts and not line.startswith(_PROMPT):
            assert found, f"what is shown must stand below a command, and {line!r} does not"
            found[-1] = Command(found[-1].text, f"{found[-1].shown}{line}\n")
            continue
        typed = line.removeprefix(_PROMPT)
        while _goes_on(typed):
            assert lines, f"a command must end in its block, and {typed!r} does not"
            typed = f"{typed}\n{lines.pop(0)}"
        if shlex.split(typed, comments=True):
            found.append(Command(typed))
    return tuple(found)


def _goes_on(typed: str) -> bool:
    if typed.endswith("\\"):
        return True
    try:
        shlex.split(typed, comments=True)
    except ValueError:
        return True
    return False


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())
