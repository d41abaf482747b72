"""A fixed count: what people run who do not scale, and what every rule must beat."""

from dataclasses import dataclass

from gemma4_operator.sim.peers.fleet import bounded
from gemma4_operator.sim.policy import View
from gemma4_operator.sim.setting import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """How many there are."""

    replicas: int


class Static:
    """Always the same count."""

    interval_seconds = 60.0

    def __init__(self, knobs: Knobs, setting: Setting) -> None:
        self._wanted = bounded(knobs.replicas, setting)

    def wanted(self, view: View) -> int:
        """Return the count."""
        del view
        return self._wanted
