"""The rules that a run may be played with, by name: `NAME[:key=value,...]`."""

from collections.abc import Sequence

from gemma4_operator.sim.policy import Policy
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.setting import Setting
from gemma4_operator.sim.static import Static


def names() -> tuple[str, ...]:
    """Return what the rules are called."""
    return ("static",)


def make(text: str, *, setting: Setting, trace: Sequence[Request]) -> Policy:
    """Return a rule for one run.

    Args:
        text: Its name, and what of its knobs is not as usual.
        setting: What it may know.
        trace: What one that sees the future may look at.

    Raises:
        ValueError: with what must be.
    """
    name, _, knobs = text.partition(":")
    if name != "static":
        raise ValueError(f"`{name}` must be one of {', '.join(names())}")
    key, _, value = knobs.partition("=")
    if key != "replicas" or not value.isdecimal():
        raise ValueError("`static` must have its count, such as static:replicas=4")
    return Static(replicas=int(value))
