"""How many replicas a moment needed: what both the way down and the memory of jumps look back on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Need:
    """How many replicas a moment needed."""

    at_seconds: float
    replicas: int
