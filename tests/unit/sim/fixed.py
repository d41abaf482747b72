"""The simplest rule, for tests of what it is played in."""

from dataclasses import dataclass

from gemma4_operator.sim.policy import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Static:
    """Always as many."""

    replicas: int
    interval_seconds: float = 15.0

    def wanted(self, view: View) -> int:
        """Return the one answer."""
        return self.replicas
