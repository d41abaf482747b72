"""What a verb of the command line is, and how the process may end."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """The exit codes, the same for every verb."""

    OK = 0
    UNEXPECTED = 1
    INVALID = 2
    INFEASIBLE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One verb; its module exports it as `VERB`, and `main` lists it."""

    name: str
    summary: str
    """One line for the list of verbs."""
    details: str
    """What the verb's own help says, with an example."""
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], Exit]
