"""Lines and areas in the language of SVG's paths, in tenths of a unit, and none longer than it must be."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A level that holds from `left` to `right`."""

    left: float
    right: float
    level: float


def place(value: float) -> str:
    """Return a coordinate."""
    return f"{value:.1f}".removesuffix(".0")


def line(steps: Sequence[Step]) -> str:
    """Return a line that goes from level to level; where one does not begin as the one before ends, it is broken."""
    parts: list[str] = []
    for index, step in enumerate(steps):
        before = steps[index - 1] if index else None
        level = place(step.level)
        if before is None or place(before.right) != place(step.left):
            parts.append(f"M{place(step.left)} {level}")
        elif place(before.level) != level:
            parts.append(f"V{level}")
        elif parts and parts[-1].startswith("H"):
            parts.pop()
        parts.append(f"H{place(step.right)}")
    return "".join(parts)


def area(steps: Sequence[Step], *, base: float) -> str:
    """Return what is between levels and a base."""
    if not steps:
        return ""
    return f"{line(steps)}V{place(base)}H{place(steps[0].left)}Z"


def bars(steps: Iterable[Step], *, base: float) -> str:
    """Return for each step what is between it and a base, each for itself."""
    return "".join(
        f"M{place(one.left)} {place(base)}H{place(one.right)}V{place(one.level)}H{place(one.left)}Z" for one in steps
    )
