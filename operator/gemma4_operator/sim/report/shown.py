"""What a report is made of: the runs, what they were played in, and who reads the future."""

from dataclasses import dataclass

from gemma4_operator.sim.result import Result

REFERENCE = "clairvoyant"
"""The rule that others are measured by: it knows what will come, so it is no choice that anybody has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One policy, as it was asked for, and what became of it."""

    policy: str
    result: Result

    @property
    def rule(self) -> str:
        """The policy without its settings."""
        return self.policy.partition(":")[0]

    @property
    def is_reference(self) -> bool:
        """Whether it knows what will come."""
        return self.rule == REFERENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What all were played in.

    Attributes:
        title: Of the page: what people call the traffic.
        facts: Each with its name, in the order in which they are read.
        duration_seconds: Of the traffic.
        objective_percent: Of requests that are to keep their objectives.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    duration_seconds: float
    objective_percent: float
    version: str
