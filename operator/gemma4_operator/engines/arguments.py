"""The user's extra arguments: they come last, and may set anything but what the plan or another field says."""

import re
from collections.abc import Mapping

from gemma4_operator.api.shown import shown
from gemma4_operator.engines.base import Managed, Serving

_SHORTEST = 5
"""Of an abbreviated flag, dashes included: argparse takes the start of a flag for it."""
_GLUED = re.compile(r"(--?[^\s=-][^\s=]*)\s.*", re.DOTALL)
"""A flag and its value in one item, as a shell would never hand them on: no engine knows a flag of that name."""


def clash(serving: Serving, managed: Managed) -> str | None:
    """Return why the extra arguments cannot stand.

    All spellings of a flag count: with '-' and with '_', shortened, negated with '--no-' or, as vLLM does since 0.33,
    with '--disable-' for '--enable-', with its value behind '=' or a key of it behind '.'. A flag with its value behind
    a blank, in one item, is told to be two; the value is not told, since it may be a secret.
    """
    for argument in serving.extra_args:
        if not argument.strip():
            return "`spec.engine.extraArgs` must not contain an item that is blank: leave it out."
        glued = _GLUED.fullmatch(argument)
        given = _flag(glued[1] if glued else argument)
        if (flag := _known(given, managed.flags)) is not None:
            return f"`spec.engine.extraArgs` must not contain '{given}': set `{managed.flags[flag]}` instead."
        if (flag := _known(given, managed.barred)) is not None:
            return f"`spec.engine.extraArgs` must not contain '{given}', {managed.barred[flag]}: leave it out."
        if glued:
            return (
                f"`spec.engine.extraArgs` must not contain '{shown(given)}' and its value as one item with white space "
                "between: write two items."
            )
    return None


def _flag(argument: str) -> str:
    name = argument.partition("=")[0].partition(".")[0]
    return name.replace("_", "-") if name.startswith("--") else name


def _known(given: str, flags: Mapping[str, str]) -> str | None:
    """Return the flag that is meant."""
    opposite = _opposite(given)
    for name in (given, given.replace("--no-", "--", 1), opposite):
        if name in flags:
            return name
    if len(given) < _SHORTEST or not given.startswith("--"):
        return None
    return next((flag for flag in flags if flag.startswith((given, opposite))), None)


def _opposite(given: str) -> str:
    for one, other in (("--enable-", "--disable-"), ("--disable-", "--enable-")):
        if given.startswith(one):
            return other + given.removeprefix(one)
    return given
