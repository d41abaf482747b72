"""The command line as plain values, read off its parser: what shells complete, and what the reference must name."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of a verb.

    Attributes:
        flags: The short form first, if it has one.
        takes: What a message calls its value, such as FILE; empty: it takes none.
        choices: Its values, if they are a closed set.
        repeats: Whether it may be given again.
    """

    flags: tuple[str, ...]
    about: str
    takes: str
    choices: tuple[str, ...]
    repeats: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One verb.

    Attributes:
        choices: What its argument without a flag may be, if that is a closed set.
    """

    name: str
    about: str
    options: tuple[Option, ...]
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The whole command: its own options, and its verbs in the order of the help."""

    command: str
    options: tuple[Option, ...]
    branches: tuple[Branch, ...]


def tree_of(parser: argparse.ArgumentParser) -> Tree:
    """Return the tree of a parser with one level of verbs."""
    verbs = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    abouts = {action.dest: action.help or "" for action in verbs._choices_actions}
    branches = tuple(
        Branch(name=name, about=abouts[name], options=tuple(_options(own)), choices=tuple(_positional(own)))
        for name, own in verbs.choices.items()
    )
    return Tree(command=parser.prog, options=tuple(_options(parser)), branches=branches)


def _options(parser: argparse.ArgumentParser) -> Iterator[Option]:
    for action in parser._actions:
        if action.option_strings and action.help != argparse.SUPPRESS:
            choices = tuple(map(str, action.choices or ()))
            takes = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
            yield Option(
                flags=tuple(sorted(action.option_strings, key=len)),
                about=(action.help or "").replace("%(prog)s", parser.prog),
                takes=takes,
                choices=choices,
                repeats=isinstance(action, argparse._AppendAction),
            )


def _positional(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if not action.option_strings and not isinstance(action, argparse._SubParsersAction):
            yield from map(str, action.choices or ())
