"""One run of the grid: which rule meets which traffic, in which circumstances."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from gemma4_operator.sim.routing import Routing
from gemma4_operator.sim.workloads import DESIGN, ENGINE, HELD_OUT, STEPS, Workload

WORKLOADS: Mapping[str, Workload] = {**DESIGN, **STEPS, **HELD_OUT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A cell of the grid.

    Attributes:
        policy: The rule and its knobs, as `gemma4 simulate` takes them.
        max_batched_tokens: Of each engine; what the planner chooses for the time per token, unless said otherwise.
        delay_seconds: How old engines' counts are when the rule sees them.
        mean_life_seconds: Until a replica dies, on average; None: none does.
        seed: Of the traffic, of boots, routing and deaths.
    """

    workload: str
    policy: str
    routing: Routing = Routing.TWO_CHOICES
    has_gateway: bool = False
    max_batched_tokens: int = ENGINE.max_batched_tokens
    boot_seconds: float = 100.0
    delay_seconds: float = 0.0
    mean_life_seconds: float | None = None
    seed: int = 1

    @property
    def document(self) -> dict[str, Any]:
        """As it is kept: what is usual is not said."""
        usual = {field.name: field.default for field in fields(self)}
        return {key: value for key, value in asdict(self).items() if value != usual[key]}

    @property
    def text(self) -> str:
        """For people, in a line."""
        rest = {key: value for key, value in self.document.items() if key not in ("workload", "policy")}
        return " ".join((self.workload, self.policy, *(f"{key}={value}" for key, value in rest.items())))


def run_of(document: Mapping[str, Any]) -> Run:
    """Return a run that was kept."""
    known = dict(document)
    if "routing" in known:
        known["routing"] = Routing(known["routing"])
    return Run(**known)
